"""What every registered attack must do, against the closed-form answer: find what exists, report nothing else."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, Literal

import pytest
import torch

from misread.attack import ATTACKS
from misread.attack.base import Attack, Norm, Outcome, Targeted, Threat, execute
from misread.attack.selftest.oracle import Instance, all_at, few_levels, on_grid, two_class
from misread.errors import OptionError
from misread.registry import by_name

SIZES = {"linf": 0.035, "l2": 0.75, "l1": 7.6, "l0": 10}
CASES = [(attack, norm) for attack in ATTACKS for norm in attack.norms]
cases = pytest.mark.parametrize(("kind", "norm"), CASES, ids=[f"{attack.name}-{norm}" for attack, norm in CASES])

MINIMAL = [(kind, norm) for kind, norm in CASES if kind.kind == "minimal"]
minimal_cases = pytest.mark.parametrize(
    ("kind", "norm"), MINIMAL, ids=[f"{kind.name}-{norm}" for kind, norm in MINIMAL]
)


@functools.cache
def _equal(norm: Norm) -> Instance:
    """Sixteen images with the same smallest size."""
    return all_at(norm, SIZES[norm])


def _make(kind: type[Attack]) -> Attack:
    """The attack as it is asked for where everything must be found."""
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # attacks are dataclasses
    return kind(**({"restarts": 5} if "restarts" in fields and kind.kind == "fixed" else {}))


def _attack(kind: type[Attack], instance: Instance, row: int, threat: Threat, scale: float = 3.0) -> Outcome:
    return execute(
        _make(kind),
        instance.model(scale),
        instance.images[row : row + 1],
        instance.labels[row : row + 1],
        threat=threat,
        generator=torch.Generator().manual_seed(1),
    )


def _drawing(kind: type[Attack]) -> Attack:
    """The attack with as much randomness as it knows."""
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # attacks are dataclasses
    drawn: dict[str, Any] = {"random_start": True, "restarts": 2, "steps": 10}
    return kind(**{name: value for name, value in drawn.items() if name in fields})


def _all(
    kind: type[Attack], instance: Instance, threat: Threat, scale: float = 3.0, mask: torch.Tensor | None = None
) -> Outcome:
    return execute(
        _make(kind),
        instance.model(scale),
        instance.images,
        instance.labels,
        threat=threat,
        mask=mask,
        generator=torch.Generator().manual_seed(1),
    )


@cases
@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
def test_finds_every_answer_2_percent_inside_the_budget(kind: type[Attack], norm: Norm, scale: float) -> None:
    eps = math.ceil(SIZES[norm] * 1.05) if norm == "l0" else SIZES[norm] * 1.02
    outcome = _all(kind, _equal(norm), Threat(norm=norm, eps=eps, levels=None), scale)
    assert outcome.success.all()
    assert outcome.size.max() <= eps * (1 + 1e-5)


@cases
def test_finds_nothing_2_percent_outside(kind: type[Attack], norm: Norm) -> None:
    instance = _equal(norm)
    eps = SIZES[norm] - 1 if norm == "l0" else SIZES[norm] * 0.98
    outcome = _all(kind, instance, Threat(norm=norm, eps=eps, levels=None))
    assert (outcome.found, outcome.attempted) == (0, 16)
    assert torch.equal(outcome.images, instance.images)
    assert outcome.size.isinf().all()


@minimal_cases
@pytest.mark.parametrize("levels", [None, 256])
def test_the_smallest_change_is_near_the_optimum_at_every_scale(
    kind: type[Attack], norm: Norm, levels: Literal[256] | None, instance: Instance
) -> None:
    """The published acceptance: all succeed, median 1.01 and 95th percentile 1.02 of the optimum (l0: 1.05, 1.15)."""
    chosen = instance if levels is None else on_grid(instance)
    best = chosen.optimum_levels() / 255 if levels and norm == "linf" else chosen.optimum(norm)
    medians = []
    for scale in (3.0,) if levels else (0.3, 3.0, 30.0):
        outcome = _all(kind, chosen, Threat(norm=norm, levels=levels), scale)
        ratio = outcome.size / torch.from_numpy(best)
        assert outcome.found == 64
        assert ratio.median() <= (1.05 if norm == "l0" else 1.01)
        assert ratio.quantile(0.95) <= (1.15 if norm == "l0" else 1.02)
        assert ratio.min() > 1 - 1e-6
        medians.append(float(ratio.median()))
    assert max(medians) - min(medians) <= 0.005


@minimal_cases
def test_with_few_levels_an_answer_is_found_exactly_where_there_is_one(kind: type[Attack], norm: Norm) -> None:
    """Images next to the walls, where every whole-level answer can be tried: no attack may beat the best of them."""
    tiny, mask = few_levels()
    best = torch.from_numpy(tiny.optimum_by_trial(norm, mask, 3))
    outcome = _all(kind, tiny, Threat(norm=norm), mask=mask)
    assert (outcome.success == best.isfinite()).all()
    assert (outcome.size >= best * (1 - 1e-9)).all()


@cases
def test_an_answer_between_the_levels_is_none(kind: type[Attack], norm: Norm) -> None:
    """Budgets just below the smallest whole-level answer; for most images a real-valued one lies inside them."""
    tiny, mask = few_levels()
    best = torch.from_numpy(tiny.optimum_by_trial(norm, mask, 3))
    for size in sorted(set(best[best.isfinite()].tolist()))[::3]:
        eps = size - 1 if norm == "l0" else size * (1 - 1e-3)
        if eps < 1 / 255:
            continue
        outcome = _all(kind, tiny, Threat(norm=norm, eps=eps), mask=mask)
        assert not outcome.success[best >= size].any()


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if "linf" in kind.norms], ids=lambda kind: kind.name)
def test_on_the_grid_the_last_level_decides(kind: type[Attack]) -> None:
    grid = on_grid(_equal("linf"))
    levels = torch.from_numpy(grid.optimum_levels())
    usual = int(levels.median())
    inside, outside = (_all(kind, grid, Threat(eps=count / 255)) for count in (usual, usual - 1))
    assert inside.success[levels == usual].all()
    assert not outside.success[levels == usual].any()


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
    eps = {"linf": 1.0, "l2": 50.0, "l1": 50.0, "l0": 12}[norm]
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
        threat=Threat(norm=norm, eps=eps + 1 if norm == "l0" else eps * 1.1 + 0.6 / 255),
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
        threat=Threat(norm=norm, eps={"linf": 0.3, "l2": 5.0, "l1": 50.0, "l0": 60}[norm]),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 24
    assert not (outcome.images != grid_instance.images)[..., 16:].any()


@cases
def test_alone_or_in_company_the_result_is_the_same(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    model = grid_instance.model().double()
    threat = Threat(norm=norm, eps=SIZES[norm])

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
    threat = Threat(norm=norm, eps=SIZES[norm])
    results, model = [], grid_instance.model()
    for _ in range(2):
        torch.rand(7)  # move the global state
        before = torch.get_rng_state()
        outcome = execute(
            _drawing(kind),
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
