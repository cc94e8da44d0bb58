"""Reading and changing a traced module: what a node computes, whether it calls a layer, a function or an operator."""

from __future__ import annotations

import copy
import warnings
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node, symbolic_trace
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
_LAYERS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_ATEN: Final = torch.ops.aten
_CONVOLUTIONS: Final[dict[Any, Any]] = {
    functional.conv1d: nn.Conv1d,
    functional.conv2d: nn.Conv2d,
    functional.conv3d: nn.Conv3d,
    _ATEN.conv1d.default: nn.Conv1d,
    _ATEN.conv2d.default: nn.Conv2d,
    _ATEN.conv3d.default: nn.Conv3d,
}
_LINEAR: Final = (functional.linear, _ATEN.linear.default)
_RELU: Final = (functional.relu, torch.relu, torch.relu_, _ATEN.relu.default, _ATEN.relu_.default)
_MAX_POOL: Final = (functional.max_pool2d, torch.max_pool2d, _ATEN.max_pool2d.default)


def traced(module: nn.Module) -> nn.Module:
    """Write a module as a graph, or, where it cannot be traced, those of its parts that can.

    Args:
        module: Given away: parts of it are replaced and used on.

    Returns:
        The module itself with other parts inside, or a `GraphModule` in its place.
    """
    graph = _trace(module)
    if graph is not None:
        return graph
    for name, child in module.named_children():
        if not type(child).__module__.startswith("torch.nn.modules") or isinstance(child, nn.Sequential):
            setattr(module, name, traced(child))
    return module


def graphs(module: nn.Module) -> Iterator[GraphModule]:
    """All graphs in a module, itself first."""
    yield from (part for part in module.modules() if isinstance(part, GraphModule))


def layer_of(graph: GraphModule, node: object) -> Layer | None:
    """The convolution or linear layer that a node computes with constant weights, as a layer of its own, or None."""
    if not isinstance(node, Node):
        return None
    if node.op == "call_module":
        called = graph.get_submodule(str(node.target))
        return copy.deepcopy(called) if isinstance(called, _LAYERS) and _plain(called, _LAYERS) else None
    if node.op != "call_function" or (node.target not in _CONVOLUTIONS and node.target not in _LINEAR):
        return None
    said = arguments(node, "input", "weight", "bias", "stride", "padding", "dilation", "groups")
    weight, bias = _constant(graph, said["weight"]), _constant(graph, said["bias"])
    if weight is None or (said["bias"] is not None and bias is None):
        return None
    if node.target in _LINEAR:
        return with_weights(nn.Linear(weight.shape[1], weight.shape[0], device="meta"), weight, bias)
    kind, names = _CONVOLUTIONS[node.target], ("stride", "padding", "dilation", "groups")
    given = {name: said[name] for name in names if said[name] is not None}
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    groups = options.get("groups", 1)
    layer: Layer = kind(weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]), device="meta", **options)
    return with_weights(layer, weight, bias)


def with_weights(layer: Layer, weight: Tensor, bias: Tensor | None) -> Layer:
    """Give a layer frozen weights."""
    layer.weight = nn.Parameter(weight.detach(), requires_grad=False)
    layer.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
    return layer


def norm_of(graph: GraphModule, node: Node) -> tuple[Tensor, Tensor] | None:
    """What a batch norm of fixed statistics multiplies by and adds, (c,) float64 each; None for any other node."""
    if node.op == "call_module":
        called = graph.get_submodule(str(node.target))
        if not isinstance(called, _NORMS) or not _plain(called, _NORMS) or called.training:
            return None
        return _affine(called.running_mean, called.running_var, called.weight, called.bias, called.eps)
    if node.op != "call_function":
        return None
    if node.target is functional.batch_norm:
        names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    elif node.target in {torch.batch_norm, _ATEN.batch_norm.default}:
        names = ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")
    else:
        return None
    said = arguments(node, *names)
    weight, bias = _constant(graph, said["weight"]), _constant(graph, said["bias"])
    unknown = (weight is None, bias is None) != (said["weight"] is None, said["bias"] is None)
    if said["training"] or unknown:
        return None
    mean, variance = _constant(graph, said["running_mean"]), _constant(graph, said["running_var"])
    return _affine(mean, variance, weight, bias, 1e-5 if said["eps"] is None else said["eps"])


def is_relu(graph: GraphModule, node: object) -> bool:
    """Whether a node is max(x, 0)."""
    if not isinstance(node, Node):
        return False
    if node.op == "call_module":
        return _plain(graph.get_submodule(str(node.target)), (nn.ReLU,))
    return (node.op == "call_function" and node.target in _RELU) or (
        node.op == "call_method" and node.target in {"relu", "relu_"}
    )


def is_max_pool(graph: GraphModule, node: Node) -> bool:
    """Whether a node is a two-dimensional max pool that returns the values alone."""
    if node.op == "call_module":
        called = graph.get_submodule(str(node.target))
        return isinstance(called, nn.MaxPool2d) and _plain(called, (nn.MaxPool2d,)) and not called.return_indices
    return node.op == "call_function" and node.target in _MAX_POOL and not node.kwargs.get("return_indices")


def arguments(node: Node, *names: str) -> dict[str, Any]:
    """Arguments of a node by name; None for those left out."""
    said = dict.fromkeys(names) | dict(zip(names, node.args, strict=False))
    return said | {name: value for name, value in node.kwargs.items() if name in said}


def put(graph: GraphModule, node: Node, module: nn.Module, source: Node) -> None:
    """Let `module`, called with `source`, stand where `node` stood; `node` is left without users and erased."""
    name = _added(graph, module)
    with graph.graph.inserting_before(node):
        new = graph.graph.call_module(name, (source,))
    node.replace_all_uses_with(new)
    graph.graph.erase_node(node)


def put_behind(graph: GraphModule, node: Node, module: nn.Module) -> None:
    """Let `module` be called with what `node` gives, and all users of `node` take what comes of that."""
    name = _added(graph, module)
    with graph.graph.inserting_after(node):
        new = graph.graph.call_module(name, (node,))
    node.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)


def _trace(module: nn.Module) -> GraphModule | None:
    """The module as a graph, or None where it cannot be followed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return symbolic_trace(module)
    except Exception:  # noqa: BLE001  a user's forward may raise anything when it is given no numbers
        return None


def _added(graph: GraphModule, module: nn.Module) -> str:
    number = 0
    while hasattr(graph, f"rewritten_{number}"):
        number += 1
    graph.add_submodule(f"rewritten_{number}", module)
    return f"rewritten_{number}"


def _plain(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Exactly of such a kind, which parametrised and derived layers are not, and with no hook that changes more."""
    return type(module) in kinds and not module._forward_hooks and not module._forward_pre_hooks  # noqa: SLF001


def _constant(graph: GraphModule, node: object) -> Tensor | None:
    if isinstance(node, Node) and node.op == "get_attr":
        value = attrgetter(str(node.target))(graph)
        return value if isinstance(value, Tensor) else None
    return None


def _affine(
    mean: Tensor | None, variance: Tensor | None, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor] | None:
    if mean is None or variance is None:
        return None
    scale = (variance.detach().double() + eps).rsqrt()
    scale = scale if weight is None else scale * weight.detach().double()
    shift = -mean.detach().double() * scale
    return scale, shift if bias is None else shift + bias.detach().double()
