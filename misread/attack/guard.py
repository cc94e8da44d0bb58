"""Leave everything as found: the model's modes, flags and gradients, and torch's global random state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Freeze the model in eval mode inside the block and put everything back after it, exceptions included.

    Parameters stop asking for gradients inside, so that a backward pass goes to the image alone. A model that is no
    ``nn.Module`` is left alone; the random state is kept in either case.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    flags = [parameter.requires_grad for parameter in parameters]
    gradients = [parameter.grad for parameter in parameters]
    devices = sorted({p.device.index or 0 for p in parameters if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices):
        try:
            for module in modules:
                module.training = False
            for parameter in parameters:
                parameter.requires_grad = False
            yield
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
            for parameter, flag, gradient in zip(parameters, flags, gradients, strict=True):
                parameter.requires_grad = flag
                parameter.grad = gradient
