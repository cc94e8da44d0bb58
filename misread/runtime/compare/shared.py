"""Labels that two readers share, and their logits on these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError

if TYPE_CHECKING:
    from misread.runtime.session import Reader

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """The labels that both readers have, in the order of the first.

    Attributes:
        labels: their names as the first reader writes them.
        columns: output numbers of the labels, of the first and of the second reader.
        space: `logits`, or `log-probabilities` where one of the readers returns nothing else.
    """

    labels: tuple[str, ...]
    columns: tuple[NDArray[np.int64], NDArray[np.int64]]
    space: str

    @classmethod
    def between(cls, a: Reader, b: Reader) -> Self:
        """Match labels by name, upper and lower case ignored where that is unambiguous.

        Raises:
            InputError: fewer than two labels are shared.
        """
        theirs = {name: at for at, name in enumerate(b.card.labels)}
        folded: dict[str, list[int]] = {}
        for at, name in enumerate(b.card.labels):
            folded.setdefault(name.casefold(), []).append(at)
        pairs = []
        for at, name in enumerate(a.card.labels):
            near = folded.get(name.casefold(), [])
            found = theirs.get(name, near[0] if len(near) == 1 else None)
            if found is not None:
                pairs.append((at, found))
        if len(pairs) < 2:
            raise InputError(
                f"{a.name} and {b.name} share {len(pairs)} labels ({a.card.labels[0]}, … against "
                f"{b.card.labels[0]}, …), so there is nothing to compare; name them alike with --labels FILE"
            )
        soft = "probabilities" in {a.card.output, b.card.output}
        return cls(
            labels=tuple(a.card.labels[at] for at, _ in pairs),
            columns=(np.array([at for at, _ in pairs]), np.array([at for _, at in pairs])),
            space="log-probabilities" if soft else "logits",
        )

    def of(self, logits: Float32, *, other: bool) -> Float32:
        """Return (n, shared) float32 of one reader's (n, k) logits, in the space that both can speak.

        Args:
            logits: of the first reader, or of the second.
            other: whether it is the second.
        """
        taken: Float32 = logits[:, self.columns[other]]
        if self.space == "logits":
            return taken
        high = taken.max(axis=1, keepdims=True)
        total = np.log(np.exp(taken - high).sum(axis=1, keepdims=True))
        normal: Float32 = taken - high - total
        return normal
