"""Draw the scenes that ship with the package, always the same ones.

python -m examples.draw_scenes misread/assets/scenes
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.assets.scene import Scene, draw_scene
from misread.pixels import write_png

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED: Final = 20
SIZE_PX: Final = 192
#: What is drawn, in which weather.
PROGRAMME: Final = (
    ("Stop", "clear"),
    ("Stop", "overcast"),
    ("Stop", "leaves"),
    ("Stop", "rain"),
    ("Stop", "low sun"),
    ("Stop", "snow"),
    ("Stop", "dusk"),
    ("Speed limit 30", "clear"),
    ("Speed limit 50", "overcast"),
    ("Speed limit 80", "low sun"),
    ("Give way", "rain"),
    ("Priority road", "leaves"),
    ("No entry", "fog"),
    ("Keep right", "clear"),
    ("Road works", "dusk"),
    ("Children crossing", "snow"),
    ("Turn left ahead", "overcast"),
    ("No overtaking", "low sun"),
)


def scenes() -> Iterator[tuple[str, str, Scene]]:
    """Yield file name, weather and scene; each has its own generator, so that one can change without the others."""
    for number, (label, weather) in enumerate(PROGRAMME):
        rng = np.random.default_rng((SEED, number))
        name = f"{number:02d}-{label}-{weather}.png".lower().replace(" ", "-")
        yield name, weather, draw_scene(label, rng, SIZE_PX, weather=weather)


def main(folder: Path) -> None:
    """Write all pictures and their list."""
    entries = []
    for name, weather, scene in scenes():
        write_png(folder / name, scene.image)
        corners = np.round(scene.corners.astype(float), 2).tolist()
        entries.append({"file": name, "label": scene.label, "weather": weather, "corners": corners})
    listing = {"schema": 1, "seed": SEED, "size_px": SIZE_PX, "scenes": entries}
    (folder / "scenes.json").write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
    rows = "".join(f"{entry['file']},{entry['label']}\n" for entry in entries)
    (folder / "scenes.csv").write_text("file,label\n" + rows, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
