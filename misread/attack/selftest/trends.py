"""Trends that hold for any classifier, on the shipped one: a break in them means a broken attack."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from misread.assets import scenes_csv
from misread.attack.assess.noise import Noise
from misread.attack.execute import execute
from misread.attack.gradient.pgd import Pgd
from misread.attack.selftest.check import Check
from misread.attack.threat import Threat
from misread.data import find_samples
from misread.export.origin import load_origin
from misread.pixels import fit, to_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from misread.attack.problem import Attack, Model

SIZES: Final = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
STEPS: Final = (1, 3, 10, 30)
FEW: Final = 2 / 255


def trend_checks(seed: int = 0) -> Iterator[Check]:
    """More eps, more steps, all of it, and noise instead of it."""
    model, images, labels = _signs()

    def found(attack: Attack, eps: float) -> int:
        return execute(
            attack,
            model,
            images,
            labels,
            threat=Threat(eps=eps),
            generator=torch.Generator().manual_seed(seed),
        ).found

    by_eps = [found(Pgd(steps=20), eps) for eps in SIZES]
    yield _never_less("pgd on signs, more eps", [f"{255 * eps:g}/255" for eps in SIZES], by_eps)
    everything = found(Pgd(steps=20), 1.0)
    yield Check(
        name="pgd on signs, eps 1",
        expected=f"{len(images)} of {len(images)}",
        got=f"{everything} of {len(images)}",
        passed=everything == len(images),
    )
    by_steps = [found(Pgd(steps=steps), SIZES[2]) for steps in STEPS]
    yield _never_less("pgd on signs, more steps", [str(steps) for steps in STEPS], by_steps)
    noise = found(Noise(draws=20), SIZES[2])
    yield Check(
        name="random noise of the same size",
        expected=f"finds less than the {by_eps[2]} of the attack",
        got=f"{noise} of {len(images)}",
        passed=noise < by_eps[2],
    )


def _never_less(name: str, values: list[str], found: list[int]) -> Check:
    return Check(
        name=name,
        expected="never less success: " + ", ".join(values),
        got=", ".join(str(count) for count in found),
        passed=all(before <= after for before, after in pairwise(found)) and found[-1] > found[0],
    )


def _signs() -> tuple[Model, Tensor, Tensor]:
    """The shipped classifier and its scenes."""
    origin = load_origin("signs")
    samples = find_samples(scenes_csv(), origin.card.labels)
    pixels = np.stack([fit(sample.read(), origin.card) for sample in samples])
    labels = torch.tensor([sample.label or 0 for sample in samples])
    return origin.twin, torch.from_numpy(to_unit(pixels, channels=3)), labels
