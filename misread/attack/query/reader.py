"""A reader as a model: what lets an attack that needs no gradients ask the deployed build itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from misread.attack.threat import FULL_SCALE
from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.runtime.session import Reader


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """Any reader, callable as attacks call a model.

    A reader sees 8-bit pictures, so values go to the nearest of the 256 levels first; on images of a threat with
    ``levels=256`` that changes nothing.

    Attributes:
        reader: For instance ``Deployed.open(path)``, the ONNX file in onnxruntime.
    """

    reader: Reader

    def __call__(self, x: Tensor) -> Tensor:
        """Read pictures of the input's size.

        Args:
            x: (n, 3, h, w) RGB in [0, 1], or (n, 1, h, w) for a reader of grey pictures.

        Returns:
            (n, k) float32 logits on x's device.

        Raises:
            OptionError: a gradient is asked for.
            InputError: x has other channels.
        """
        if torch.is_grad_enabled() and x.requires_grad:
            message = f"{self.reader.name} gives answers and no gradients; use an attack that only asks, such as square"
            raise OptionError(message)
        if x.ndim != 4 or x.shape[1] not in {1, 3}:
            message = f"expected pictures (n, 3, h, w) or (n, 1, h, w), got {tuple(x.shape)}"
            raise InputError(message)
        levels = (x.detach() * FULL_SCALE).round().clamp(0, FULL_SCALE).to(torch.uint8).cpu()
        pictures = levels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy()
        return torch.from_numpy(self.reader.read_prepared(pictures).logits).to(x.device)
