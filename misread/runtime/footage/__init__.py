"""Real footage of a sign with a witness blended in: its change, in the sign's own place and light."""

from __future__ import annotations

from misread.runtime.footage.blend import Light, blended, light_of
from misread.runtime.footage.register import Registered, register

__all__ = ["Light", "Registered", "blended", "light_of", "register"]
