"""Does the build say what the twin says? Asked in onnxruntime, as deployed, on real pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from misread.errors import CheckFailed, ModelError, OptionError
from misread.pixels import to_unit
from misread.stats import Rate, wilson

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.export.pictures import Pictures

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

BATCH: Final = 8


class Runner(Protocol):
    """What parity needs of a build; `misread.runtime.session.Deployed` is one."""

    @property
    def name(self) -> str:
        """How results call it."""

    @property
    def card(self) -> ModelCard:
        """How it is fed."""

    def run(self, prepared: UInt8) -> Float32:
        """Return the logits (n, k) of prepared pictures (n, h, w, 3) uint8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a build may be from its twin.

    Attributes:
        agreement: smallest share of pictures with the same label.
        relative: largest logit difference over the largest logit of the twin; None where precision forbids a bound.
        ties: a picture whose two best logits of the twin are closer than twice the difference seen may go either way.
    """

    agreement: float
    relative: float | None = None
    ties: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        if not 0 <= self.agreement <= 1:
            message = f"agreement is a share from 0 to 1, got {self.agreement}"
            raise OptionError(message)
        if self.relative is not None and not self.relative > 0:
            message = f"the relative difference allowed must be positive, got {self.relative}"
            raise OptionError(message)


#: By precision. fp16 keeps 11 bits a value; int8 keeps 8, and only its labels can be asked for.
TOLERANCES: Final[dict[str, Tolerance]] = {
    "fp32": Tolerance(agreement=1.0, relative=1e-3, ties=True),
    "fp16": Tolerance(agreement=0.98, relative=2e-2, ties=True),
    "int8": Tolerance(agreement=0.9),
    "int8-dynamic": Tolerance(agreement=0.9),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity:
    """What the comparison found; passing is part of its being.

    Attributes:
        agreement: pictures that both give the same label, of all pictures.
        ties: disagreements that count as agreement because the twin's own margin is below the difference.
        largest_absolute: largest difference of a logit, over all inputs.
        largest_relative: the same over the twin's largest logit.
        batch_jitter: largest difference of a logit between the build's runs one by one and in batches; of a build that
            prepares pictures itself, between the whole path and the prepared picture.
        pictures: where the pictures are from.
        synthetic: boundary inputs (black, white, checkerboard, noise ...) compared beside them, by value only.
    """

    agreement: Rate
    ties: int
    largest_absolute: float
    largest_relative: float
    batch_jitter: float
    pictures: str
    synthetic: int


def check_parity(
    twin: Callable[[Tensor], Tensor],
    deployed: Runner,
    pictures: Pictures,
    *,
    tolerance: Tolerance,
    seed: int = 0,
    whole: Callable[[int], Float32] | None = None,
) -> Parity:
    """Hold a build against its twin.

    The twin is fed the same uint8 pictures as values in [0, 1], in batches; the build one by one and in batches, by the
    card in its own file, so that a wrong card is found too. Boundary inputs are compared only where the tolerance
    bounds values (float builds).

    Args:
        twin: (n, c, h, w) float32 in [0, 1] to logits.
        deployed: the build, opened with the session options that it ships with.
        pictures: prepared.
        tolerance: what passes.
        seed: of the noise among the boundary inputs.
        whole: for a build that prepares pictures itself: its logits (1, k) of a picture, by number, as it was before it
            was prepared; asked for instead of the prepared picture, one by one.

    Raises:
        ModelError: there is nothing to compare on, or the twin's logits are not finite.
        CheckFailed: the build is another classifier than the twin.
    """

    def answers(prepared: UInt8) -> Float32:
        return _twin_logits(twin, prepared, deployed.card)

    return _held(answers, "PyTorch", deployed, pictures, tolerance=tolerance, seed=seed, whole=whole)


def check_agreement(
    reference: Runner, deployed: Runner, pictures: Pictures, *, tolerance: Tolerance, seed: int = 0
) -> Parity:
    """Hold a build against the float build it was made of, as `check_parity` holds one against its twin.

    Of probabilities only the labels are compared: the logarithm of nearly nothing fits no tolerance.

    Raises:
        ModelError: there is nothing to compare on.
        CheckFailed: the build is another classifier than the reference.
    """

    def answers(prepared: UInt8) -> Float32:
        return _batches(reference.run, prepared)

    if deployed.card.output == "probabilities":
        tolerance = replace(tolerance, relative=None)
    return _held(answers, reference.name, deployed, pictures, tolerance=tolerance, seed=seed)


def _held(
    answers: Callable[[UInt8], Float32],
    reference: str,
    deployed: Runner,
    pictures: Pictures,
    *,
    tolerance: Tolerance,
    seed: int,
    whole: Callable[[int], Float32] | None = None,
) -> Parity:
    if not len(pictures):
        message = "parity needs at least one picture; give --parity-data DIR"
        raise ModelError(message)
    size = pictures.prepared.shape[1:3]
    extra = boundary_inputs((size[0], size[1]), np.random.default_rng(seed)) if tolerance.relative is not None else None
    prepared = pictures.prepared if extra is None else np.concatenate([pictures.prepared, extra])
    expected = answers(prepared)
    batched = _batches(deployed.run, prepared)
    singly = [
        whole(row) if whole is not None and row < len(pictures) else deployed.run(prepared[row : row + 1])
        for row in range(len(prepared))
    ]
    single = np.concatenate(singly)
    if batched.shape != expected.shape:
        message = f"{deployed.name} gives logits of shape {batched.shape}, {reference} {expected.shape}"
        raise CheckFailed(message)
    parity = _compare(expected, single, batched, pictures, tolerance)
    _judge(parity, deployed.name, reference, tolerance)
    return parity


def boundary_inputs(size_hw: tuple[int, int], generator: np.random.Generator) -> UInt8:
    """Return (10, h, w, 3) uint8: black, white, the six full colours, a checkerboard, and uniform noise."""
    height, width = size_hw
    corners = [np.full((height, width, 3), (r, g, b), np.uint8) for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    board = ((np.indices((height, width)).sum(axis=0) % 2) * 255).astype(np.uint8)
    noise = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.stack([*corners, np.repeat(board[..., None], 3, axis=2), noise])


def _twin_logits(twin: Callable[[Tensor], Tensor], prepared: UInt8, card: ModelCard) -> Float32:
    def forward(batch: UInt8) -> Float32:
        with torch.no_grad():
            logits: Float32 = twin(torch.from_numpy(to_unit(batch, channels=card.channels))).numpy()
        return logits

    logits = _batches(forward, prepared)
    if not np.isfinite(logits).all():
        message = "the PyTorch model's own logits are not finite on these pictures; check its weights"
        raise ModelError(message)
    return logits


def _batches(run: Callable[[UInt8], Float32], prepared: UInt8) -> Float32:
    return np.concatenate([run(prepared[start : start + BATCH]) for start in range(0, len(prepared), BATCH)])


def _compare(expected: Float32, single: Float32, batched: Float32, pictures: Pictures, tolerance: Tolerance) -> Parity:
    difference: Float32 = np.maximum(np.abs(single - expected), np.abs(batched - expected))
    largest = float(difference.max())
    scale = float(np.abs(expected).max())
    real = slice(0, len(pictures))
    truth = expected[real].argmax(axis=1)
    same = (single[real].argmax(axis=1) == truth) & (batched[real].argmax(axis=1) == truth)
    best = np.sort(expected[real], axis=1)[:, -2:]
    allowed = 2 * largest if tolerance.relative is None else min(2 * largest, 2 * tolerance.relative * scale)
    tied = ~same & (best[:, 1] - best[:, 0] <= allowed) if tolerance.ties else np.zeros_like(same)
    return Parity(
        agreement=wilson(int((same | tied).sum()), len(pictures)),
        ties=int(tied.sum()),
        largest_absolute=largest,
        largest_relative=largest / scale if scale > 0 else largest,
        batch_jitter=float(np.abs(single - batched).max()),
        pictures=pictures.source,
        synthetic=len(expected) - len(pictures),
    )


def _judge(parity: Parity, name: str, reference: str, tolerance: Tolerance) -> None:
    share = parity.agreement.share or 0.0
    if not share >= tolerance.agreement:
        message = (
            f"{name} is not the classifier that was exported: it agrees with {reference} on {parity.agreement.text()} "
            f"of {parity.pictures}, at least {tolerance.agreement:.0%} is asked for; no file was written"
        )
        raise CheckFailed(message)
    if tolerance.relative is not None and not parity.largest_relative <= tolerance.relative:
        message = (
            f"{name} is not the classifier that was exported: a logit differs by {parity.largest_absolute:.3g}, "
            f"{parity.largest_relative:.2%} of the largest, at most {tolerance.relative:.2%} is allowed; "
            "no file was written"
        )
        raise CheckFailed(message)
