"""A twin that is ready to be attacked: in float32 for every verdict, as quick as may be for gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from misread.attack.speed.pace import Pace


@final
class Prepared(nn.Module):
    """The model to hand to `execute`: (n, c, h, w) in [0, 1] on `device` -> logits (n, k) float32.

    `Problem` takes gradients by `for_gradient`, ``chunk`` pictures at a time, so that what one chunk keeps for its way
    back is freed, and still in the cache, before the next one begins.

    Attributes:
        twin: What answers, in float32.
        quick: What gradients are taken of; ``twin`` itself unless the pace says bfloat16.
        pace: How it is run; a run that must be repeated number for number is prepared with the same pace again.
        notes: What was rewritten and what was dropped, in words.
    """

    def __init__(
        self, twin: nn.Module, *, pace: Pace, quick: nn.Module | None = None, notes: tuple[str, ...] = ()
    ) -> None:
        """Take over prepared modules."""
        super().__init__()
        self.twin, self.quick, self.pace, self.notes = twin, twin if quick is None else quick, pace, notes

    @property
    def chunk(self) -> int:
        """Pictures in one pass."""
        return self.pace.chunk

    @property
    def rough(self) -> bool:
        """Whether the logits of a gradient pass are not those that verdicts are made by."""
        return self.quick is not self.twin

    def forward(self, x: Tensor) -> Tensor:
        """Logits, chunk by chunk."""
        if len(x) <= self.chunk:
            whole: Tensor = self.twin(x)
            return whole
        return torch.cat([self.twin(part) for part in torch.split(x, self.chunk)])

    def for_gradient(self, x: Tensor) -> Tensor:
        """Logits float32 of at most ``chunk`` pictures, to be differentiated."""
        logits: Tensor = self.quick(x)
        return logits


@final
class Bfloat16(nn.Module):
    """A module that computes in bfloat16 behind ends of float32: half the bytes, and 8 bits of precision."""

    def __init__(self, module: nn.Module) -> None:
        """Take over a copy of a module: its floating weights change their type."""
        super().__init__()
        self.module = module.to(torch.bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, k) float32."""
        logits: Tensor = self.module(x.to(torch.bfloat16))
        return logits.float()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; others imitate it, slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    supported: object = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 - torch has no other way to ask
    return supported is True
