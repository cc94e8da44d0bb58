from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from misread.attack.base import Norm, Outcome, Threat, execute
from misread.attack.gradient import apgd
from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.gradient.autostep import Runs, checkpoints
from misread.attack.objective import LOSSES
from misread.attack.selftest.oracle import Instance, two_class
from misread.errors import OptionError, UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.attack.base import Attack


@pytest.mark.parametrize("options", [{"steps": 0}, {"restarts": 0}, {"steps": math.nan}])
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="got"):
        Apgd(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"steps": 0}, {"targets": 0}, {"looked_at": 0}])
def test_nonsense_is_refused_with_targets(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="got"):
        ApgdTargeted(**options)


def test_an_unknown_loss_is_suggested() -> None:
    with pytest.raises(UnknownName, match="margin"):
        Apgd(loss="margn")


def test_the_ratio_needs_three_classes(generator: torch.Generator) -> None:
    instance = two_class(5.0)
    with pytest.raises(OptionError, match="needs 3 classes"):
        execute(
            Apgd(loss="dlr"),
            instance.model(),
            instance.images,
            instance.labels,
            threat=Threat(eps=8 / 255),
            generator=generator,
        )


@pytest.mark.parametrize(
    ("steps", "places"),
    [
        (100, [22, 41, 57, 70, 80, 87, 93, 99]),
        (1000, [220, 410, 570, 700, 800, 870, 930, 990]),
        (40, [9, 17, 23, 28, 32, 35, 38, 40]),
        (5, [2, 3, 4, 5]),
        (1, [1]),
    ],
)
def test_checkpoints_are_those_of_the_paper(steps: int, places: list[int]) -> None:
    """Intervals of 22, 19, 16, 13, 10, 7, 6, 6 %, each place rounded up."""
    assert list(checkpoints(steps)) == places
    assert list(checkpoints(steps).values()) == np.diff([0, *places]).tolist()


def _one(**changed: object) -> Runs:
    """A run whose loss fell from 5 to 3 since the last look back, with a better point behind it."""
    image = torch.zeros(1, 1, 1, 1)
    run = Runs.start(image, torch.tensor([5.0]), image, 0.5)
    run.place, run.delta, run.before, run.gradient = torch.tensor([0]), image + 2, image + 1, image + 20
    run.best, run.best_gradient, run.best_value = image + 7, image + 70, torch.tensor([3.0])
    run.value, run.checked = torch.tensor([4.0]), torch.tensor([5.0])
    for name, value in changed.items():
        setattr(run, name, torch.tensor([value]))
    return run


@pytest.mark.parametrize(
    ("length", "improved", "checked", "halved_before", "halved_now"),
    [
        (8, 7, 5.0, False, False),  # more than three quarters of the steps improved, and the best did
        (8, 6, 5.0, False, True),  # exactly three quarters: not more
        (22, 17, 5.0, False, False),
        (22, 16, 5.0, False, True),
        (8, 7, 3.0, False, True),  # neither step nor best has changed
        (8, 7, 3.0, True, False),  # the step has
        (8, 6, 3.0, True, True),  # the first rule does not ask about that
    ],
)
def test_the_step_halves_exactly_when_the_paper_says(
    length: int, improved: int, checked: float, halved_before: bool, halved_now: bool
) -> None:
    run = _one(improved=improved, checked=checked, halved=halved_before)
    run.look_back(length)
    assert run.halved.tolist() == [halved_now]
    assert run.step.tolist() == [[0.25 if halved_now else 0.5]]
    state = (run.delta, run.before, run.gradient, run.value)
    assert [entry.item() for entry in state] == ([7, 7, 70, 3] if halved_now else [2, 1, 20, 4])
    assert (run.checked.item(), run.improved.item()) == (3, 0)


def test_only_strict_improvements_count() -> None:
    run = _one(improved=0, value=4.0)
    for value, improved, best in ((4.0, 0, 3.0), (3.5, 1, 3.0), (3.6, 1, 3.0), (2.0, 2, 2.0), (math.nan, 2, 2.0)):
        run.score(torch.tensor([value]), run.gradient)
        assert (run.improved.item(), run.best_value.item()) == (improved, best)
    assert run.best.item() == 2  # the point of the 2.0, and not that of the NaN


