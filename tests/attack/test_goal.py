"""Goals: which classes they want, and that attacks reach them at the size that can be worked out on paper."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from misread.attack.base import (
    AnyOf,
    Attack,
    AwayFrom,
    Goal,
    Kind,
    Norm,
    Outcome,
    Problem,
    Targeted,
    Threat,
    Untargeted,
    execute,
)
from misread.attack.goal import goal_of
from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.gradient.fgsm import Fgsm
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.gradient.pgd import Pgd
from misread.attack.minimal.boundary import nearest_targets
from misread.attack.minimal.nearest import Nearest
from misread.attack.objective import LOSSES
from misread.attack.query.square import Square
from misread.card import ModelCard
from misread.errors import OptionError, UnknownName
from misread.wish import UNTARGETED, Wish

#: How far, in levels of each of its pixels, the logit of a class lies below that of class 0 in a grey image.
BEHIND = (0, 3, 7, 13, 21, 31)
LABELS = torch.tensor([0, 1])


class Blocks(nn.Module):
    """A logit is the sum of its own row of pixels: moving every pixel by t levels closes a gap of 2 t levels."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0].sum(2) - x.shape[3] * torch.tensor(BEHIND, dtype=x.dtype) / 255


def _images() -> Tensor:
    """The first is grey; in the second the row of class 1 is 10 levels brighter, so class 0 lies 7 behind it."""
    levels = torch.full((2, 1, len(BEHIND), 8), 128.0)
    levels[1, 0, 1] += 10
    return levels / 255


