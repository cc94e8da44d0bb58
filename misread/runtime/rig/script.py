"""What the virtual camera films, in which order: clips drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.errors import OptionError
from misread.runtime.channel import PROFILES, Profile
from misread.runtime.rig.pose import Pose, between

if TYPE_CHECKING:
    from collections.abc import Sequence

Range = tuple[float, float]
Station = tuple[Range, Range]
"""(metres, degrees)"""
_TAKE, _FRAME, _ORDER = 1, 2, 3  # Streams of random numbers that do not meet.
MAX_CLIPS: Final = 10_000
_INSET: Final = 0.2  # Of a station's width, on both sides, so that no noise carries the board out of it.


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """How many clips, how long, and over which poses.

    Take k of every exhibit has the same poses, light, blur and noise; the order of the exhibits is drawn anew for each
    take. Blank frames, in which the board is away, part the clips.

    Attributes:
        clips: Takes of each exhibit.
        frames_per_clip: Length of a clip.
        blank_frames: Frames without a board after each clip.
        seed: Of everything that is drawn.
        distance_m: Range of the distance.
        yaw_deg: Range of the yaw; pitch and roll are drawn from a third of it.
        drift: How much of those ranges a clip crosses, 0 to 1.
        side_m: Side of the board.
        profile: Light, optics and sensor.
        stations: Cells of (distance, angle to the line of sight) that take after take goes round, in place of
            `distance_m`, `yaw_deg` and `drift`; the board stays inside of one while a take lasts.

    """

    clips: int = 8
    frames_per_clip: int = 9
    blank_frames: int = 3
    seed: int = 0
    distance_m: Range = (1.6, 3.2)
    yaw_deg: Range = (-25.0, 25.0)
    drift: float = 0.3
    side_m: float = 0.75
    profile: Profile = PROFILES[0]
    stations: tuple[Station, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts and ranges without sense."""
        if not (1 <= self.clips <= MAX_CLIPS and 1 <= self.frames_per_clip <= MAX_CLIPS and self.blank_frames >= 0):
            raise OptionError(
                f"clips and frames per clip are 1 to {MAX_CLIPS}, got {self.clips}, {self.frames_per_clip}"
            )
        if not (0 <= self.drift <= 1 and self.seed >= 0):
            raise OptionError(f"drift is 0 to 1 and the seed not negative, got {self.drift} and {self.seed}")
        near, far = self.distance_m
        low, high = self.yaw_deg
        if not (self.side_m > 0 and self.side_m < near <= far and abs(low) <= 80 and low <= high <= 80):
            raise OptionError(f"the board hangs further away than it is wide, yaw within 80 degrees, got {self}")
        for (near, far), (low, high) in self.stations:
            if not (self.side_m < within(near, far, 0) <= within(near, far, 1) and 0 <= low < high <= 80):
                message = f"a board of {self.side_m:g} m is filmed from further away than that, at 0 to 80 degrees"
                raise OptionError(f"{message}, got {near:g}-{far:g} m, {low:g}-{high:g} deg")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One frame to film.

    Attributes:
        index: Of the frame.
        clip: Number of the clip, from 0; None while the board is away.
        exhibit: Which exhibit hangs there (its place in the sequence given to `plan`), or None.
        take: Which of the takes of that exhibit; decides light, optics and noise.
        frame: Position in the clip; blank frames count on.
        pose: Of the board.

    """

    index: int
    clip: int | None
    exhibit: int | None
    take: int
    frame: int
    pose: Pose


def plan(script: Script, exhibits: int) -> tuple[Shot, ...]:
    """Lay down every frame of a run.

    Raises:
        OptionError: There is nothing to show.

    """
    if exhibits < 1:
        raise OptionError("the rig needs at least one exhibit to film")
    shots: list[Shot] = []
    for number, (take, exhibit) in enumerate(_order(script, exhibits)):
        start, end = _ends(script, take)
        for frame in range(script.frames_per_clip + script.blank_frames):
            shown = frame < script.frames_per_clip
            share = min(frame, script.frames_per_clip - 1) / max(script.frames_per_clip - 1, 1)
            shots.append(
                Shot(
                    index=len(shots),
                    clip=number if shown else None,
                    exhibit=exhibit if shown else None,
                    take=take,
                    frame=frame,
                    pose=between(start, end, share),
                )
            )
    return tuple(shots)


def take_generator(script: Script, take: int) -> np.random.Generator:
    """Give the generator of a take's light and optics."""
    return np.random.default_rng([script.seed, _TAKE, take, 1])


def frame_generator(script: Script, shot: Shot) -> np.random.Generator:
    """Give the generator of a frame's noise: the same for every exhibit at the same place of the same take."""
    return np.random.default_rng([script.seed, _FRAME, shot.take, shot.frame])


def _order(script: Script, exhibits: int) -> Sequence[tuple[int, int]]:
    rng = np.random.default_rng([script.seed, _ORDER])
    return [(take, int(exhibit)) for take in range(script.clips) for exhibit in rng.permutation(exhibits)]


def within(low: float, high: float, share: float) -> float:
    """Give the place well inside of a station's range at a share of it, 0 to 1."""
    return low + (high - low) * (_INSET + (1 - 2 * _INSET) * share)


def _stand(away_m: float, angle_deg: float, aside: float) -> Pose:
    """Stand at this distance and this angle to the line of sight, `aside` (-0.5 to 0.5) of the picture's middle."""
    bearing = np.deg2rad(8.0 * aside)
    return Pose(
        distance_m=float(away_m * np.cos(bearing)),
        x_m=float(away_m * np.sin(bearing)),
        yaw_deg=float(angle_deg + np.rad2deg(bearing)),
        roll_deg=6.0 * aside,
    )


def _ends(script: Script, take: int) -> tuple[Pose, Pose]:
    rng = np.random.default_rng([script.seed, _TAKE, take, 0])
    if script.stations:
        metres, degrees = script.stations[take % len(script.stations)]
        side = rng.choice([-1.0, 1.0])
        start, end = (
            _stand(within(*metres, share[0]), side * within(*degrees, share[1]), share[2] - 0.5)
            for share in rng.uniform(size=(2, 3))
        )
        return start, end
    # Takes are spread over the distances before they are jittered, so that few clips still see near and far.
    near, far = script.distance_m
    share = (take % script.clips + rng.uniform()) / script.clips
    distance = near + (far - near) * share
    low, high = script.yaw_deg
    spread = (high - low) / 2
    start = Pose(
        distance_m=distance,
        x_m=float(rng.uniform(-0.12, 0.12)) * distance,
        y_m=float(rng.uniform(-0.06, 0.04)) * distance,
        yaw_deg=float(rng.uniform(low, high)),
        pitch_deg=float(rng.uniform(-spread, spread)) / 3,
        roll_deg=float(rng.uniform(-spread, spread)) / 3,
    )
    step = rng.uniform(-1, 1, 5) * script.drift
    end = Pose(
        distance_m=float(np.clip(start.distance_m - abs(step[0]) * (far - near), near, far)),
        x_m=start.x_m + step[1] * 0.05 * distance,
        y_m=start.y_m + step[2] * 0.03 * distance,
        yaw_deg=float(np.clip(start.yaw_deg + step[3] * spread, low, high)),
        pitch_deg=start.pitch_deg,
        roll_deg=start.roll_deg + step[4] * spread / 6,
    )
    return start, end