class Valley:
    """Logits (0, -1 - sum a (x - c)^2): never misread, and steep enough to overshoot. It keeps what it was asked."""

    factor = np.array([1.0, 30.0, 4.0])
    centre = np.array([0.62, 0.513, 0.44])

    def __init__(self) -> None:
        self.asked: list[list[float]] = []

    def __call__(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        self.asked.append(flat[0].tolist())
        low = -1 - (torch.from_numpy(self.factor) * (flat - torch.from_numpy(self.centre)).square()).sum(1)
        return torch.stack([torch.zeros_like(low), low], 1)

    def loss(self, x: NDArray[np.float64]) -> float:
        return float((self.factor * (x - self.centre) ** 2).sum())

    def slope(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        gradient: NDArray[np.float64] = 2 * self.factor * (x - self.centre)
        return gradient


def _published(model: Valley, norm: str, eps: float, steps: int, looks: list[int]) -> list[NDArray[np.float64]]:
    """Algorithm 1 of the paper, for one image, written from the paper alone; momentum starts anew after a restart."""

    def project(x: NDArray[np.float64]) -> NDArray[np.float64]:
        delta = x - 0.5
        return 0.5 + (
            np.clip(delta, -eps, eps) if norm == "linf" else delta * min(1.0, eps / float(np.linalg.norm(delta)))
        )

    def unit(g: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign(g) if norm == "linf" else g / np.linalg.norm(g)

    points, losses = [np.full(3, 0.5)], [model.loss(np.full(3, 0.5))]
    x, before, best, top, step = points[0], points[0], points[0], losses[0], 2 * eps
    count, last, last_top, reduced = 0, 0, losses[0], False
    for number in range(1, steps + 1):
        z = project(x - step * unit(model.slope(x)))
        a = 1.0 if number == 1 else 0.75
        new = project(x + a * (z - x) + (1 - a) * (x - before))
        count += model.loss(new) < model.loss(x)
        before, x = x, new
        points.append(x)
        if model.loss(x) < top:
            best, top = x, model.loss(x)
        if number in looks:
            unmoved = not reduced and last_top == top
            reduced = count <= 0.75 * (number - last) or unmoved
            if reduced:
                step, x, before = step / 2, best, best
            count, last, last_top = 0, number, top
    return points


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.2), ("l2", 0.2), ("linf", 0.05)])
def test_the_points_are_those_of_the_paper(norm: Norm, eps: float, generator: torch.Generator) -> None:
    model, steps = Valley(), 40
    execute(
        Apgd(steps=steps),
        model,
        torch.full((1, 1, 1, 3), 0.5, dtype=torch.float64),
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm=norm, eps=eps, levels=None),
        generator=generator,
    )
    expected = _published(model, norm, eps, steps, [9, 17, 23, 28, 32, 35, 38, 40])
    assert np.allclose(model.asked[1 : steps + 2], expected, atol=1e-9)


def _run(attack: Attack, instance: Instance, row: int, norm: Norm, eps: float, *, scale: float = 3.0) -> Outcome:
    return execute(
        attack,
        instance.model(scale),
        instance.images[row : row + 1],
        instance.labels[row : row + 1],
        threat=Threat(norm=norm, eps=eps, levels=None),
        generator=torch.Generator().manual_seed(1),
    )


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
def test_with_targets_all_is_found_inside_and_nothing_outside(
    scale: float, norm: Norm, instance: Instance, optima: dict[str, Tensor]
) -> None:
    for row, size in enumerate(optima[norm].tolist()):
        assert _run(ApgdTargeted(), instance, row, norm, size * 1.02, scale=scale).found == 1, f"image {row}"
        if row % 4 == 0:
            assert _run(ApgdTargeted(steps=20), instance, row, norm, size * 0.98, scale=scale).found == 0, (
                f"image {row}"
            )


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_walk_finds_the_way_by_itself(
    norm: Norm, monkeypatch: pytest.MonkeyPatch, instance: Instance, optima: dict[str, Tensor]
) -> None:
    """From the clean image: for a linear model, the start at the boundary is the answer already."""
    monkeypatch.setattr(apgd, "inside", lambda _, delta, *__: torch.zeros_like(delta))
    for row in range(0, 64, 3):
        outcome = _run(ApgdTargeted(), instance, row, norm, float(optima[norm][row]) * 1.02)
        assert outcome.found == 1, f"image {row}"
        assert outcome.backwards.item() > 18


@pytest.mark.parametrize("loss", [loss.name for loss in LOSSES])
def test_every_loss_works(loss: str, grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        Apgd(loss=loss),
        grid_instance.model(30.0),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=20 / 255),
        generator=generator,
    )
    assert outcome.found == 24


def test_the_last_point_is_scored(generator: torch.Generator) -> None:
    instance = two_class(5.0)
    outcome = execute(
        Apgd(steps=1),
        instance.model(),
        instance.images,
        instance.labels,
        threat=Threat(eps=8 / 255),
        generator=generator,
    )
    assert (outcome.found, outcome.backwards.tolist(), outcome.forwards.tolist()) == (1, [1], [2])


def test_on_the_grid_the_best_point_is_asked_too(generator: torch.Generator) -> None:
    """The walk passes 125.4 levels and ends near 127; only 125 is misread, and only rounding gets there."""

    def model(x: Tensor) -> Tensor:
        level = 255 * x.flatten(1).mean(1)
        low = -1 - (level - 126.4).square()
        return torch.stack([torch.zeros_like(level), torch.where((level - 125).abs() < 0.01, 1.0, low)], 1)

    images = torch.full((1, 1, 1, 1), 128 / 255)
    outcome = execute(
        Apgd(steps=4, restarts=2),
        model,
        images,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=7 / 255),
        generator=generator,
    )
    assert (outcome.images * 255).round().flatten().tolist() == [125]
    assert outcome.backwards.tolist() == [4]


