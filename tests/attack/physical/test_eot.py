from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from misread.attack.goal import Targeted
from misread.attack.physical import eot
from misread.attack.physical.eot import EotPgd
from misread.attack.physical.problem import PhysicalProblem
from misread.errors import OptionError
from tests.attack.physical.toy import generator, problem

if TYPE_CHECKING:
    from misread.attack.physical.channel import Clip
    from misread.attack.physical.measure import Measured

QUICK = EotPgd(steps=20, draws=8, clips=2, select_every=5, select_clips=3)


def test_severity_rises_over_the_first_third_and_stays() -> None:
    attack = EotPgd(steps=9)
    assert [round(attack.severity(step), 3) for step in range(9)] == [0.333, 0.667] + [1.0] * 7
    assert EotPgd(steps=9, ramp=0).severity(0) == 1.0


def test_the_log_holds_every_draw_with_the_ramp() -> None:
    found = EotPgd(steps=6, draws=4, clips=2).search(problem(), generator())
    assert [(entry["step"], entry["severity"]) for entry in found.log] == [
        (step, severity) for step, severity in enumerate([0.5, 1, 1, 1, 1, 1]) for _ in range(2)
    ]
    assert json.loads(json.dumps(found.log)) == list(found.log)


def test_the_same_seed_finds_the_same_image() -> None:
    attack = EotPgd(steps=5, draws=4, clips=2)
    first, again, other = (attack.search(problem(), generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.image, again.image)
    assert first.log == again.log
    assert not torch.equal(first.image, other.image)


@pytest.mark.parametrize("eps", [7.5 / 255, 32 / 255])
def test_mask_and_budget_hold_to_the_level(eps: float) -> None:
    given = problem(eps=eps)
    levels = (QUICK.search(given, generator()).image - given.picture) * 255
    assert (levels - levels.round()).abs().max() < 1e-3
    assert levels.abs().max().round() <= int(255 * eps)
    assert levels[:, given.mask].abs().max().round() == int(255 * eps)
    assert torch.count_nonzero(levels[:, ~given.mask]) == 0


def test_it_beats_a_change_made_for_the_perfect_capture() -> None:
    given = problem()
    held = given.draw(12, 8, 1.0, generator(99))
    assert given.measure(given.picture, held).share < 0.1
    robust = QUICK.search(given, generator()).image
    fragile = _plain_pgd(given)
    assert given.measure(robust, held).share > 0.9
    assert given.measure(robust, held).share > given.measure(fragile, held).share + 0.2


def _plain_pgd(given: PhysicalProblem) -> torch.Tensor:
    """The same steps on the prepared picture, without a capture in between, stopped when it is misread."""
    clean = given.draw(1, 1, 0.0, generator())
    x = given.picture
    for _ in range(40):
        if given.measure(given.settled(x), clean).share == 1.0:
            break
        x = eot._moved(given, x, eot.gradient_over(given, x, clean), 0.1)
    return given.settled(x)


def test_a_target_is_reached() -> None:
    given = problem(goal=Targeted(2), eps=48 / 255)
    held = given.draw(6, 8, 1.0, generator(99))
    assert given.measure(QUICK.search(given, generator()).image, held).share > 0.9


def test_the_best_is_kept_not_the_last() -> None:
    """Steps that leap across the ball and back are worse than one on the way; what is kept never falls."""
    wild = EotPgd(steps=12, draws=4, clips=1, step_size=2.0, select_every=1, select_clips=4, momentum=0.0)
    given = problem()
    seen: list[tuple[torch.Tensor, Measured]] = []
    whole = PhysicalProblem.measure

    def watching(self: PhysicalProblem, picture: torch.Tensor, clips: tuple[Clip, ...]) -> Measured:
        seen.append((picture, whole(self, picture, clips)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PhysicalProblem, "measure", watching)
        found = wild.search(given, generator(1))
    assert len(seen) == 13  # the clean picture and every step
    assert not any(measured.better_than(found.selection) for _, measured in seen)
    assert torch.equal(seen[found.step][0], found.image)
    assert found.step < 12, "choose another seed: this one cannot tell the best from the last"


def test_a_search_that_finds_nothing_returns_the_clean_picture() -> None:
    class Stubborn(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[5.0, 0.0, 0.0]]) + 0 * x.mean((1, 2, 3))[:, None]

    given = problem(Stubborn())
    found = QUICK.search(given, generator())
    assert (found.step, found.zero_gradients) == (0, QUICK.steps)
    assert torch.equal(found.image, given.picture)


def test_gradients_that_are_not_finite_are_counted_and_do_not_spread() -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x.mean((1, 2, 3)).log(), (x.mean((1, 2, 3)) - 9).sqrt(), x[:, 0, 0, 0]], 1)

    found = QUICK.search(problem(Broken()), generator())
    assert found.broken_gradients == QUICK.steps
    assert found.image.isfinite().all()
    assert sum(found.selection.hits) == 0


def test_progress_counts_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    EotPgd(steps=3, draws=2).search(problem(), generator(), progress=lambda *args: told.append(args))
    assert told == [("physical witness", done, 3) for done in (1, 2, 3)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "at least 1 each"),
        ({"draws": 1, "clips": 2}, "one frame per clip"),
        ({"step_size": float("nan")}, "step_size lies in"),
        ({"momentum": 1.0}, "momentum in"),
        ({"ramp": -0.1}, "ramp in"),
    ],
)
def test_refuses_options_that_make_no_search(options: dict[str, float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        EotPgd(**options)  # type: ignore[arg-type]