def _levels(label: int, wanted: set[int]) -> int:
    """Fewest whole levels after which a wanted class is strictly ahead, every row having moved its way."""
    behind = [gap + (7 if k != 1 else -3) if label else gap for k, gap in enumerate(BEHIND)]
    return min(behind[k] // 2 + 1 for k in wanted)


def _run(attack: Attack, goal: Goal, levels: int | None = None, rows: slice = slice(None)) -> Outcome:
    return execute(
        attack,
        Blocks(),
        _images()[rows],
        LABELS[rows],
        threat=Threat(eps=None if levels is None else levels / 255),
        goal=goal,
        generator=torch.Generator().manual_seed(0),
    )


GOALS: tuple[tuple[Goal, set[int], set[int]], ...] = (
    (Untargeted(), {1, 2, 3, 4, 5}, {0, 2, 3, 4, 5}),
    (AnyOf((3, 4)), {3, 4}, {3, 4}),
    (AnyOf((4, 5, 0)), {4, 5}, {0, 4, 5}),
    (AnyOf((0, 1)), {1}, {0}),
    (AnyOf((1, 2, 3)), {1, 2, 3}, {2, 3}),
    (AwayFrom((1, 2)), {3, 4, 5}, {0, 3, 4, 5}),
    (AwayFrom((0, 1, 2)), {3, 4, 5}, {3, 4, 5}),
    (AwayFrom((0,)), {1, 2, 3, 4, 5}, {2, 3, 4, 5}),
)
each_goal = pytest.mark.parametrize(("goal", "first", "second"), GOALS, ids=[goal.name for goal, *_ in GOALS])
FIXED = (
    *(Apgd(loss=loss.name, steps=40) for loss in LOSSES),
    Pgd(),
    ApgdTargeted(steps=30, targets=2, looked_at=3),
    MiFgsm(restarts=5, steps=20),
)


@each_goal
def test_the_wanted_classes(goal: Goal, first: set[int], second: set[int]) -> None:
    wanted = goal.wanted(LABELS, len(BEHIND))
    assert wanted.dtype == torch.bool
    assert [set(row.nonzero().flatten().tolist()) for row in wanted] == [first, second]


@each_goal
def test_the_smallest_change_is_the_one_on_paper(goal: Goal, first: set[int], second: set[int]) -> None:
    outcome = _run(Nearest(), goal)
    assert (outcome.size * 255).round().tolist() == [_levels(0, first), _levels(1, second)]
    read_first, read_second = outcome.logits.argmax(1).tolist()
    assert read_first in first
    assert read_second in second


@each_goal
@pytest.mark.parametrize("attack", FIXED, ids=str)
def test_a_fixed_budget_is_enough_or_one_level_short(
    attack: Attack, goal: Goal, first: set[int], second: set[int]
) -> None:
    for row, (label, wanted) in enumerate(((0, first), (1, second))):
        rows, levels = slice(row, row + 1), _levels(label, wanted)
        assert _run(attack, goal, levels, rows).found == 1
        assert levels == 1 or _run(attack, goal, levels - 1, rows).found == 0


def test_a_search_without_gradients_reaches_the_same_classes() -> None:
    goal, first, second = GOALS[6]
    outcome = _run(Square(queries=2000), goal, max(_levels(0, first), _levels(1, second)) + 2)
    assert outcome.found == 2
    assert outcome.logits.argmax(1).tolist() == [3, 3]
    assert _run(Square(queries=200), goal, _levels(0, first) - 1).found == 0


@each_goal
@pytest.mark.parametrize("attack", [Nearest(looked_at=2, targets=2), ApgdTargeted(steps=5), Fgsm(restarts=5)], ids=str)
def test_a_neighbour_that_wants_fewer_classes_changes_nothing(
    attack: Attack, goal: Goal, first: set[int], second: set[int]
) -> None:
    levels = None if attack.kind == "minimal" else _levels(1, second)
    both = _run(attack, goal, levels)
    alone = [_run(attack, goal, levels, slice(row, row + 1)) for row in (0, 1)]
    assert torch.equal(both.images, torch.cat([outcome.images for outcome in alone]))
    assert both.success.tolist() == [bool(outcome.found) for outcome in alone]
    assert first | second  # the columns of the table are only here for their goal


class Aiming:
    """Looks up the nearest targets and proposes nothing."""

    name: ClassVar[str] = "aiming"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("linf",)

    def __init__(self, kept: int) -> None:
        self.kept, self.targets = kept, [[0]]

    def propose(self, problem: Problem) -> Tensor:
        aim = nearest_targets(problem, problem.open(), looked_at=9, kept=self.kept)
        self.targets = aim.target.view(len(problem.images), -1).tolist()
        return problem.images


@pytest.mark.parametrize(("kept", "targets"), [(1, [[1], [2]]), (2, [[1, 2], [2, 3]]), (9, [[1, 2, 3], [2, 3, 2]])])
def test_the_nearest_targets_are_wanted_ones_nearest_first(kept: int, targets: list[list[int]]) -> None:
    """The first image wants 1, 2 and 3, the second 2 and 3: in place of its third it has its first once more."""
    attack = Aiming(kept)
    _run(attack, AnyOf((1, 2, 3)))
    assert attack.targets == targets


def test_an_image_whose_own_label_is_all_that_is_wanted_is_left_out() -> None:
    """Group and label together cover everything for the second image; the first still has class 1."""
    outcome = _run(Nearest(), AwayFrom((0, 2, 3, 4, 5)))
    assert (outcome.skipped.tolist(), outcome.attempted, outcome.found) == ([False, True], 1, 1)
    assert torch.equal(outcome.images[1], _images()[1])


def test_an_own_label_among_the_targets_is_no_success() -> None:
    """What reads right has reached nothing, although its label is on the list."""
    outcome = _run(Fgsm(), AnyOf((0, 5)), 1)
    assert (outcome.attempted, outcome.found) == (2, 0)


@pytest.mark.parametrize("kind", [AnyOf, AwayFrom])
@pytest.mark.parametrize(
    ("indices", "said"),
    [
        ((), r"at least one, got \(\)"),
        ((2, 2), r"each once and at least one, got \(2, 2\)"),
        ((0, -1), r"from 0, each once"),
        ((1, 6), "class 6 does not exist: the model has 6 classes, 0 to 5"),
        ((0, 1, 2, 3, 4, 5), "names all 6 classes"),
    ],
)
def test_goals_that_mean_nothing_are_refused(kind: type[AnyOf | AwayFrom], indices: tuple[int, ...], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        kind(indices).wanted(LABELS, 6)


def test_a_wish_becomes_a_goal() -> None:
    card = ModelCard(labels=("Stop", "Yield", "Speed 40"), size_hw=(8, 8))
    assert goal_of(UNTARGETED, card) == Untargeted()
    assert goal_of(Wish.of(["yield"]), card) == Targeted(1)
    assert goal_of(Wish.of(["Speed 40", "Stop"]), card) == AnyOf((2, 0))
    assert goal_of(Wish.of(away_from=["Yield"]), card) == AwayFrom((1,))
    with pytest.raises(UnknownName, match="did you mean 'Yield'"):
        goal_of(Wish.of(["Yeld"]), card)
    with pytest.raises(OptionError, match="each once"):
        goal_of(Wish.of(["Stop", "stop"]), card)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_device_wants_what_the_host_wants(label: int) -> None:
    card = ModelCard(labels=("Stop", "Yield", "Speed 40"), size_hw=(8, 8))
    for wish in (UNTARGETED, Wish.of(["Stop", "Yield"]), Wish.of(away_from=["Stop"])):
        host = goal_of(wish, card).wanted(torch.tensor([label]), 3)[0]
        assert wish.wanted(card, card.labels[label]).tolist() == host.tolist()