@pytest.mark.parametrize("random_start", [False, True])
def test_starts_are_random_inside_ball_and_mask(random_start: bool, generator: torch.Generator) -> None:
    """A model with no gradient leaves every run where it began."""
    asked: list[Tensor] = []

    def flat(x: Tensor) -> Tensor:
        if x.requires_grad:
            asked.append(x.detach().clone())
        return torch.tensor([[1.0, 0.0]]) + 0 * x.sum((1, 2, 3))[:, None]

    images = torch.full((1, 1, 4, 4), 128 / 255)
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[0] = True
    execute(
        Apgd(steps=1, restarts=3, random_start=random_start),
        flat,
        images,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=16 / 255),
        mask=mask,
        generator=generator,
    )
    starts = [(x - images)[0, 0] for x in asked]
    assert len(starts) == 3
    assert bool(starts[0].any()) is random_start
    assert len({tuple(start[0].tolist()) for start in starts}) == 3
    assert all(not start[1:].any() and start.abs().max() <= 16 / 255 + 1e-6 for start in starts)


def test_all_runs_of_a_finished_image_leave_the_batch(grid_instance: Instance, generator: torch.Generator) -> None:
    """Nine runs each; a pass with gradients never holds more than those of the images that stand."""
    sizes: list[int] = []
    classifier = grid_instance.model()

    def model(x: Tensor) -> Tensor:
        if x.requires_grad:
            sizes.append(len(x))
        logits: Tensor = classifier(x)
        return logits

    outcome = execute(
        ApgdTargeted(steps=5),
        model,
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=9 / 255),
        generator=generator,
    )
    assert 0 < outcome.found < 24
    assert sizes[:2] == [9 * 24, 9 * 24]
    assert sizes[-1] == 9 * (24 - outcome.found)
    assert sum(sizes) == int(outcome.backwards.sum())
    assert outcome.backwards[outcome.success].max() < 9 * 6
    assert set(outcome.backwards[~outcome.success].tolist()) == {9 * 6}


@pytest.mark.parametrize("attack", [Apgd(steps=20), ApgdTargeted(steps=20)], ids=lambda attack: attack.name)
def test_runs_keep_their_own_goal_when_others_leave(
    attack: Attack, grid_instance: Instance, generator: torch.Generator
) -> None:
    asked: list[Tensor] = []
    classifier = grid_instance.model().double()

    def model(x: Tensor) -> Tensor:
        if x.requires_grad:
            asked.append(x.detach().clone())
        logits: Tensor = classifier(x)
        return logits

    def run(rows: Tensor) -> Outcome:
        images, labels = grid_instance.images[rows].double(), grid_instance.labels[rows]
        return execute(attack, model, images, labels, threat=Threat(eps=9 / 255), generator=generator)

    together = run(torch.arange(12))
    in_company = asked[-1]
    assert not together.success.all()
    assert together.success[: int(together.success.sum())].any()  # one that leaves stands before one that stays
    run((~together.success).nonzero().flatten())
    assert torch.allclose(in_company, asked[-1], atol=1e-9)


def test_the_size_of_the_batches_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, grid_instance: Instance, generator: torch.Generator
) -> None:
    found = []
    for values in (1, apgd.BATCH_VALUES):
        monkeypatch.setattr(apgd, "BATCH_VALUES", values)
        outcome = execute(
            ApgdTargeted(steps=5),
            grid_instance.model().double(),
            grid_instance.images[:6].double(),
            grid_instance.labels[:6],
            threat=Threat(eps=9 / 255),
            generator=generator,
        )
        found.append(outcome.images)
    assert torch.equal(*found)


@pytest.mark.parametrize("attack", [Apgd(steps=30), ApgdTargeted(steps=30)], ids=lambda attack: attack.name)
@pytest.mark.parametrize("factor", [0.0, math.nan])
def test_a_model_without_a_usable_gradient_breaks_nothing(
    attack: Attack, factor: float, generator: torch.Generator
) -> None:
    """Constant logits, or logits that are NaN anywhere but at the clean image."""
    images = torch.full((1, 1, 2, 2), 128 / 255)

    def model(x: Tensor) -> Tensor:
        away = (x - images).abs().sum((1, 2, 3))
        return torch.tensor([[1.0, 0.0]]) + torch.where(away > 0, factor * away, 0 * away)[:, None]

    outcome = execute(
        attack, model, images, torch.zeros(1, dtype=torch.int64), threat=Threat(eps=8 / 255), generator=generator
    )
    assert (outcome.found, outcome.attempted) == (0, 1)
    assert torch.equal(outcome.images, images)
    assert outcome.zero_gradients.item() >= 30
