"""A camera where there is none: films the board in a drawn street and serves it on loopback."""

from __future__ import annotations

from misread.runtime.rig.film import Film
from misread.runtime.rig.outlet import NOMINAL_FPS, TRANSPORTS
from misread.runtime.rig.pose import Camera, Pose
from misread.runtime.rig.script import Script, Shot, plan
from misread.runtime.rig.virtual import VirtualCamera

__all__ = ["NOMINAL_FPS", "TRANSPORTS", "Camera", "Film", "Pose", "Script", "Shot", "VirtualCamera", "plan"]
