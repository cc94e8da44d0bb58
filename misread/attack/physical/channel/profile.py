"""Named and versioned settings of the channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.attack.physical.channel.blur import Blur
from misread.attack.physical.channel.codec import Codec
from misread.attack.physical.channel.lens import Lens
from misread.attack.physical.channel.light import Light
from misread.attack.physical.channel.mosaic import Mosaic
from misread.attack.physical.channel.noise import Noise
from misread.attack.physical.channel.pose import MIN_HEIGHTS, Pose
from misread.attack.physical.channel.ranges import Range, centred
from misread.attack.physical.channel.response import Response
from misread.attack.physical.channel.sheet import Sheet
from misread.attack.physical.channel.tone import Tone
from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.attack.physical.channel.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What capture does in one setting. Change a range, and the version goes up.

    Attributes:
        name: How it is asked for.
        version: Grows with every change of a range or stage.
        sensor_px: Height of the picture on the sensor.
        render_px: Largest height simulated; larger sizes are rendered at this one, with less blur and noise.
        stages: In physical order. One of them is the pose, which turns one picture into many frames.
        lens: Makes size and perspective follow one distance in metres; without it the pose draws its own.

    Raises:
        OptionError: No stage, sizes under 8 pixels, or a lens that nearly touches the sheet.
    """

    name: str
    version: int
    sensor_px: Range
    render_px: int
    stages: tuple[Stage, ...]
    lens: Lens | None = None

    def __post_init__(self) -> None:
        """Refuse what renders nothing."""
        if not (self.sensor_px.low >= 8 and self.render_px >= 8):
            message = f"a profile shows the picture at 8 pixels or more, got {self.sensor_px} and {self.render_px}"
            raise OptionError(message)
        if self.lens is not None and not self.lens.heights(self.sensor_px.high) >= MIN_HEIGHTS:
            message = f"the lens is at least {MIN_HEIGHTS} picture heights away, got {self.lens} at {self.sensor_px}"
            raise OptionError(message)
        if [stage.name for stage in self.stages].count(Pose.name) != 1:
            names = ", ".join(stage.name for stage in self.stages) or "none"
            message = f"a profile has one pose stage, got these stages: {names}"
            raise OptionError(message)


def _filmed(name: str, version: int, lens: Lens, distance_m: Range, stages: tuple[Stage, ...]) -> Profile:
    sensor_px = lens.sensor_px(distance_m)
    return Profile(name=name, version=version, lens=lens, sensor_px=sensor_px, render_px=96, stages=stages)


def _metres(near: float, far: float) -> Range:
    return Range(low=near, high=far, neutral=near, log=True)


PROFILES: Final[tuple[Profile, ...]] = (
    Profile(
        name="webcam-indoor",
        version=1,
        sensor_px=Range(low=60, high=400, neutral=400, log=True),
        render_px=96,
        stages=(Sheet(), Response(), Pose(), Light(), Blur(), Noise(), Tone(), Codec()),
    ),
    _filmed(
        "phone-print",
        1,
        Lens(sign_mm=150, focal_px=1500),
        _metres(0.4, 2.5),
        (
            Sheet(),
            Response(black=Range(low=0.02, high=0.08, neutral=0.0), white=Range(low=0.6, high=0.85, neutral=1.0)),
            Pose(),
            Light(),
            Blur(motion_px=Range(low=0.0, high=2.0, neutral=0.0)),
            Noise(shot=Range(low=1e-4, high=2.5e-3, neutral=1e-4, log=True)),
            Mosaic(),
            Tone(),
            Codec(quality=Range(low=70, high=97, neutral=100)),
        ),
    ),
    _filmed(
        "screen",
        1,
        Lens(sign_mm=180, focal_px=1100),
        _metres(0.4, 1.8),
        (
            Sheet(),
            Response(black=Range(low=0.0, high=0.04, neutral=0.0), white=Range(low=0.75, high=1.0, neutral=1.0)),
            Pose(yaw_deg=centred(25.0)),
            Light(slope=Range(low=0.0, high=0.15, neutral=0.0), veil=Range(low=0.0, high=0.08, neutral=0.0)),
            Blur(motion_px=Range(low=0.0, high=1.5, neutral=0.0)),
            Noise(shot=Range(low=1e-4, high=2.5e-3, neutral=1e-4, log=True)),
            Mosaic(),
            Tone(),
            Codec(),
        ),
    ),
    _filmed(
        "dashcam",
        1,
        Lens(sign_mm=750, focal_px=1200),
        _metres(4.0, 20.0),
        (
            Sheet(coloured=0.8),
            Response(),
            Pose(yaw_deg=centred(30.0), pitch_deg=centred(8.0), roll_deg=centred(5.0)),
            Light(exposure=Range(low=0.4, high=1.5, neutral=1.0, log=True)),
            Blur(motion_px=Range(low=0.0, high=4.0, neutral=0.0)),
            Noise(),
            Mosaic(),
            Tone(),
            Codec(quality=Range(low=35, high=90, neutral=100), subsampled=1.0),
        ),
    ),
)
