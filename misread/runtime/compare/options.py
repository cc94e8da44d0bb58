"""What to compare, and when it passes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from misread.errors import OptionError

#: Sound int8 builds agree with their float model on more pictures than this, and a wrong path rarely leaves so many.
MIN_AGREEMENT: Final = 0.95
NOISE_PICTURES: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOptions:
    """What to compare two readers on.

    Attributes:
        data: pictures, as `misread.data.find_samples` takes them.
        min_agreement: smallest share of pictures read alike, flips inside the noise counted in.
        limit: at most so many pictures, evenly spread.
        inputs_a: what somebody's code fed to A, recorded: an npz, or a folder of npy files, by picture name.
        inputs_b: likewise to B.
        noise_pictures: over how many pictures the noise of each side is measured.
    """

    data: Path
    min_agreement: float = MIN_AGREEMENT
    limit: int | None = None
    inputs_a: Path | None = None
    inputs_b: Path | None = None
    noise_pictures: int = NOISE_PICTURES

    def __post_init__(self) -> None:
        """Refuse what has no answer."""
        if not 0 <= self.min_agreement <= 1:
            raise OptionError(f"--min-agreement is a share from 0 to 1, got {self.min_agreement}; write 0.95, not 95")
        if self.limit is not None and not self.limit >= 1:
            raise OptionError(f"limit is a number of pictures from 1, got {self.limit}")
        if not self.noise_pictures >= 1:
            raise OptionError(f"the noise is measured over 1 picture or more, got {self.noise_pictures}")
