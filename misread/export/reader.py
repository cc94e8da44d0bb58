"""A PyTorch classifier as a reader: what the twin says of pictures, asked in the same words as a deployed build."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from misread.errors import ModelRunError
from misread.export.origin import load_origin
from misread.pixels import fit, to_unit
from misread.runtime.session import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from misread.card import ModelCard
    from misread.export.origin import Origin

UInt8 = NDArray[np.uint8]

BATCH: Final = 8


def open_twin(text: str, **said: Any) -> TwinReader:
    """Load an origin as a reader that can be opened again; arguments and errors are those of `load_origin`."""
    reader = TwinReader.of(load_origin(text, **said))
    reader.reopen = partial(open_twin, text, **said)
    return reader


class TwinReader:
    """A twin behind the protocol of `misread.runtime.session.Reader`.

    Attributes:
        name: how results call it.
        card: how pictures are prepared for it.
        twin: (n, c, h, w) float32 in [0, 1] to logits (n, k).
        card_sources: who supplied the card.
        weights_sha256: of the weight file, where one was read.
        reopen: opens the same reader once more, in another process too; None where nobody knows how.
    """

    def __init__(self, twin: Callable[[Tensor], Tensor], card: ModelCard, *, name: str) -> None:
        self.twin, self.card, self.name = twin, card, name
        self.card_sources: tuple[str, ...] = ()
        self.weights_sha256: str | None = None
        self.reopen: Callable[[], TwinReader] | None = None

    @classmethod
    def of(cls, origin: Origin) -> TwinReader:
        """Return the reader of a loaded origin, under the origin's name."""
        reader = cls(origin.twin, origin.card, name=origin.name)
        reader.card_sources, reader.weights_sha256 = origin.card_sources, origin.weights_sha256
        return reader

    @property
    def sha256(self) -> str:
        """Hash of the weights by their names, 64 hexadecimal digits; empty for what is no module."""
        if not isinstance(self.twin, torch.nn.Module):
            return ""
        digest = hashlib.sha256()
        for name, values in sorted(self.twin.state_dict().items()):
            digest.update(f"{name} {tuple(values.shape)} {values.dtype}\n".encode())
            digest.update(values.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read (h, w, 3) uint8 RGB pictures of any size, prepared by the card."""
        if not len(images):
            return Reading(logits=np.empty((0, len(self.card.labels)), np.float32), card=self.card)
        return self.read_prepared(np.stack([fit(image, self.card) for image in images]))

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Read (n, h, w, 3) uint8 RGB pictures that already have the input's size.

        Raises:
            ModelRunError: the twin's logits are not finite.
        """
        parts = [self._run(prepared[start : start + BATCH]) for start in range(0, len(prepared), BATCH)]
        logits = np.concatenate(parts) if parts else np.empty((0, len(self.card.labels)), np.float32)
        return Reading(logits=logits, card=self.card)

    def _run(self, prepared: UInt8) -> NDArray[np.float32]:
        with torch.no_grad():
            logits: NDArray[np.float32] = self.twin(
                torch.from_numpy(to_unit(prepared, channels=self.card.channels))
            ).numpy()
        if not np.isfinite(logits).all():
            message = f"{self.name} returned logits that are not finite; check its weights"
            raise ModelRunError(message)
        return logits
