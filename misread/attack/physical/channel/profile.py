"""Named and versioned settings of the channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.attack.physical.channel.blur import Blur
from misread.attack.physical.channel.codec import Codec
from misread.attack.physical.channel.light import Light
from misread.attack.physical.channel.noise import Noise
from misread.attack.physical.channel.pose import Pose
from misread.attack.physical.channel.ranges import Range
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

    Raises:
        OptionError: No stage, or sizes under 8 pixels.
    """

    name: str
    version: int
    sensor_px: Range
    render_px: int
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        """Refuse what renders nothing."""
        if not (self.sensor_px.low >= 8 and self.render_px >= 8):
            message = f"a profile shows the picture at 8 pixels or more, got {self.sensor_px} and {self.render_px}"
            raise OptionError(message)
        if [stage.name for stage in self.stages].count(Pose.name) != 1:
            names = ", ".join(stage.name for stage in self.stages) or "none"
            message = f"a profile has one pose stage, got these stages: {names}"
            raise OptionError(message)


PROFILES: Final[tuple[Profile, ...]] = (
    Profile(
        name="webcam-indoor",
        version=1,
        sensor_px=Range(low=60, high=400, neutral=400, log=True),
        render_px=96,
        stages=(Sheet(), Response(), Pose(), Light(), Blur(), Noise(), Tone(), Codec()),
    ),
)
