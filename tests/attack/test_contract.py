"""What every registered attack must do, against the closed-form answer: find what exists, report nothing else."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from misread.attack import ATTACKS
from misread.attack.base import Attack, Norm, Outcome, Targeted, Threat, execute
from misread.errors import OptionError
from misread.registry import by_name
from tests.attack.oracle import Instance, two_class

CASES = [(attack, norm) for attack in ATTACKS for norm in attack.norms]
cases = pytest.mark.parametrize(("kind", "norm"), CASES, ids=[f"{attack.name}-{norm}" for attack, norm in CASES])


def _make(kind: type[Attack]) -> Attack:
    """The attack as it is asked for where everything must be found."""
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # attacks are dataclasses
    return kind(**({"restarts": 5} if "restarts" in fields else {}))


def _attack(kind: type[Attack], instance: Instance, row: int, threat: Threat, scale: float = 3.0) -> Outcome:
    return execute(
        _make(kind),
        instance.model(scale),
        instance.images[row : row + 1],
        instance.labels[row : row + 1],
        threat=threat,
        generator=torch.Generator().manual_seed(1),
    )


@cases
@pytest.mark.parametrize("scale", [0.3, 30.0])
def test_finds_every_answer_2_percent_inside_the_budget(
    kind: type[Attack], norm: Norm, scale: float, instance: Instance, optima: dict[str, torch.Tensor]
) -> None:
    for row in range(0, 64, 4):
        eps = float(optima[norm][row]) * 1.02
        outcome = _attack(kind, instance, row, Threat(norm=norm, eps=eps, levels=None), scale)
        assert outcome.found == 1, f"image {row}"
        assert outcome.size[0] <= eps * (1 + 1e-5)


@cases
def test_finds_nothing_2_percent_outside(
    kind: type[Attack], norm: Norm, instance: Instance, optima: dict[str, torch.Tensor]
) -> None:
    for row in range(0, 64, 8):
        eps = float(optima[norm][row]) * 0.98
        outcome = _attack(kind, instance, row, Threat(norm=norm, eps=eps, levels=None))
        assert (outcome.found, outcome.attempted) == (0, 1)
        assert torch.equal(outcome.images, instance.images[row : row + 1])
        assert outcome.size[0] == math.inf


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if "linf" in kind.norms], ids=lambda kind: kind.name)
def test_on_the_grid_the_last_level_decides(kind: type[Attack], grid_instance: Instance) -> None:
    for row, levels in enumerate(grid_instance.optimum_levels()[:12]):
        assert _attack(kind, grid_instance, row, Threat(eps=levels / 255)).found == 1, f"image {row}"
        if levels > 1:
            assert _attack(kind, grid_instance, row, Threat(eps=(levels - 1) / 255)).found == 0, f"image {row}"


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if "linf" in kind.norms], ids=lambda kind: kind.name)
def test_seven_and_a_half_levels_need_eight(kind: type[Attack]) -> None:
    """Truncation towards the clean image loses a level, and then this fails."""
    instance = two_class(7.5)
    outcome = _attack(kind, instance, 0, Threat(eps=8 / 255))
    assert outcome.found == 1
    assert outcome.size[0] == pytest.approx(8 / 255)
    assert _attack(kind, instance, 0, Threat(eps=7 / 255)).found == 0


@cases
def test_no_answer_is_no_success(kind: type[Attack], norm: Norm) -> None:
    eps = 1.0 if norm == "linf" else 50.0
    outcome = _attack(kind, two_class(200.0, clean=100), 0, Threat(norm=norm, eps=eps))
    assert (outcome.found, outcome.attempted) == (0, 1)


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if "l2" in kind.norms], ids=lambda kind: kind.name)
def test_an_answer_between_the_levels_is_not_one_on_the_grid(kind: type[Attack]) -> None:
    """Three values of 0.7 levels have length 1.21; of whole levels only 1, 1, 1 is enough, and that has 1.73."""
    instance = two_class(0.7, values=3)
    eps = 1.5 / 255
    assert _attack(kind, instance, 0, Threat(norm="l2", eps=eps, levels=None)).found == 1
    assert _attack(kind, instance, 0, Threat(norm="l2", eps=eps)).found == 0


@cases
def test_aims_at_the_target(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    target = (int(grid_instance.labels[0]) + 5) % 10
    eps = float(grid_instance.optimum(norm, target)[0])
    outcome = execute(
        _make(kind),
        grid_instance.model(),
        grid_instance.images[:1],
        grid_instance.labels[:1],
        threat=Threat(norm=norm, eps=eps * 1.1 + 0.6 / 255),
        goal=Targeted(target),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 1
    assert outcome.logits.argmax(1).tolist() == [target]


@cases
def test_stays_inside_the_mask(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[:, :16] = True
    outcome = execute(
        _make(kind),
        grid_instance.model(),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(norm=norm, eps=0.3 if norm == "linf" else 5.0),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 24
    assert not (outcome.images != grid_instance.images)[..., 16:].any()


@cases
def test_alone_or_in_company_the_result_is_the_same(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    model = grid_instance.model().double()
    threat = Threat(norm=norm, eps=0.04 if norm == "linf" else 0.75)

    def run(rows: list[int]) -> Outcome:
        return execute(
            _make(kind),
            model,
            grid_instance.images[rows].double(),
            grid_instance.labels[rows],
            threat=threat,
            generator=torch.Generator().manual_seed(3),
        )

    together, reversed_, alone = run([0, 1, 2, 3]), run([3, 2, 1, 0]), run([2])
    assert torch.equal(together.images[2], alone.images[0])
    assert torch.equal(together.images, reversed_.images.flip(0))
    assert together.forwards[2] == alone.forwards[0]


@cases
def test_the_generator_decides_alone(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    """The same seed gives the same images whatever the global state; the global state is not moved."""
    threat = Threat(norm=norm, eps=0.04 if norm == "linf" else 0.75)
    results, model = [], grid_instance.model()
    for _ in range(2):
        torch.rand(7)  # move the global state
        before = torch.get_rng_state()
        outcome = execute(
            _make(kind),
            model,
            grid_instance.images,
            grid_instance.labels,
            threat=threat,
            generator=torch.Generator().manual_seed(5),
        )
        assert torch.equal(before, torch.get_rng_state())
        results.append(outcome.images)
    assert torch.equal(*results)


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if kind.kind == "fixed"], ids=lambda kind: kind.name)
def test_a_fixed_attack_asks_for_a_budget(kind: type[Attack], grid_instance: Instance) -> None:
    with pytest.raises(OptionError, match="add for instance --eps 8/255"):
        _attack(kind, grid_instance, 0, Threat())


def test_a_misspelt_name_is_suggested() -> None:
    with pytest.raises(Exception, match="did you mean 'minimal'"):
        by_name("attack", ATTACKS, "minmal")
