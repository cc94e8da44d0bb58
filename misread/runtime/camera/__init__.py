"""Before the camera: locate, read, count by clip, and say whether the misreading persists."""

from __future__ import annotations

from misread.runtime.camera.film import FilmOptions, film
from misread.runtime.camera.judge import Persistence, Thresholds
from misread.runtime.camera.keyframes import KeyFrame
from misread.runtime.camera.result import CameraResult
from misread.runtime.camera.run import CameraOptions, run_camera
from misread.runtime.camera.subject import exhibits_of
from misread.runtime.camera.tally import Summary

__all__ = [
    "CameraOptions",
    "CameraResult",
    "FilmOptions",
    "KeyFrame",
    "Persistence",
    "Summary",
    "Thresholds",
    "exhibits_of",
    "film",
    "run_camera",
]
