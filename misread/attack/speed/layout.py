"""The channels-last layout, which CPUs and GPUs work through faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class ChannelsLast(nn.Module):
    """A twin whose convolutions run in the channels-last layout.

    A network that cannot (it flattens with ``view``, or holds weights of five axes) runs in the usual layout.
    """

    def __init__(self, twin: nn.Module) -> None:
        """Take over the twin: its weights change layout, not value."""
        super().__init__()
        self.twin, self._layout = twin, torch.channels_last
        try:
            self._lay_out()
        except RuntimeError:
            self._fall_back()

    @property
    def fell_back(self) -> bool:
        """Whether the network turned out not to be able to."""
        return self._layout == torch.contiguous_format

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        try:
            logits: Tensor = self.twin(x.contiguous(memory_format=self._layout))
        except RuntimeError:
            if self.fell_back:
                raise
            self._fall_back()
            logits = self.twin(x.contiguous(memory_format=self._layout))
        return logits

    def _fall_back(self) -> None:
        self._layout = torch.contiguous_format
        self._lay_out()

    def _lay_out(self) -> None:
        self.twin.to(memory_format=self._layout)  # type: ignore[call-overload]  # missing in torch's stubs
