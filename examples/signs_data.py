"""Photographs for the sign classifier: unpacking, splitting by track, reading."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.pixels import read_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SOURCE_PX: Final = 64
STOP: Final = 14
#: The stop-sign clips used as a persistence test are these tracks of the training set: never train on them.
HELD_OUT_STOP_TRACKS: Final = frozenset(range(6))
FEW_TRACKS: Final = 10
_MAX_FILE_BYTES: Final = 2_000_000
_MAX_FILES: Final = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Photos:
    """Square pictures (n, 64, 64, 3) uint8 RGB with their labels (n,) and track numbers (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    tracks: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Photos:
        """Return the chosen pictures."""
        return Photos(images=self.images[chosen], labels=self.labels[chosen], tracks=self.tracks[chosen])


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a tar archive of pictures, plain files inside the folder only, with bounds on number and size.

    Raises:
        ValueError: The archive holds more or larger files than a set of traffic signs would, or a name outside.

    """
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        if len(members) > _MAX_FILES or any(member.size > _MAX_FILE_BYTES for member in members):
            message = f"{archive} is not a set of sign pictures: too many files, or too large ones"
            raise ValueError(message)
        root = folder.resolve()
        for member in members:  # by hand: Python 3.11.2, which Debian 12 has, knows no extraction filters
            target = (root / member.name).resolve()
            content = tar.extractfile(member)
            if content is None or not target.is_relative_to(root):
                message = f"{archive} holds {member.name!r}, which lies outside the folder it is unpacked into"
                raise ValueError(message)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
    return folder


def read_photos(folder: Path) -> Photos:
    """Read `class/track_frame.ppm`, without the held-out stop tracks, each squashed to 64 x 64."""
    images, labels, tracks = [], [], []
    for path in sorted(folder.glob("*/*_*.ppm")):
        label, track = int(path.parent.name), int(path.stem.split("_")[0])
        if label == STOP and track in HELD_OUT_STOP_TRACKS:
            continue
        picture = read_image(path)
        shrinks = min(picture.shape[:2]) > SOURCE_PX
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        images.append(cv2.resize(picture, (SOURCE_PX, SOURCE_PX), interpolation=how))
        labels.append(label)
        tracks.append(track)
    return Photos(images=np.stack(images), labels=np.array(labels), tracks=np.array(tracks))


def split(photos: Photos, rng: np.random.Generator, share: float = 0.08) -> tuple[Photos, Photos]:
    """Return (training, validation), split by track: a track is one physical sign.

    Signs with fewer than ten tracks stay in training whole.
    """
    held = np.zeros(len(photos.labels), bool)
    for label in np.unique(photos.labels):
        tracks = np.unique(photos.tracks[photos.labels == label])
        if len(tracks) >= FEW_TRACKS:
            chosen = rng.choice(tracks, max(1, round(share * len(tracks))), replace=False)
            held |= (photos.labels == label) & np.isin(photos.tracks, chosen)
    return photos.where(~held), photos.where(held)
