"""The whole suite, as it ships, against closed forms: what stands is what no change inside the budget reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from misread.attack.assess.suite import SKIPPED, STANDS, SUITES, Suite
from misread.attack.base import Threat
from misread.attack.selftest.oracle import instance_b, on_grid

if TYPE_CHECKING:
    from misread.attack.threat import Norm


@pytest.mark.slow
@pytest.mark.parametrize("norm", SUITES)
def test_what_stands_is_out_of_reach(norm: Norm) -> None:
    """Twelve images at the median of their optima; the images within 2 % of it, or one pixel, decide nothing."""
    instance = instance_b(12)
    optima = instance.optimum(norm)
    eps = float(np.median(optima))
    eps = float(np.floor(eps)) if norm == "l0" else eps
    suite = Suite(threat=Threat(norm=norm, eps=eps, levels=None))
    fallen = suite.run(instance.model(3.0), instance.images, instance.labels, seed=0)
    inside = optima * 1.02 <= eps if norm != "l0" else optima + 1 <= eps
    outside = optima * 0.98 > eps
    stands = (fallen.by == STANDS).numpy()
    assert not stands[inside].any()
    assert stands[outside].all()
    assert inside.any()
    assert outside.any()
    assert sum(tally.found for tally in suite.tallies) == 12 - stands.sum()


def test_each_attack_sees_only_what_still_stands() -> None:
    instance = on_grid(instance_b(16))
    labels = instance.labels.clone()
    labels[3] = (labels[3] + 1) % 10
    suite = Suite(threat=Threat(eps=20 / 255), stages=SUITES["linf"][:2])
    fallen = suite.run(instance.model(3.0), instance.images, labels, seed=0)
    assert fallen.by[3] == SKIPPED
    noise, apgd = suite.tallies
    assert (noise.attempted, apgd.attempted) == (15, 15 - noise.found)
    assert torch.equal(fallen.images[fallen.by < 0], instance.images[fallen.by < 0])
    assert (fallen.images[fallen.by >= 0] != instance.images[fallen.by >= 0]).flatten(1).any(1).all()
