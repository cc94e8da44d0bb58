"""Gradients of rows, some at a time: what one chunk keeps for its way back is freed before the next one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.problem import Model


class Slopes(NamedTuple):
    """Logits (r, k), values of the loss (r,), gradients of the loss by the pictures (r, c, h, w); all detached."""

    logits: Tensor
    values: Tensor
    gradient: Tensor


def slopes(model: Model, x: Tensor, places: Tensor, classes: int, loss: Callable[[Tensor], Tensor]) -> Slopes:
    """Differentiate each row's own loss.

    A model with a ``chunk`` is asked for so many rows at a time, and by ``for_gradient`` where it has that. The loss is
    shown all rows each time, with NaN for those that are not asked now, so that it may keep to its own places.

    Args:
        model: What to differentiate.
        x: (r, c, h, w).
        places: Rows to ask for, int64; the others get logits and values NaN and gradient 0.
        classes: k.
        loss: (r, k) -> (r,), each value of its own row alone.
    """
    ask, chunk = getattr(model, "for_gradient", model), getattr(model, "chunk", None) or max(1, len(places))
    logits = torch.full((len(x), classes), torch.nan, dtype=x.dtype, device=x.device)
    values, gradient = torch.full_like(logits[:, 0], torch.nan), torch.zeros_like(x)
    for some in torch.split(places, chunk) if len(places) else ():
        every = len(some) == len(x)
        point = (x if every else x[some]).detach().requires_grad_()
        with torch.enable_grad():
            said = ask(point)
            logits = logits.to(said.dtype)
            value = loss(said if every else logits.index_put((some,), said))[some]
            if value.requires_grad:
                (gradient[some],) = torch.autograd.grad(value.sum(), point)
        values = values.to(value.dtype)
        logits[some], values[some] = said.detach(), value.detach()
    return Slopes(logits, values, gradient)
