"""misread: find images that a deployed classifier misreads, and prove it on the deployed build."""

from __future__ import annotations

__version__ = "0.1.0"
