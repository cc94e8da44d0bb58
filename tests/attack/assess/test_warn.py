"""Each warning on a model made to deserve it, and none on a plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from misread.attack.assess.suite import StageTally
from misread.attack.assess.warn import look_after, look_before
from tests.attack.assess.linear import classifier

if TYPE_CHECKING:
    from collections.abc import Callable

INSTANCE = classifier()


class Around(nn.Module):
    """The linear classifier with something done to its input or its logits."""

    def __init__(self, logits: Callable[[Tensor, nn.Module], Tensor]) -> None:
        super().__init__()
        self.inner, self.logits = INSTANCE.model(3.0), logits

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x, self.inner)


def _adaptive(x: Tensor, inner: nn.Module) -> Tensor:
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(inner(point).logsumexp(1).sum(), point)
    result: Tensor = inner(x - 0.001 * gradient)
    return result


MODELS: dict[str, Callable[[Tensor, nn.Module], Tensor]] = {
    "random-model": lambda x, inner: inner(x + 0.01 * torch.rand_like(x)),
    "probabilities": lambda x, inner: inner(x).softmax(1),
    "gradient-in-forward": _adaptive,
    "clean-accuracy": lambda x, inner: inner(1 - x),
    "few-classes": lambda x, inner: inner(x)[:, :3],
    "zero-gradients": lambda x, inner: inner((x * 255).round() / 255),
    "saturation": lambda x, inner: 1000 * inner(x),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_deserves_it(name: str) -> None:
    images, labels = INSTANCE.images, INSTANCE.labels
    if name == "few-classes":
        kept = labels < 3
        images, labels = images[kept], labels[kept]
    found = {finding.name for finding in look_before(Around(MODELS[name]), images, labels)}
    assert name in found
    assert found <= {name, "saturation", "few-classes"}


def test_a_plain_model_gives_none() -> None:
    assert look_before(INSTANCE.model(), INSTANCE.images, INSTANCE.labels) == []


def test_a_model_without_any_gradient_is_said_to_block_it() -> None:
    model = Around(lambda x, inner: inner(x).detach())
    assert "zero-gradients" in {finding.name for finding in look_before(model, INSTANCE.images, INSTANCE.labels)}
    assert look_before(model, INSTANCE.images, INSTANCE.labels, gradients=False) == []


def test_torch_is_left_as_found() -> None:
    before = (torch.autograd.grad, torch.autograd.backward)
    with pytest.raises(ZeroDivisionError):
        look_before(Around(lambda x, inner: inner(x) * (1 // 0)), INSTANCE.images, INSTANCE.labels)
    assert (torch.autograd.grad, torch.autograd.backward) == before


def _tallies(**found: int) -> list[StageTally]:
    return [StageTally(name=name.replace("_", " "), attempted=1000, found=count) for name, count in found.items()]


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({"noise": 0, "apgd": 500, "square": 3}, "query-beats-gradients"),
        ({"noise": 0, "apgd": 500, "apgd_again": 3}, "few-restarts"),
        ({"noise": 60, "apgd": 40}, "noise"),
    ],
)
def test_the_course_of_the_suite_says_it(found: dict[str, int], name: str) -> None:
    assert [finding.name for finding in look_after(_tallies(**found), 1000)] == [name]


def test_two_in_a_thousand_are_no_warning() -> None:
    assert look_after(_tallies(noise=10, apgd=500, apgd_again=2, square=2), 1000) == []
