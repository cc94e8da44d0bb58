"""Where inside two builds their values part: drift by layer."""

from __future__ import annotations

from misread.export.drift.run import layer_drift

__all__ = ["layer_drift"]
