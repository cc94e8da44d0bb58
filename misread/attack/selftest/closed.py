"""Every registered attack against the exact optimum of a linear classifier.

The images are sent through together at one budget, the median of their optima: those whose optimum is 2 % inside must
all be found, those 2 % outside must not be. An image within 2 % of the budget decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from misread.attack import ATTACKS
from misread.attack.execute import execute
from misread.attack.selftest.check import Check
from misread.attack.selftest.oracle import instance_b, on_grid
from misread.attack.threat import Threat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.attack.execute import Outcome
    from misread.attack.problem import Attack
    from misread.attack.selftest.oracle import Floats, Instance
    from misread.attack.threat import Norm

SCALE: Final = 3.0
SLACK: Final = 0.02
MEDIAN: Final = {"linf": 1.01, "l2": 1.01, "l1": 1.01, "l0": 1.05}
TAIL: Final = {"linf": 1.02, "l2": 1.02, "l1": 1.02, "l0": 1.15}


def closed_form_checks(images: int = 48, seed: int = 0) -> Iterator[Check]:
    """One check per attack and norm, and one on the 256 levels.

    Args:
        images: Of the 64 of the instance.
        seed: Of the attacks' draws.
    """
    instance, grid = instance_b(images), on_grid(instance_b(images))
    optima = {norm: instance.optimum(norm) for norm in MEDIAN}
    for kind in ATTACKS:
        for norm in kind.norms:
            ask = _minimal if kind.kind == "minimal" else _fixed
            yield ask(kind(), instance, norm, optima[norm], seed)
    yield _levels(grid, seed)


def _run(attack: Attack, instance: Instance, threat: Threat, seed: int) -> Outcome:
    return execute(
        attack,
        instance.model(SCALE),
        instance.images,
        instance.labels,
        threat=threat,
        generator=torch.Generator().manual_seed(seed),
    )


def _fixed(attack: Attack, instance: Instance, norm: Norm, optima: Floats, seed: int) -> Check:
    eps = float(np.median(optima))
    eps = float(round(eps)) if norm == "l0" else eps
    found = _run(attack, instance, Threat(norm=norm, eps=eps, levels=None), seed).success.numpy()
    inside, outside = optima * (1 + SLACK) <= eps, optima * (1 - SLACK) > eps
    return Check(
        name=f"{attack.name}, {norm}",
        expected=f"{inside.sum()} of {inside.sum()} inside the budget, 0 of {outside.sum()} outside",
        got=f"{(found & inside).sum()} inside, {(found & outside).sum()} outside",
        passed=bool((found | ~inside).all() and not (found & outside).any()),
    )


def _minimal(attack: Attack, instance: Instance, norm: Norm, optima: Floats, seed: int) -> Check:
    sizes = _run(attack, instance, Threat(norm=norm, levels=None), seed).size.numpy()
    middle, tail = (float(np.quantile(sizes / optima, share)) for share in (0.5, 0.95))
    return Check(
        name=f"{attack.name}, {norm}",
        expected=f"size over optimum: median to {MEDIAN[norm]}, 95th percentile to {TAIL[norm]}, none below 1",
        got=f"{middle:.4f}, {tail:.4f}, least {float((sizes / optima).min()):.4f}",
        passed=middle <= MEDIAN[norm] and tail <= TAIL[norm] and bool((sizes >= optima * (1 - 1e-5)).all()),
    )


def _levels(instance: Instance, seed: int) -> Check:
    """On the grid a level too few is no answer, whatever rounding does."""
    exact = instance.optimum_levels()
    attack = next(kind for kind in ATTACKS if kind.name == "minimal")()
    sizes = np.rint(_run(attack, instance, Threat(norm="linf"), seed).size.numpy() * 255)
    return Check(
        name="minimal, linf, 256 levels",
        expected=f"the exact number of levels for {len(exact)} of {len(exact)}",
        got=f"exact for {int((sizes == exact).sum())}, fewer for {int((sizes < exact).sum())}",
        passed=bool((sizes == exact).all()),
    )
