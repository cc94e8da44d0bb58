"""The independent capture simulator: numpy and OpenCV only, 8 bits after every stage.

It shares no code with the training channel in `misread.attack`: other kernels, other samplers, a real codec. A new
stage is one file and one line in `STAGES`.
"""

from __future__ import annotations

from typing import Final

from misread.runtime.channel.base import Channel, Stage
from misread.runtime.channel.codec import Codec
from misread.runtime.channel.defocus import Defocus
from misread.runtime.channel.light import Light
from misread.runtime.channel.profile import PROFILES, Profile
from misread.runtime.channel.sensor import Sensor
from misread.runtime.channel.warp import paste

STAGES: Final[tuple[type[Stage], ...]] = (Light, Defocus, Sensor, Codec)

__all__ = ["PROFILES", "STAGES", "Channel", "Codec", "Defocus", "Light", "Profile", "Sensor", "Stage", "paste"]
