"""Stages in front of attacks: what is counted, what is judged, and on which model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
import torch

from misread.attack import ATTACKS
from misread.attack.base import Attack, Budget, Kind, Norm, Outcome, Problem, Threat, execute
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.gradient.pgd import Pgd
from misread.attack.minimal.nearest import Nearest
from misread.attack.query.square import Square
from misread.attack.transfer import STAGES, through_stages
from misread.attack.transfer.bsr import Bsr
from misread.attack.transfer.momentum import Momentum
from misread.attack.transfer.scale import Scale
from misread.attack.transfer.wrap import Transfer
from misread.errors import OptionError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.selftest.oracle import Instance
    from misread.attack.transfer.stage import Stage


def _made(attack: Attack, *stages: Stage) -> Attack:
    return cast("Attack", Transfer(attack=attack, stages=stages))


def _run(attack: Attack, instance: Instance, rows: list[int], **more: Any) -> Outcome:
    model = more.pop("model", None) or instance.model()
    return execute(
        attack,
        model,
        instance.images[rows].to(more.pop("dtype", torch.float32)),
        instance.labels[rows],
        threat=more.pop("threat", Threat(eps=0.1)),
        generator=torch.Generator().manual_seed(more.pop("seed", 0)),
        **more,
    )


@dataclass(frozen=True)
class _Peek:
    """Asks for two gradients and keeps what it is told."""

    name: ClassVar[str] = "peek"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf",)
    told: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def propose(self, problem: Problem) -> Tensor:
        rows = problem.open()
        for _ in range(2):
            here = problem.gradient(problem.images[rows], rows, lambda logits, rows: logits[:, 0] * (1 + rows))
            self.told.append(here.gradient)
            self.values.append(here.values)
        return problem.images


def test_the_gradient_is_the_mean_over_copies(grid_instance: Instance) -> None:
    peek = _Peek()
    _run(_made(peek, Scale(copies=3)), grid_instance, [0, 1], dtype=torch.float64, model=grid_instance.model().double())
    row = torch.from_numpy(grid_instance.weight[0]).view(1, 28, 28)
    expected = torch.stack([row, 2 * row]) * (1 + 0.5 + 0.25) / 3
    torch.testing.assert_close(peek.told[0], expected, rtol=1e-6, atol=1e-9)
    flat = grid_instance.images[:2].flatten(1).double().numpy()
    logits = [flat / 2**n @ grid_instance.weight[0] + grid_instance.bias[0] for n in range(3)]
    mean = torch.from_numpy(sum(logits) / 3) * torch.tensor([1.0, 2.0])
    torch.testing.assert_close(peek.values[0], mean, rtol=1e-5, atol=1e-6)


def test_a_filter_remembers_and_keeps_the_gradients_length(grid_instance: Instance) -> None:
    remembered: list[Tensor] = []

    @dataclass(frozen=True)
    class Spy(Momentum):
        def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:
            remembered.append(before)
            return 1000 * gradient + before

    peek = _Peek()
    _run(_made(peek, Spy()), grid_instance, [0, 1])
    assert not remembered[0].any()
    torch.testing.assert_close(remembered[1], 1000 * peek.told[0])
    torch.testing.assert_close(peek.told[1], peek.told[0])


def test_the_gradient_is_0_outside_the_mask(grid_instance: Instance) -> None:
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[:, :20] = True
    peek = _Peek()
    _run(through_stages(peek, "ti"), grid_instance, [0, 1], mask=mask)
    assert peek.told[0][..., :20].all()
    assert not peek.told[0][..., 20:].any()


def test_every_copy_is_a_pass_counted_at_the_model(grid_instance: Instance) -> None:
    counted = torch.zeros(())
    plain = grid_instance.model()

    def counting(x: Tensor) -> Tensor:
        counted.add_(len(x))
        return cast("Tensor", plain(x))

    attack = _made(MiFgsm(steps=3), Scale(copies=2), Bsr(copies=3))
    outcome = _run(attack, grid_instance, [0, 1], model=counting, threat=Threat(eps=0.3))
    assert outcome.backwards.tolist() == [18, 18]
    assert ((outcome.forwards - 18) <= 2).all()  # what is judged at the end
    assert int(counted) == int(outcome.forwards.sum()) + 2 * 2


@pytest.mark.parametrize("passes", [1, 7, 30])
def test_a_budget_is_kept_inside_a_mean(passes: int, grid_instance: Instance) -> None:
    outcome = _run(_made(Pgd(), Scale(copies=4)), grid_instance, [0, 1], budget=Budget(passes=passes))
    assert outcome.forwards.tolist() == [passes, passes]
    assert not outcome.refused.any()


def test_a_spent_budget_tells_nothing(grid_instance: Instance) -> None:
    peek = _Peek()
    _run(_made(peek, Scale(copies=2)), grid_instance, [0, 1], budget=Budget(passes=3))
    assert torch.isfinite(peek.values[1]).all()  # one of two copies
    assert peek.told[1].any()
    spent = _Peek()
    _run(_made(spent, Scale(copies=2)), grid_instance, [0, 1], budget=Budget(passes=2))
    assert torch.isnan(spent.values[1]).all()
    assert not spent.told[1].any()


def test_the_last_image_is_judged_and_not_the_first_that_suffices(grid_instance: Instance) -> None:
    """Stages that change nothing, so that only the holding back differs."""
    threat = Threat(eps=0.2)
    early = _run(MiFgsm(steps=10), grid_instance, [0, 1, 2], threat=threat)
    late = _run(_made(MiFgsm(steps=10), Scale(copies=1)), grid_instance, [0, 1, 2], threat=threat)
    assert (early.found, late.found) == (3, 3)
    assert (early.size < 0.15).all()
    assert late.size.tolist() == pytest.approx([0.2] * 3)
    assert (late.backwards == 10).all()
    margins = [outcome.logits.sort(1).values.diff(dim=1)[:, -1].min() for outcome in (early, late)]
    assert margins[1] > margins[0]


def test_where_the_last_image_fails_the_attacks_own_choice_is_judged() -> None:
    @dataclass(frozen=True)
    class Overshoots:
        name: ClassVar[str] = "overshoots"
        kind: ClassVar[Kind] = "fixed"
        norms: ClassVar[tuple[Norm, ...]] = ("linf",)

        def propose(self, problem: Problem) -> Tensor:
            rows = problem.open()
            assert not problem.offer(problem.images + 4 / 255, rows).any()
            return problem.images + 8 / 255

    def model(x: Tensor) -> Tensor:
        """Misread from 3 to 5 levels up."""
        off = (x.flatten(1).mean(1) * 255 - 104).abs()
        return torch.stack([off, torch.full_like(off, 1.5)], 1)

    outcome = execute(
        _made(Overshoots(), Scale(copies=1)),
        model,
        torch.full((2, 1, 3, 3), 100 / 255),
        torch.zeros(2, dtype=torch.int64),
        threat=Threat(eps=8 / 255),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 2
    assert (outcome.images * 255).round().eq(104).all()


def test_a_minimal_attack_is_judged_along_its_way(grid_instance: Instance) -> None:
    """On a linear model half brightness has the same direction, so the answer stays close to the optimum."""
    outcome = _run(_made(Nearest(), Scale(copies=2)), grid_instance, [0, 1, 2, 3], threat=Threat(norm="l2"))
    assert outcome.found == 4
    ratio = outcome.size / torch.from_numpy(grid_instance.optimum("l2")[:4])
    assert float(ratio.max()) < 2


CASES = [(kind, norm) for kind in ATTACKS for norm in kind.norms]


@pytest.mark.parametrize(("kind", "norm"), CASES, ids=[f"{kind.name}-{norm}" for kind, norm in CASES])
def test_any_gradient_attack_goes_through_all_stages(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    mask = torch.ones(28, 28, dtype=torch.bool)
    mask[:, 20:] = False
    stages = [stage(copies=2) if stage in {Bsr, Scale} else stage() for stage in STAGES]
    eps = {"linf": 0.1, "l2": 2.0, "l1": 20.0}.get(norm, 20)
    threat = Threat(norm=norm, eps=eps)
    attack = _made(kind(), *stages)
    results = [
        _run(attack, grid_instance, rows, threat=threat, mask=mask, budget=Budget(passes=60)) for rows in ([0, 1], [0])
    ]
    for outcome in results:
        assert (outcome.forwards <= 60).all()
        assert not outcome.refused.any()
        assert not (outcome.images != grid_instance.images[: len(outcome.images)])[..., 20:].any()
        assert int(outcome.backwards.max()) > 0
    assert results[0].backwards[0] == results[1].backwards[0]


def test_draws_depend_on_the_seed_and_the_image_alone(grid_instance: Instance) -> None:
    model, attack = grid_instance.model().double(), through_stages(MiFgsm(steps=4), "di,bsr")

    def run(rows: list[int], seed: int = 3) -> Outcome:
        return _run(attack, grid_instance, rows, model=model, dtype=torch.float64, seed=seed, threat=Threat(eps=0.3))

    torch.rand(3)
    before = torch.get_rng_state()
    together, reversed_, alone, other = run([0, 1, 2]), run([2, 1, 0]), run([1]), run([0, 1, 2], 4)
    assert torch.equal(before, torch.get_rng_state())
    assert together.found > 0
    assert torch.equal(together.images, reversed_.images.flip(0))
    assert torch.equal(together.images[1], alone.images[0])
    assert not torch.equal(together.images, other.images)


def test_zero_gradients_are_counted(grid_instance: Instance) -> None:
    def flat(x: Tensor) -> Tensor:
        return (x.flatten(1) * 0).sum(1, keepdim=True) + torch.nn.functional.one_hot(
            grid_instance.labels[:2], 10
        ).float()[: len(x)]

    outcome = _run(_made(MiFgsm(steps=3), Scale(copies=2)), grid_instance, [0, 1], model=flat)
    assert outcome.zero_gradients.tolist() == [3, 3]


def test_stages_by_their_names() -> None:
    attack = through_stages(MiFgsm(), "di, TI,si")
    assert attack.name == "mi-fgsm+di+ti+si"
    assert (attack.kind, attack.norms) == (MiFgsm.kind, MiFgsm.norms)
    plain = MiFgsm()
    assert through_stages(plain, " ") is plain
    assert [stage.name for stage in STAGES] == ["bsr", "di", "mi", "si", "ti"]


@pytest.mark.parametrize(
    ("attack", "names", "kind", "said"),
    [
        (MiFgsm(), "dj", UnknownName, "unknown transfer stage 'dj'; known: bsr, di, mi, si, ti"),
        (MiFgsm(), "di,,si", UnknownName, "unknown transfer stage ''"),
        (MiFgsm(), "di,di", OptionError, "name each stage once, got di,di; write for instance di,ti"),
        (Square(), "di", OptionError, "attack square takes no gradients that stages could change"),
    ],
)
def test_what_would_change_nothing_is_refused(attack: Attack, names: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        through_stages(attack, names)


def test_no_stage_is_refused() -> None:
    with pytest.raises(OptionError, match="name each stage once, got none"):
        Transfer(attack=MiFgsm(), stages=())
