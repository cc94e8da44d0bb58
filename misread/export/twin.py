"""The twin: the frozen eval-mode copy of a classifier that is exported *and* attacked."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from misread.errors import ModelError
from misread.export.quiet import kept_randomness, quiet


@final
class Twin(nn.Module):
    """A classifier that maps (n, 3 or 1, h, w) float32 in [0, 1], RGB or grey, to logits (n, k) float32.

    Normalisation is inside. Parameters ask for no gradient; the image may.

    Attributes:
        body: the copied module, in eval mode.
        bgr: whether the body takes blue first.
    """

    mean: Tensor | None
    std: Tensor | None

    def __init__(
        self, body: nn.Module, *, mean: Sequence[float] = (), std: Sequence[float] = (), bgr: bool = False
    ) -> None:
        super().__init__()
        self.body, self.bgr = body, bgr
        self.register_buffer("mean", _per_channel(mean) if mean else None)
        self.register_buffer("std", _per_channel(std) if std else None)
        self.eval().requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, k) of `images` (n, c, h, w) in [0, 1].

        Raises:
            ModelError: the module returns something else than one (n, k) tensor, or a tuple that begins with one.
        """
        if self.bgr:
            images = images.flip(1)
        if self.mean is not None:
            images = images - self.mean
        if self.std is not None:
            images = images / self.std
        output = self.body(images)
        if isinstance(output, tuple | list) and output:
            output = output[0]
        if not isinstance(output, Tensor):
            message = f"a classifier returns one tensor of logits (n, k), this one returns a {type(output).__name__}"
            raise ModelError(message)
        if output.ndim != 2:
            message = f"a classifier returns logits (n, k), this one returns shape {tuple(output.shape)}"
            raise ModelError(message)
        return output


def make_twin(module: nn.Module, *, mean: Sequence[float] = (), std: Sequence[float] = (), bgr: bool = False) -> Twin:
    """Copy `module` into a twin; the module itself stays as it is.

    Args:
        module: takes (n, c, h, w) float32; in any mode, on any device.
        mean: subtracted from [0, 1] values first, one per channel; empty when the module normalises by itself.
        std: divided by next, likewise.
        bgr: the module takes blue first; mean and std are in its order.

    Raises:
        ModelError: not a torch module, or one that cannot be copied.
    """
    given: object = module  # a factory may return anything
    if not isinstance(given, nn.Module):
        message = f"a classifier is a torch.nn.Module, got a {type(given).__name__}; return the module itself"
        raise ModelError(message)
    try:
        with quiet():
            body = copy.deepcopy(given)
    except Exception as error:  # a module may hold anything: locks, handles, tensors inside a graph
        message = f"the module cannot be copied ({type(error).__name__}: {error}); detach what it stores in forward"
        raise ModelError(message) from error
    return Twin(body.to(device="cpu", dtype=torch.float32), mean=mean, std=std, bgr=bgr)


def count_classes(twin: Twin, *, channels: int, size_hw: tuple[int, int]) -> int:
    """Return k, measured by a forward pass of two grey pictures.

    Raises:
        ModelError: the pass fails, the answer is not (2, k) with k >= 2, or it is not finite.
    """
    try:
        with torch.no_grad(), kept_randomness():
            logits = twin(torch.full((2, channels, *size_hw), 0.5))
    except ModelError:
        raise
    except Exception as error:  # whatever the user's forward raises
        shape = f"(2, {channels}, {size_hw[0]}, {size_hw[1]})"
        message = f"the model cannot read an input of shape {shape}: {type(error).__name__}: {first_line(error)}"
        raise ModelError(message) from error
    if logits.shape[0] != 2 or logits.shape[1] < 2:
        message = f"two pictures should give logits (2, k) with k of 2 or more, the model gives {tuple(logits.shape)}"
        raise ModelError(message)
    if not bool(torch.isfinite(logits).all()):
        message = "the model's logits for a grey picture are not finite; check the weights"
        raise ModelError(message)
    return int(logits.shape[1])


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, for a message of one sentence."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _per_channel(values: Sequence[float]) -> Tensor:
    return torch.tensor(tuple(values), dtype=torch.float32).view(1, -1, 1, 1)
