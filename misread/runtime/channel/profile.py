"""Named, versioned ranges from which a clip's settings are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.registry import by_name
from misread.runtime.channel.banding import Banding
from misread.runtime.channel.base import Channel
from misread.runtime.channel.codec import Codec
from misread.runtime.channel.defocus import Defocus
from misread.runtime.channel.denoise import Denoise
from misread.runtime.channel.display import Display
from misread.runtime.channel.glare import Glare
from misread.runtime.channel.light import Light
from misread.runtime.channel.motion import Motion
from misread.runtime.channel.sensor import Sensor
from misread.runtime.channel.video import Video

if TYPE_CHECKING:
    import numpy as np

    from misread.runtime.channel.base import Stage

Range = tuple[float, float]
_RANGES: Final = (
    "gain", "slope", "defocus_px", "electrons", "motion_px", "denoise_levels", "glare_peak", "glare_radius",
    "pitch_px", "tilt", "flicker", "exposure_ms", "video_quality",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Ranges (lowest, highest) of one kind of camera and place. None leaves the stage away.

    Attributes:
        name: What it is called, with its version: results of different versions are not comparable.
        gain: Exposure.
        slope: Unevenness of the light, both axes.
        defocus_px: Radius of the blur disc.
        electrons: Sensor counts at white.
        quality: JPEG quality.
        motion_px: Length of the stroke, in any direction.
        denoise_levels: How strong the camera smooths.
        glare_peak: Brightness of a highlight somewhere in the middle of the picture; white paper is 1.
        glare_radius: Its size, as a share of the height.
        pitch_px: The scene is shown on a display with pixels this many sensor pixels wide.
        tilt: Roll of that display in tens of degrees, and its keystone.
        flicker: Share of the light that swings with mains of 50 or 60 Hz.
        exposure_ms: How long a row gathers that light.
        video_quality: Of a motion JPEG file that each frame passes before it is sent.

    """

    name: str
    gain: Range
    slope: Range
    defocus_px: Range
    electrons: Range
    quality: int
    motion_px: Range | None = None
    denoise_levels: Range | None = None
    glare_peak: Range | None = None
    glare_radius: Range = (0.01, 0.04)
    pitch_px: Range | None = None
    tilt: Range = (-0.1, 0.1)
    flicker: Range | None = None
    exposure_ms: Range = (1.0, 8.0)
    video_quality: Range | None = None

    def __post_init__(self) -> None:
        """Refuse ranges that run backwards."""
        for field in _RANGES:
            low, high = getattr(self, field) or (0, 0)
            if not low <= high:
                message = f"profile {self.name}: {field} runs from {low} to {high}"
                raise OptionError(message)

    def draw(self, rng: np.random.Generator) -> Channel:
        """Draw the settings of one clip, in physical order. The codec of the stream is `codec()`."""
        light = Light(
            gain=float(rng.uniform(*self.gain)),
            slope_x=float(rng.uniform(*self.slope)),
            slope_y=float(rng.uniform(*self.slope)),
        )
        defocus = Defocus(radius_px=float(rng.uniform(*self.defocus_px)))
        # In steps of 100, so that few noise tables are made.
        sensor = Sensor(electrons=float(round(rng.uniform(*self.electrons), -2)))
        stages = (
            *self._shown(rng), light, *self._flickering(rng), defocus, *self._moving(rng), sensor,
            *self._processed(rng),
        )  # fmt: skip
        return Channel(stages=stages, profile=self.name)

    def codec(self) -> Codec:
        """Give the encoder that sends the frames."""
        return Codec(quality=self.quality)

    def _shown(self, rng: np.random.Generator) -> tuple[Stage, ...]:
        shown: list[Stage] = []
        if self.pitch_px is not None:
            pitch, roll, keystone = (float(rng.uniform(*r)) for r in (self.pitch_px, self.tilt, self.tilt))
            shown.append(Display(pitch_px=pitch, roll_deg=10 * roll, keystone=keystone))
        if self.glare_peak is not None:
            x, y = (float(rng.uniform(0.25, 0.75)) for _ in range(2))
            radius, peak = float(rng.uniform(*self.glare_radius)), float(rng.uniform(*self.glare_peak))
            shown.append(Glare(x=x, y=y, radius=radius, peak=peak))
        return tuple(shown)

    def _flickering(self, rng: np.random.Generator) -> tuple[Stage, ...]:
        if self.flicker is None:
            return ()
        mains, line = float(rng.choice((50.0, 60.0))), float(rng.uniform(15, 60))
        exposure, depth = float(rng.uniform(*self.exposure_ms)), float(rng.uniform(*self.flicker))
        return (Banding(mains_hz=mains, line_us=line, exposure_ms=exposure, depth=depth),)

    def _moving(self, rng: np.random.Generator) -> tuple[Stage, ...]:
        if self.motion_px is None:
            return ()
        return (Motion(length_px=float(rng.uniform(*self.motion_px)), angle_deg=float(rng.uniform(0, 180))),)

    def _processed(self, rng: np.random.Generator) -> tuple[Stage, ...]:
        smoothed = () if self.denoise_levels is None else (Denoise(levels=float(rng.uniform(*self.denoise_levels))),)
        coded = () if self.video_quality is None else (Video(quality=float(rng.uniform(*self.video_quality))),)
        return (*smoothed, *coded)


def named_profile(name: str) -> Profile:
    """Find a profile; a name without its version is the newest.

    Raises:
        UnknownName: There is none.

    """
    versions = [profile for profile in PROFILES if profile.name.rpartition("-")[0] == name]
    return versions[-1] if versions else by_name("camera profile", PROFILES, name)


# The first two are as they were; each of the others has an effect that no training knows, and a wider axis.
PROFILES: Final[tuple[Profile, ...]] = (
    Profile(
        name="webcam-outdoor-1",
        gain=(0.75, 1.12),
        slope=(-0.25, 0.25),
        defocus_px=(0.6, 1.6),
        electrons=(1200, 4000),
        quality=85,
    ),
    Profile(
        name="webcam-dusk-1",
        gain=(0.45, 0.7),
        slope=(-0.35, 0.35),
        defocus_px=(0.8, 2.4),
        electrons=(300, 900),
        quality=75,
    ),
    Profile(
        name="webcam-indoor-1",
        gain=(0.7, 1.15),
        slope=(-0.35, 0.35),
        defocus_px=(0.5, 2.2),
        electrons=(200, 2000),
        quality=80,
        motion_px=(0.0, 3.0),
        denoise_levels=(5, 30),
        flicker=(0.0, 0.4),
    ),
    Profile(
        name="phone-print-1",
        gain=(0.75, 1.2),
        slope=(-0.4, 0.4),
        defocus_px=(0.5, 1.8),
        electrons=(300, 3000),
        quality=90,
        motion_px=(0.0, 2.0),
        denoise_levels=(5, 25),
        glare_peak=(0.3, 3.0),
    ),
    Profile(
        name="screen-1",
        gain=(0.8, 1.15),
        slope=(-0.2, 0.2),
        defocus_px=(0.5, 1.4),
        electrons=(300, 2500),
        quality=85,
        denoise_levels=(5, 25),
        pitch_px=(0.6, 1.8),
    ),
    Profile(
        name="dashcam-1",
        gain=(0.55, 1.2),
        slope=(-0.3, 0.3),
        defocus_px=(0.5, 1.5),
        electrons=(200, 2000),
        quality=80,
        motion_px=(0.0, 6.0),
        denoise_levels=(5, 35),
        glare_peak=(0.3, 3.0),
        video_quality=(30, 80),
    ),
)
