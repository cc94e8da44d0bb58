"""Draw the picture of docs/channels.md: each stage and each profile of the test channel, on one drawn stop sign.

python -m examples.draw_channels docs/images/channels.png
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from examples.contact_sheet import Tile, contact_sheet, enlarged
from misread.assets.scene import draw_scene
from misread.runtime.channel import (
    PROFILES,
    Banding,
    Channel,
    Codec,
    Defocus,
    Denoise,
    Display,
    Glare,
    Light,
    Motion,
    Sensor,
    Video,
)

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.channel import Profile, Stage

SEED: Final = 20
SIDE_PX: Final = 96
TIMES: Final = 2
COLUMNS: Final = 4
#: Stage, its settings in words, and what is applied: a panel shows its moire, and a filter its work, with a sensor.
PROGRAMME: Final[tuple[tuple[type[Stage], str, tuple[Stage, ...]], ...]] = (
    (Display, "1.3 px, sensor behind", (Display(pitch_px=1.3, roll_deg=3), Sensor(electrons=2500))),
    (Glare, "peak 3, radius 0.08", (Glare(x=0.62, y=0.36, radius=0.08, peak=3.0),)),
    (Light, "gain 0.7, slopes 0.4", (Light(gain=0.7, slope_x=0.4, slope_y=-0.4),)),
    (Banding, "depth 0.6, 200 us a line", (Banding(depth=0.6, line_us=200.0, exposure_ms=2.0),)),
    (Defocus, "radius 2 px", (Defocus(radius_px=2.0),)),
    (Motion, "6 px at 20 degrees", (Motion(length_px=6.0, angle_deg=20.0),)),
    (Sensor, "200 electrons at white", (Sensor(electrons=200.0),)),
    (Denoise, "35 levels, sensor before", (Sensor(electrons=200.0), Denoise(levels=35.0))),
    (Video, "motion JPEG, quality 5", (Video(quality=5.0),)),
    (Codec, "JPEG, quality 20", (Codec(quality=20),)),
)


def sheet() -> UInt8:
    """Draw all tiles; the first is what is filmed."""
    scene = draw_scene("Stop", np.random.default_rng(SEED), SIDE_PX, weather="clear").image
    seen = Tile(image=enlarged(scene, TIMES), title="what is filmed", notes=(f"{SIDE_PX} px, shown {TIMES} times",))
    stages = (seen, *(_stage(scene, *entry) for entry in PROGRAMME))
    profiles = tuple(_profile(scene, profile) for profile in PROFILES)
    return contact_sheet((("Stages, one to a tile", stages), ("Profiles, one draw of each", profiles)), COLUMNS)


def _stage(scene: UInt8, kind: type[Stage], note: str, stages: tuple[Stage, ...]) -> Tile:
    image = Channel(stages=stages).film(scene, np.random.default_rng(SEED))
    return Tile(image=enlarged(image, TIMES), title=kind.name, notes=(note,))


def _profile(scene: UInt8, profile: Profile) -> Tile:
    rng = np.random.default_rng(SEED)
    image = profile.codec().apply(profile.draw(rng).film(scene, rng), rng)
    return Tile(image=enlarged(image, TIMES), title=profile.name)


if __name__ == "__main__":
    Image.fromarray(sheet()).save(sys.argv[1], optimize=True)
