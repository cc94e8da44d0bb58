"""`execute` alone reports success; doubles stand in for attacks that do what they should not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from torch import Tensor, nn

from misread.attack.base import Kind, Model, Norm, Outcome, Problem, Targeted, Threat, execute
from misread.attack.gradient.pgd import Pgd
from misread.errors import InputError, ModelError, OptionError

if TYPE_CHECKING:
    from misread.attack.selftest.oracle import Instance


@dataclass(frozen=True)
class Double:
    """An attack made of a function."""

    function: Callable[[Problem], Tensor]
    kind: ClassVar[Kind] = "fixed"
    name: ClassVar[str] = "double"
    norms: ClassVar[tuple[Norm, ...]] = ("linf",)

    def propose(self, problem: Problem) -> Tensor:
        return self.function(problem)


class Bright(nn.Module):
    """Class 1 where the mean is above 100.5 levels; a parameter, a mode and a dropout that only shows in training."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.noise = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        bright = (self.noise(x).mean((1, 2, 3)) * 255 - 100.5) * self.gain
        return torch.stack([-bright, bright], 1)


IMAGES = torch.full((3, 3, 4, 4), 100 / 255)
LABELS = torch.zeros(3, dtype=torch.int64)


def _run(function: Callable[[Problem], Tensor], *, model: Model | None = None, eps: float = 2 / 255) -> Outcome:
    return execute(
        Double(function),
        model or Bright(),
        IMAGES,
        LABELS,
        threat=Threat(eps=eps),
        generator=torch.Generator().manual_seed(0),
    )


def test_a_proposal_is_measured_on_the_image_that_a_file_holds() -> None:
    """Above 100.2 levels all is misread, but a file holds 100 or 101: 0.4 more is no success, 0.6 more is."""
    real = torch.tensor([0.4, 0.4, 0.6]).view(3, 1, 1, 1) / 255

    def model(x: Tensor) -> Tensor:
        bright = x.mean((1, 2, 3)) * 255 - 100.2
        return torch.stack([-bright, bright], 1)

    assert model(IMAGES + real).argmax(1).tolist() == [1, 1, 1]
    outcome = _run(lambda problem: problem.images + real, model=model)
    assert outcome.success.tolist() == [False, False, True]


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_proposal_that_is_not_finite_is_none(poison: float) -> None:
    outcome = _run(lambda problem: torch.full_like(problem.images, poison))
    assert outcome.found == 0
    assert outcome.refused.tolist() == [1, 1, 1]
    assert torch.equal(outcome.images, IMAGES)


def test_logits_that_are_not_finite_are_no_success() -> None:
    def model(x: Tensor) -> Tensor:
        moved = (x.mean((1, 2, 3)) * 255 > 100.5)[:, None]
        return torch.where(moved, torch.tensor([math.nan, 0.0]), torch.tensor([1.0, 0.0]))

    outcome = execute(
        Double(lambda problem: problem.images + 2 / 255),
        model,
        IMAGES,
        LABELS,
        threat=Threat(eps=2 / 255),
        generator=torch.Generator(),
    )
    assert outcome.found == 0


def test_the_smallest_success_offered_is_kept() -> None:
    @dataclass(frozen=True)
    class Minimal(Double):
        kind: ClassVar[Kind] = "minimal"

    def offers(problem: Problem) -> Tensor:
        for levels in (9, 3, 1, 0, 5):
            problem.offer(problem.images + levels / 255, torch.arange(3))
        return problem.images + 20 / 255

    outcome = execute(Minimal(offers), Bright(), IMAGES, LABELS, threat=Threat(), generator=torch.Generator())
    assert (outcome.size * 255).tolist() == pytest.approx([1, 1, 1])
    assert outcome.forwards.tolist() == [6, 6, 6]


def test_several_offers_of_one_image_in_one_batch() -> None:
    def offers(problem: Problem) -> Tensor:
        rows = torch.tensor([1, 0, 1, 1])
        levels = torch.tensor([2.0, 2.0, 1.0, 2.0]).view(-1, 1, 1, 1)
        assert problem.offer(problem.images[rows] + levels / 255, rows).tolist() == [True] * 4
        assert problem.open().tolist() == [2]
        return problem.images

    outcome = _run(offers)
    assert (outcome.size * 255).tolist() == [2, 1, math.inf]
    assert outcome.forwards.tolist() == [1, 3, 1]


def test_known_logits_are_used_only_for_the_image_they_belong_to() -> None:
    lie = torch.tensor([[0.0, 9.0]]).expand(3, 2)

    def offers(problem: Problem) -> Tensor:
        assert problem.offer(problem.images + 0.4 / 255, torch.arange(3), logits=lie).tolist() == [False] * 3
        return problem.images

    assert _run(offers).found == 0


def test_an_offer_that_rounding_undoes_leaves_the_image_open() -> None:
    def model(x: Tensor) -> Tensor:
        bright = x.mean((1, 2, 3)) * 255 - 100.2
        return torch.stack([-bright, bright], 1)

    def offers(problem: Problem) -> Tensor:
        assert problem.offer(problem.images + 0.4 / 255, torch.arange(3)).tolist() == [False] * 3
        assert len(problem.open()) == 3
        return problem.images

    assert _run(offers, model=model).found == 0


