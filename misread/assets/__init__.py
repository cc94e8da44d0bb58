"""What ships inside the package: the sign classifier's weights, its labels, drawn signs and scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent

#: The 43 signs in the order of the classifier's outputs.
SIGN_LABELS: Final[tuple[str, ...]] = tuple((_HERE / "labels.txt").read_text(encoding="utf-8").splitlines())


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneFile:
    """One shipped picture of a street sign.

    Attributes:
        path: A PNG file.
        label: What the sign says, one of `SIGN_LABELS`.
        corners: Corners of the sign's square in pixels (x, y): top left, top right, bottom right, bottom left.

    """

    path: Path
    label: str
    corners: tuple[tuple[float, float], ...]


def weights_path() -> Path:
    """Return the path of the classifier's weights, a safetensors file."""
    return _HERE / "signs.safetensors"


def scenes_csv() -> Path:
    """Return the list of the shipped pictures with their labels, as `find_samples` reads it."""
    return _HERE / "scenes" / "scenes.csv"


def scenes() -> tuple[SceneFile, ...]:
    """Return the shipped pictures, in the order in which they were drawn."""
    folder = _HERE / "scenes"
    entries = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))["scenes"]
    return tuple(
        SceneFile(
            path=folder / entry["file"],
            label=entry["label"],
            corners=tuple((float(x), float(y)) for x, y in entry["corners"]),
        )
        for entry in entries
    )
