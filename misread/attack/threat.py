"""What the attacker may do to the pixels: a norm, a size, and the grid the result must lie on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from misread.errors import OptionError, UnknownName
from misread.registry import unknown

Norm = Literal["linf", "l2", "l1", "l0"]
NORMS: Final[tuple[Norm, ...]] = get_args(Norm)
FULL_SCALE: Final = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Threat:
    """A norm ball around the clean image, cut by the [0, 1] box.

    Attributes:
        norm: ``linf`` (largest change of any value), ``l2`` (Euclidean length over all values of the image), ``l1``
            (sum of all changes) or ``l0`` (number of changed pixels, whatever channels of them change).
        eps: Radius. For ``linf`` a fraction of full scale in (0, 1]; for ``l2`` and ``l1`` a length in [0, 1]-pixel
            units, which may exceed 1; for ``l0`` a whole number of pixels. None leaves the size open: a minimal attack
            then looks for the smallest change.
        levels: 256 puts every result on the 8-bit grid. None keeps real values; no file can hold such an image, so it
            is only for comparing with published real-valued figures.

    Raises:
        OptionError: eps is not a size that the norm knows.
    """

    norm: Norm = "linf"
    eps: float | None = None
    levels: Literal[256] | None = 256

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing; every comparison is written so that NaN fails."""
        if self.norm not in NORMS:
            raise UnknownName(unknown("norm", self.norm, NORMS))
        if self.eps is None:
            return
        if self.norm == "linf" and not 0 < self.eps <= 1:
            hint = f"; write {self.eps:g}/255, not {self.eps:g}" if self.eps > 1 else "; write for instance 8/255"
            message = f"eps is a fraction of full scale in (0, 1], got {self.eps}{hint}"
            raise OptionError(message)
        if self.norm == "l0" and not (1 <= self.eps < math.inf and float(self.eps).is_integer()):
            message = f"eps for l0 is a number of pixels, whole and from 1, got {self.eps}; write for instance 24"
            raise OptionError(message)
        if not 0 < self.eps < math.inf:
            message = (
                f"eps for {self.norm} is a length above 0 in units of full scale (it may exceed 1), got {self.eps}; "
                "write for instance 0.5"
            )
            raise OptionError(message)
        if self.levels is not None and self.cap == 0:
            message = f"eps of {self.eps:g} is less than one of 255 levels, so no 8-bit image can change; write 1/255"
            raise OptionError(message)

    @property
    def cap(self) -> int:
        """Most whole levels that one value may move."""
        if self.eps is None:
            return FULL_SCALE
        return min(FULL_SCALE, math.floor(FULL_SCALE * self.eps + 1e-6))

    @property
    def radius(self) -> float:
        """The radius that can really be used: whole levels for ``linf`` on the grid; infinite when eps is None."""
        if self.eps is None:
            return math.inf
        if self.norm == "linf" and self.levels is not None:
            return self.cap / FULL_SCALE
        return self.eps
