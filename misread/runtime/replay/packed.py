"""A packed build as the manifest describes it. It may come from a stranger: paths, sizes and hashes are held first."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.bundle import MANIFEST, Bundle, PictureRef, file_of
from misread.card import CARD_KEY, ModelCard
from misread.errors import FileError, ModelError, OptionError
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.noise import NoiseFloor
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Float32 = NDArray[np.float32]

MAX_PACKED: Final = 64
MAX_NAME: Final = 200
_HEAD_BYTES: Final = 2**14
_FLOAT32: Final = np.dtype("<f4")


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A build inside a bundle, and what it said on the host.

    Attributes:
        name: what results call it.
        file: the model; the hash is that of `ModelFile`, so weights in other files are part of it.
        card: how the host fed it.
        logits: file of (pictures, k) float32, in the order of the witnesses: clean, changed, placebo if there is one;
            not a number where the host could not read a picture.
        noise: the build's jitter on the host; None where it was not measured.
        fingerprint: what ran there, as JSON has it.
    """

    name: str
    file: PictureRef
    card: ModelCard
    logits: PictureRef
    noise: NoiseFloor | None
    fingerprint: Mapping[str, Any]

    def entry(self) -> dict[str, Any]:
        """Return what stands in the manifest."""
        noise = self.noise and {name: getattr(self.noise, name) for name in ("logit", "margin", "pictures")}
        return {
            "name": self.name,
            "file": self.file,
            "card": json.loads(self.card.own_metadata()[CARD_KEY]),
            "logits": self.logits,
            "noise": noise,
            "fingerprint": self.fingerprint,
        }

    def path(self, bundle: Bundle) -> Path:
        """Return where the model lies, its hash checked.

        Raises:
            FileError: missing, no model, a link that leaves the bundle, or not the one that was packed.
        """
        path = bundle.place(self.file.path)
        if model_sha256(path) != self.file.sha256:
            raise FileError(f"{path} is not the build that was packed (SHA-256 differs); copy the bundle again")
        return path

    def read_logits(self, bundle: Bundle) -> Float32:
        """Return (pictures, k) float32, what the build said on the host.

        Raises:
            FileError: missing, changed since, or not of these witnesses and labels.
        """
        shape = (pictures_in(bundle), len(self.card.labels))
        most = shape[0] * shape[1] * _FLOAT32.itemsize + _HEAD_BYTES
        data = bundle.read_file(self.logits, most, "record of logits")
        try:
            return _array(data, shape)
        except ValueError as error:
            said = shorten(str(error), 200)
            raise FileError(f"{bundle.folder / self.logits.path} holds no logits of this bundle: {said}") from error


def pictures_in(bundle: Bundle) -> int:
    """Return how many pictures its witnesses have."""
    return sum(3 if witness.placebo else 2 for witness in bundle.witnesses)


def packed_builds(bundle: Bundle) -> tuple[Packed, ...]:
    """Read what a bundle says of the builds packed in it; none of them is opened.

    Raises:
        FileError: an entry is broken, or leaves the bundle; there are too many, or two of one name.
    """
    where = bundle.folder / MANIFEST
    if len(bundle.builds) > MAX_PACKED:
        raise FileError(f"{where} lists {len(bundle.builds)} packed builds; at most {MAX_PACKED} are read")
    try:
        found = tuple(_packed(entry) for entry in bundle.builds)
    except (KeyError, TypeError, ValueError, AttributeError, ModelError, OptionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise FileError(f"{where} describes a packed build wrongly: {shorten(reason, 300)}; pack it again") from error
    twice = next((name for name, times in Counter(one.name for one in found).items() if times > 1), None)
    if twice is not None:
        raise FileError(f"{where} packs a build of the name {shorten(twice, 60)!r} twice; pack it again")
    return found


def _array(data: bytes, shape: tuple[int, int]) -> Float32:
    """Read numpy's format, and nothing but such an array; nothing is allocated by what the header says.

    Raises:
        ValueError: it is something else.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"expected version 1.0 of numpy's format, got {version}")
    found, fortran, kind = np.lib.format.read_array_header_1_0(stream)
    rest = data[stream.tell() :]
    size = shape[0] * shape[1] * _FLOAT32.itemsize
    if (found, fortran, kind, len(rest)) != (shape, False, _FLOAT32, size):
        raise ValueError(f"expected {shape} {_FLOAT32.str}, got {found} {kind.str} and {len(rest)} bytes")
    return np.frombuffer(rest, _FLOAT32).reshape(shape)


def _packed(entry: Mapping[str, Any]) -> Packed:
    card = ModelCard.from_metadata({CARD_KEY: json.dumps(entry["card"])})
    if card is None:
        raise ValueError("it has no card")
    name = entry["name"]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise ValueError(f"a build's name has 1 to {MAX_NAME} characters, got {str(name)[:80]!r}")
    return Packed(
        name=name,
        file=file_of(entry["file"]),
        card=card,
        logits=file_of(entry["logits"]),
        noise=_noise(entry["noise"]),
        fingerprint=dict(entry["fingerprint"]),
    )


def _noise(entry: Mapping[str, Any] | None) -> NoiseFloor | None:
    if entry is None:
        return None
    logit, margin, pictures = float(entry["logit"]), float(entry["margin"]), int(entry["pictures"])
    if not (0 <= logit < math.inf and 0 <= margin < math.inf and pictures >= 0):
        raise ValueError(f"noise is finite and from 0, got {logit}, {margin}")
    return NoiseFloor(logit=logit, margin=margin, pictures=pictures, measured_over=())
