"""Rewrites change what is done, never what comes out; one that does is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from misread.attack.speed import rewrite as rewrites
from misread.attack.speed.rewrite import REWRITES, Rewrite, rewritten
from misread.attack.speed.rewrite.graph import graphs, traced
from misread.attack.speed.rewrite.thin import ThinConvolution
from misread.attack.speed.same import Reference, answer_of
from misread.export.quiet import quiet
from misread.export.twin import make_twin

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch.fx import GraphModule

FOLD, POOL, THIN = REWRITES


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    """A module with random weights and random statistics in its norms, in eval mode."""
    with torch.random.fork_rng():
        module = make()
    random = torch.Generator().manual_seed(0)
    for weight in module.parameters():
        nn.init.normal_(weight, std=0.3, generator=random)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_var is not None:
            assert part.running_mean is not None
            nn.init.normal_(part.running_mean, generator=random)
            nn.init.uniform_(part.running_var, 0.5, 2, generator=random)
    return module.eval()


def pictures(planes: int = 3, size: int = 12) -> Tensor:
    return torch.rand(2, planes, size, size, generator=torch.Generator().manual_seed(1))


def done(module: nn.Module, sample: Tensor) -> tuple[nn.Module, tuple[str, ...]]:
    """Rewrite, and see that the answers stay."""
    got, notes = rewritten(module, Reference(module, sample))
    expected, found = answer_of(module, sample), answer_of(got, sample)
    assert torch.allclose(expected.logits, found.logits, rtol=1e-4, atol=1e-5)
    assert torch.allclose(expected.gradient, found.gradient, rtol=1e-3, atol=1e-5)
    return got, notes


def norms_in(module: nn.Module) -> int:
    """Batch norms that still run."""
    left = sum("batch_norm" in str(node.target) for graph in graphs(module) for node in graph.graph.nodes)
    return left + sum(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules())


class Functional(nn.Module):
    """A network that keeps its weights itself and calls functions."""

    def __init__(self, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.bias = nn.Parameter(torch.randn(8)) if bias else None
        self.norm = nn.BatchNorm2d(8, affine=bias)
        self.head = nn.Linear(8 * 3 * 3, 4)
        self.last = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.conv2d(x, self.weight, self.bias, stride=2, padding=1)
        n = self.norm
        y = functional.batch_norm(y, n.running_mean, n.running_var, n.weight, n.bias, self.training, 0.1, n.eps)
        y = functional.max_pool2d(torch.relu(y), 2)
        return self.last(functional.linear(y.flatten(1), self.head.weight, self.head.bias))  # type: ignore[no-any-return]


class Skip(nn.Module):
    """The convolution's output is used twice, so its norm must stay."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return (self.norm(y) + y).mean((2, 3))  # type: ignore[no-any-return]


