from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import pytest
import torch
from torch import Tensor, nn

from misread.errors import ModelError
from misread.export.twin import count_classes, make_twin
from tests.export.nets import Tiny, tiny


class Answering(nn.Module):
    """Returns whatever the test says."""

    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        return self.answer(images)


def images(count: int = 2) -> Tensor:
    return torch.rand((count, 3, 16, 16), generator=torch.Generator().manual_seed(1))


def test_the_twin_reads_as_the_module_does_in_eval_mode() -> None:
    module = tiny()
    assert torch.equal(make_twin(module)(images()), module.eval()(images()))


def test_the_module_stays_as_found() -> None:
    module = tiny()
    module.conv.weight.grad = torch.ones_like(module.conv.weight)
    module.linear.weight.requires_grad = False
    before = {name: value.clone() for name, value in module.state_dict().items()}
    twin = make_twin(module)
    twin(images())
    assert module.training
    assert module.conv.weight.grad is not None
    assert module.conv.weight.requires_grad
    assert not module.linear.weight.requires_grad
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    with torch.no_grad():
        module.conv.weight.zero_()
    assert twin.state_dict()["body.conv.weight"].abs().sum() > 0


def test_the_twin_is_frozen_and_the_image_is_not() -> None:
    twin = make_twin(tiny())
    given = images().requires_grad_()
    (gradient,) = torch.autograd.grad(twin(given).sum(), given)
    assert gradient.abs().sum() > 0
    assert not twin.training
    assert not any(parameter.requires_grad for parameter in twin.parameters())


def test_mean_std_and_order_in_closed_form() -> None:
    module = Answering(lambda x: x.mean((2, 3)))
    given = images(1)
    twin = make_twin(module, mean=(0.1, 0.2, 0.3), std=(2.0, 4.0, 8.0), bgr=True)
    red, green, blue = given.mean((2, 3))[0]
    expected = torch.stack([(blue - 0.1) / 2, (green - 0.2) / 4, (red - 0.3) / 8])
    assert torch.allclose(twin(given)[0], expected, atol=1e-6)


def test_a_half_precision_module_becomes_float32() -> None:
    module = tiny().half()
    assert make_twin(module)(images()).dtype == torch.float32
    assert module.conv.weight.dtype == torch.float16


def test_the_first_of_a_tuple_is_taken() -> None:
    twin = make_twin(Answering(lambda x: (x.mean((2, 3)), "features")))
    assert twin(images()).shape == (2, 3)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: {"logits": x}, "returns a dict"),
        (lambda x: (), "returns a tuple"),
        (lambda x: x, "returns shape (2, 3, 16, 16)"),
    ],
)
def test_what_is_no_tensor_of_logits_is_refused(answer: Callable[[Tensor], object], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        make_twin(Answering(answer))(images())
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x.mean((1, 2, 3))[:, None], r"gives \(2, 1\)"),
        (lambda x: x.mean((2, 3))[:1], r"gives \(1, 3\)"),
        (lambda x: x.mean((2, 3)) / 0, "not finite"),
        (lambda x: x.mean((2, 3)) @ torch.ones(7, 7), r"cannot read an input of shape \(2, 3, 16, 16\)"),
        (lambda x: [], "returns a list"),
    ],
)
def test_classes_are_measured_and_nonsense_refused(answer: Callable[[Tensor], object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        count_classes(make_twin(Answering(answer)), channels=3, size_hw=(16, 16))


def test_classes_are_counted_without_touching_the_random_state() -> None:
    def noisy(x: Tensor) -> Tensor:
        return x.mean((2, 3)) + torch.rand(3)

    before = torch.get_rng_state()
    assert count_classes(make_twin(Answering(noisy)), channels=3, size_hw=(16, 16)) == 3
    assert torch.equal(before, torch.get_rng_state())
    assert count_classes(make_twin(Tiny(9)), channels=3, size_hw=(16, 16)) == 9


def test_a_module_that_cannot_be_copied_is_refused() -> None:
    module = tiny()
    module.lock = Lock()  # type: ignore[assignment]
    with pytest.raises(ModelError, match="cannot be copied"):
        make_twin(module)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ModelError, match="got a function"):
        make_twin(lambda x: x)  # type: ignore[arg-type]