def test_a_success_that_does_not_repeat_is_none() -> None:
    """The final pass decides, not what was offered along the way."""

    def lies(problem: Problem) -> Tensor:
        problem.offer(problem.images, torch.arange(3), logits=torch.tensor([[0.0, 1.0]] * 3))
        return problem.images

    outcome = _run(lies)
    assert outcome.found == 0


def test_already_misread_images_are_skipped_and_counted_apart() -> None:
    labels = torch.tensor([0, 1, 0])
    outcome = execute(
        Double(lambda problem: problem.images + 2 / 255),
        Bright(),
        IMAGES,
        labels,
        threat=Threat(eps=2 / 255),
        generator=torch.Generator(),
    )
    assert outcome.skipped.tolist() == [False, True, False]
    assert (outcome.attempted, outcome.found) == (2, 2)
    assert outcome.forwards.tolist() == [1, 0, 1]


def test_all_skipped_costs_nothing() -> None:
    outcome = execute(
        Double(lambda problem: pytest.fail("there is nothing to attack")),
        Bright(),
        IMAGES,
        LABELS + 1,
        threat=Threat(eps=2 / 255),
        generator=torch.Generator(),
    )
    assert (outcome.attempted, outcome.found) == (0, 0)


@pytest.mark.parametrize("fails", [False, True])
def test_model_and_randomness_are_left_as_found(fails: bool) -> None:
    model = Bright().train()
    model.noise.eval()
    model.gain.grad = torch.tensor(7.0)
    state = torch.get_rng_state()

    def propose(problem: Problem) -> Tensor:
        assert not model.training
        torch.rand(3)
        problem.gradient(problem.images, problem.open(), lambda logits, _: logits[:, 0])
        if fails:
            raise RuntimeError("planted")
        return problem.images + 2 / 255

    if fails:
        with pytest.raises(RuntimeError, match="planted"):
            _run(propose, model=model)
    else:
        assert _run(propose, model=model).found == 3
    assert (model.training, model.noise.training, model.gain.requires_grad) == (True, False, True)
    assert model.gain.grad is not None
    assert model.gain.grad.item() == 7.0
    assert torch.equal(state, torch.get_rng_state())


def test_zero_gradients_are_counted() -> None:
    def propose(problem: Problem) -> Tensor:
        problem.gradient(problem.images, problem.open(), lambda logits, _: logits[:, 0] * 0)
        return problem.images

    outcome = _run(propose)
    assert outcome.zero_gradients.tolist() == [1, 1, 1]
    assert outcome.backwards.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (IMAGES[0], LABELS[:1], "expected float images"),
        (IMAGES, LABELS[:2], "expected float images"),
        ((IMAGES * 255).to(torch.uint8), LABELS, "expected float images"),
        (IMAGES * 255, LABELS, "divide 8-bit values by 255"),
        (IMAGES * math.nan, LABELS, "must be finite"),
        (IMAGES + 0.4 / 255, LABELS, "256 levels"),
        (IMAGES, LABELS + 9, "the model has 2 classes"),
    ],
)
def test_wrong_input_is_refused(images: Tensor, labels: Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        execute(
            Double(lambda problem: problem.images),
            Bright(),
            images,
            labels,
            threat=Threat(eps=0.1),
            generator=torch.Generator(),
        )


def test_a_model_without_logits_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected logits .* got \(3, 3, 4, 4\)"):
        execute(
            Double(lambda problem: problem.images),
            lambda x: x,
            IMAGES,
            LABELS,
            threat=Threat(eps=0.1),
            generator=torch.Generator(),
        )


def test_a_norm_that_the_attack_does_not_know_is_refused() -> None:
    with pytest.raises(OptionError, match="attack double knows linf, got l2"):
        execute(
            Double(lambda problem: problem.images),
            Bright(),
            IMAGES,
            LABELS,
            threat=Threat(norm="l2", eps=0.1),
            generator=torch.Generator(),
        )


def test_a_target_that_does_not_exist_is_refused() -> None:
    with pytest.raises(OptionError, match="2 classes, 0 to 1"):
        execute(
            Double(lambda problem: problem.images),
            Bright(),
            IMAGES,
            LABELS,
            threat=Threat(eps=0.1),
            goal=Targeted(2),
            generator=torch.Generator(),
        )


def test_the_build_has_the_last_word(grid_instance: Instance) -> None:
    """A search goes on past what the model alone misreads, until the build agrees; else there is no success."""
    seen: list[int] = []
    model = grid_instance.model()
    weight = torch.from_numpy(grid_instance.weight).float()
    bias = torch.from_numpy(grid_instance.bias).float()

    def misread_by_more(images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        seen.extend(rows.tolist())
        logits = images.flatten(1) @ weight.T + bias
        own = logits.gather(1, grid_instance.labels[rows][:, None])[:, 0]
        return (logits.amax(1) - own > 0.2) & (rows != 7)

    outcome = execute(
        Pgd(),
        model,
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=0.1),
        generator=torch.Generator().manual_seed(0),
        confirm=misread_by_more,
    )
    assert outcome.success.tolist() == [row != 7 for row in range(24)]
    assert outcome.proposed.all()
    found = outcome.success.nonzero().flatten()
    assert misread_by_more(outcome.images[found], found).all()
    assert set(seen) == set(range(24))