class Branching(nn.Module):
    """Looks at numbers, so it cannot be traced; its block can."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x) if bool(x.max() < 2) else x
        return y.mean((2, 3))


def test_norms_are_folded_into_layers() -> None:
    def make() -> nn.Module:
        first = [nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()]
        second = [nn.Conv2d(6, 6, 3, groups=3, padding_mode="circular", padding=1), nn.BatchNorm2d(6, affine=False)]
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(216, 5), nn.BatchNorm1d(5))

    module = seeded(make)
    got, notes = done(module, pictures())
    assert notes == (f"{FOLD.name}: 3",)
    assert norms_in(got) == 0
    assert norms_in(module) == 3  # the original keeps its own


@pytest.mark.parametrize("bias", [True, False])
def test_functions_are_read_as_layers_are(bias: bool) -> None:
    got, notes = done(seeded(lambda: Functional(bias=bias)), pictures())
    assert notes == (f"{FOLD.name}: 2", f"{POOL.name}: 1")
    assert norms_in(got) == 0


@pytest.mark.slow
def test_an_exported_program_is_read_too() -> None:
    module = seeded(Functional)
    with quiet():  # copying an exported program warns of what torch itself will drop
        program = torch.export.export(module, (pictures(),)).module()
        got, notes = rewritten(program, Reference(program, pictures()))
    assert notes == (f"{FOLD.name}: 2", f"{POOL.name}: 1")
    assert torch.allclose(got(pictures()), module(pictures()), atol=1e-5)


def test_what_cannot_be_traced_is_rewritten_in_its_parts() -> None:
    got, notes = done(seeded(Branching), pictures())
    assert notes == (f"{FOLD.name}: 1", f"{POOL.name}: 1")
    assert type(got) is Branching


def test_a_twin_is_rewritten_inside() -> None:
    _, notes = done(make_twin(seeded(Functional), mean=(0.4,), std=(0.2,)), pictures())
    assert len(notes) == 2


def hooked() -> nn.Module:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    module[0].register_forward_hook(lambda _module, _args, output: output * 2)
    return module


def normed_weight() -> nn.Module:
    return nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.Flatten())


def of_the_batch() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Flatten())


def alone() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Flatten())


@pytest.mark.parametrize("make", [Skip, hooked, normed_weight, of_the_batch, alone])
def test_norms_that_belong_to_no_layer_stay(make: Callable[[], nn.Module]) -> None:
    module = seeded(make)
    got, notes = done(module, pictures())
    assert (got, notes) == (module, ())


def test_a_function_that_normalises_by_its_batch_is_left_alone() -> None:
    class Training(Functional):
        def forward(self, x: Tensor) -> Tensor:
            y = functional.conv2d(x, self.weight)
            return functional.batch_norm(y, None, None, training=True).mean((2, 3))

    assert done(seeded(Training), pictures())[1] == ()


def test_a_pool_goes_first_with_the_same_gradients_where_values_tie() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2, padding=1), nn.Flatten()))
    got, notes = done(module, pictures(1))
    assert notes[0] == f"{POOL.name}: 1"
    kinds = [str(node.target) for node in next(graphs(got)).graph.nodes]
    assert kinds.index("2") < kinds.index("rewritten_0")
    flat = (torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(2)) * 3).floor() / 2
    assert torch.equal(answer_of(got, flat).gradient, answer_of(module, flat).gradient)


def test_a_relu_that_others_use_too_stays() -> None:
    class Twice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = functional.relu(x - 0.5)
            return functional.max_pool2d(y, 2).flatten(1) + y.mean((1, 2, 3))[:, None]

    assert done(Twice(), pictures())[1] == ()


def test_a_pool_that_tells_its_indices_stays_behind() -> None:
    class Indices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool = nn.MaxPool2d(2, return_indices=True)

        def forward(self, x: Tensor) -> Tensor:
            values, _ = self.pool(functional.relu(x))
            return values.flatten(1)  # type: ignore[no-any-return]

    assert done(Indices(), pictures())[1] == ()


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [(3, 1, 0, 12), (3, 1, 1, 11), ((5, 3), (2, 1), (0, 2), 13), (7, 2, 3, 14), (2, 3, 0, 12), (1, 1, 0, 5)],
)
def test_a_thin_layers_gradient_is_the_convolutions(
    kernel: int | tuple[int, int], stride: int | tuple[int, int], padding: int | tuple[int, int], size: int
) -> None:
    with torch.random.fork_rng():
        layer = nn.Conv2d(2, 32, kernel, stride=stride, padding=padding, dtype=torch.float64)
    x = pictures(2, size).double()
    expected, got = (answer_of(nn.Sequential(one, nn.Flatten()), x) for one in (layer, ThinConvolution(layer)))
    assert torch.equal(expected.logits, got.logits)
    assert torch.allclose(expected.gradient, got.gradient, atol=1e-12)
    assert torch.equal(ThinConvolution(layer)(x.detach()), layer(x))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 32, 3),
        nn.Conv2d(2, 32, 3, groups=2),
        nn.Conv2d(2, 32, 3, dilation=2),
        nn.Conv2d(2, 32, 3, padding="same"),
        nn.Conv2d(2, 32, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(8, 256, 3),
    ],
    ids=["few filters", "groups", "dilation", "same", "reflect", "many planes"],
)
def test_other_layers_stay_convolutions(layer: nn.Conv2d) -> None:
    graph = traced(nn.Sequential(layer))
    assert [THIN.apply(one) for one in graphs(graph)] == [0]


def _doubling(graph: GraphModule) -> int:
    for parameter in graph.parameters():
        parameter.data.mul_(2)
    return 1


def _failing(graph: GraphModule) -> int:
    for name, _ in list(graph.named_parameters()):
        graph.get_submodule(name.split(".")[0]).weight = nn.Parameter(torch.zeros(1))
    return 1


def _reshaping(graph: GraphModule) -> int:
    for node in graph.graph.nodes:
        if node.op == "output":
            with graph.graph.inserting_before(node):
                node.args = (graph.graph.call_function(torch.sum, node.args),)
    return 1


def _nan(graph: GraphModule) -> int:
    for parameter in graph.parameters():
        parameter.data.fill_(torch.nan)
    return 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [(_doubling, "differ by"), (_failing, "fails with RuntimeError"), (_reshaping, "another shape"), (_nan, "nan")],
)
def test_a_rewrite_that_changes_the_answers_is_dropped(
    fault: Callable[[GraphModule], int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrites, "REWRITES", (Rewrite(name="planted", apply=fault), FOLD))
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten()))
    _, notes = done(module, pictures())
    assert notes[0].startswith("not planted: ")
    assert said in notes[0]
    assert notes[1] == f"{FOLD.name}: 1"


@pytest.mark.parametrize("name", ["mnist_trades", "cifar10_resnet20", "gtsrb_simplecnn"])
def test_real_networks_answer_as_before(name: str, zoo: ModuleType) -> None:
    module = getattr(zoo, name)()
    size = {"mnist_trades": (1, 28), "cifar10_resnet20": (3, 32), "gtsrb_simplecnn": (3, 32)}[name]
    _, notes = done(module, pictures(*size))
    assert notes
    assert not any(note.startswith("not") for note in notes)
