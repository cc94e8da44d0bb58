"""How well the embedded sign classifier reads pictures that it was not trained on, by the device's path."""

from __future__ import annotations

import csv
import re
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from misread.assets import SIGN_LABELS, scenes
from misread.pixels import decode_image, read_image, to_unit
from misread.resample import resize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

STOP: Final = SIGN_LABELS.index("Stop")
SMALLEST_PX: Final = 24
MARGIN: Final = 0.1
_BOX: Final = re.compile(
    r"<name>stop</name>.*?<xmin>(\d+)</xmin>\s*<ymin>(\d+)</ymin>\s*<xmax>(\d+)</xmax>\s*<ymax>(\d+)</ymax>", re.DOTALL
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """Pictures prepared at the input size, (n, 48, 48, 3) uint8 RGB, with what they show (n,) and names."""

    prepared: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]


def _prepared(items: Sequence[tuple[str, NDArray[np.uint8], int]]) -> Pictures:
    return Pictures(
        prepared=np.stack([resize(image, (48, 48)) for _, image, _ in items]),
        labels=np.array([label for _, _, label in items]),
        names=tuple(name for name, _, _ in items),
    )


def _pictures_in(archive: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(".ppm") and (data := tar.extractfile(member)):
                yield member.name.rpartition("/")[2], decode_image(data.read(), member.name)


def photographs(data: Path) -> Pictures:
    """Return the first 4,000 test photographs of GTSRB, stored at 32 x 32."""
    with (data / "gtsrb" / "test-32.csv").open(encoding="utf-8") as lines:
        truth = {row["Filename"]: int(row["ClassId"]) for row in csv.DictReader(lines, delimiter=";")}
    return _prepared([(name, image, truth[name]) for name, image in _pictures_in(data / "gtsrb" / "test-32.tar.xz")])


def stop_tracks(data: Path) -> Pictures:
    """Return the frames of the six held-out tracks of stop signs that are 24 pixels or more."""
    frames = _pictures_in(data / "gtsrb" / "stop-tracks.tar.xz")
    return _prepared([(name, image, STOP) for name, image in frames if min(image.shape[:2]) >= SMALLEST_PX])


def street_boxes(data: Path) -> Pictures:
    """Return the boxes around stop signs in street photographs, with a tenth of their size as margin."""
    items = []
    for path in sorted((data / "roadsigns" / "annotations").glob("*.xml")):
        image = read_image(data / "roadsigns" / "images" / f"{path.stem}.png")
        for found in _BOX.finditer(path.read_text(encoding="utf-8")):
            left, top, right, bottom = (int(value) for value in found.groups())
            dx, dy = round(MARGIN * (right - left)), round(MARGIN * (bottom - top))
            part = image[max(top - dy, 0) : bottom + dy, max(left - dx, 0) : right + dx]
            items.append((path.stem, part, STOP))
    return _prepared(items)


def shipped_scenes() -> Pictures:
    """Return the drawn scenes in the package."""
    return _prepared([(s.path.stem, read_image(s.path), SIGN_LABELS.index(s.label)) for s in scenes()])


def guesses(net: nn.Module, pictures: Pictures) -> NDArray[np.int64]:
    """Return the label that the classifier, in eval mode, gives to each picture."""
    units = torch.from_numpy(to_unit(pictures.prepared))
    with torch.no_grad():
        found = torch.cat([net(units[start : start + 250]).argmax(1) for start in range(0, len(units), 250)])
    answer: NDArray[np.int64] = found.numpy()
    return answer
