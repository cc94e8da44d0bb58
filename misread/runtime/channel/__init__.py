"""The independent capture simulator: numpy and OpenCV only, 8 bits after every stage.

It shares no code with the training channel in `misread.attack`: other kernels, other samplers, a real codec. A new
stage is one file and one line in `STAGES`.
"""

from __future__ import annotations

from typing import Final

from misread.runtime.channel.banding import Banding
from misread.runtime.channel.base import Channel, Stage
from misread.runtime.channel.codec import Codec
from misread.runtime.channel.defocus import Defocus
from misread.runtime.channel.denoise import Denoise
from misread.runtime.channel.display import Display
from misread.runtime.channel.glare import Glare
from misread.runtime.channel.light import Light
from misread.runtime.channel.motion import Motion
from misread.runtime.channel.profile import PROFILES, Profile, named_profile
from misread.runtime.channel.profile_file import find_profile
from misread.runtime.channel.sensor import Sensor
from misread.runtime.channel.video import Video
from misread.runtime.channel.warp import paste

STAGES: Final[tuple[type[Stage], ...]] = (
    Display, Glare, Light, Banding, Defocus, Motion, Sensor, Denoise, Video, Codec,
)  # fmt: skip

__all__ = [
    "PROFILES", "STAGES", "Banding", "Channel", "Codec", "Defocus", "Denoise", "Display", "Glare", "Light", "Motion",
    "Profile", "Sensor", "Stage", "Video", "find_profile", "named_profile", "paste",
]  # fmt: skip
