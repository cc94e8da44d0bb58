"""Step rules against their papers' formulas, worked out by hand."""

from __future__ import annotations

import pytest
import torch

from misread.attack.physical.eot import EotPgd
from misread.attack.physical.steps import RULES, named_rule
from misread.errors import UnknownName
from tests.attack.physical.toy import generator, problem

FIRST, SECOND = torch.tensor([4.0, -1.0, 1.0]), torch.tensor([-1.0, 3.0, 2.0])


def test_pgd_takes_each_gradients_sign() -> None:
    stepper = named_rule("pgd").start(0.9)
    assert stepper.direction(FIRST).tolist() == [1, -1, 1]
    assert stepper.direction(SECOND).tolist() == [-1, 1, 1]


def test_mi_fgsm_takes_the_sign_of_the_running_mean() -> None:
    stepper = named_rule("mi-fgsm").start(0.5)
    assert stepper.direction(FIRST).tolist() == [1, -1, 1]
    assert stepper.direction(SECOND).tolist() == [1, 1, 1]


def test_adam_is_the_reference_implementation() -> None:
    """Against torch.optim.Adam, fed the same gradients at unit mean."""
    stepper = named_rule("adam").start(0.0)
    point = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    reference = torch.optim.Adam([point], lr=1.0, betas=(0.9, 0.99), eps=1e-8)
    for raw in (FIRST, SECOND, FIRST, -SECOND):
        gradient = raw.double()
        before = point.detach().clone()
        point.grad = gradient / gradient.abs().mean()
        reference.step()
        assert torch.allclose(stepper.direction(gradient), (before - point.detach()).clamp(-1, 1), atol=1e-6)


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_every_rule_is_bounded_and_survives_a_gradient_of_0(name: str) -> None:
    stepper = named_rule(name).start(0.5)
    for gradient in (torch.zeros(3), 1e30 * FIRST, 1e-30 * SECOND):
        direction = stepper.direction(gradient)
        assert torch.isfinite(direction).all()
        assert direction.abs().max() <= 1


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_every_rule_finds_a_change_that_lasts(name: str) -> None:
    given = problem()
    held = given.draw(6, 8, 1.0, generator(99))
    attack = EotPgd(rule=name, steps=20, draws=8, clips=2, select_every=5, select_clips=3)
    assert given.measure(attack.search(given, generator()).image, held).share > 0.8


def test_an_unknown_rule_names_those_that_there_are() -> None:
    with pytest.raises(UnknownName, match="mi-fgsm"):
        EotPgd(rule="mifgsm")
