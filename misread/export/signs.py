"""The embedded sign classifier: a small convolutional network with its weights in the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from misread.assets import weights_path
from misread.errors import MissingExtra

if TYPE_CHECKING:
    from torch import Tensor

SIGNS_SIZE_HW: Final[tuple[int, int]] = (48, 48)
SIGNS_CLASSES: Final = 43
_WIDTHS: Final[tuple[tuple[int, ...], ...]] = ((16,), (32, 48), (64, 96), (160,))


class SignNet(nn.Module):
    """Plain convolutions with batch norm and ReLU, three poolings, global average pooling, one linear layer.

    Takes RGB float32 (n, 3, 48, 48) in [0, 1], normalises inside, and returns logits (n, 43). 248,000 parameters.
    There is nothing in it that static per-channel int8 quantisation dislikes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.35))
        self.register_buffer("std", torch.full((1, 3, 1, 1), 0.28))
        layers: list[nn.Module] = []
        channels = 3
        for stage, widths in enumerate(_WIDTHS):
            if stage > 0:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                layers += _block(channels, width)
                channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(channels, SIGNS_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, 43) of RGB images (n, 3, 48, 48) in [0, 1]."""
        features = self.features((images - self.mean) / self.std)
        logits: Tensor = self.head(self.dropout(self.pool(features).flatten(1)))
        return logits


def _block(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def load_signs() -> SignNet:
    """Return the trained classifier in eval mode, on the CPU, with gradients of its parameters switched off.

    Raises:
        MissingExtra: safetensors is not installed.

    """
    try:
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "safetensors":
            raise
        raise MissingExtra.of("safetensors", extra="export") from error
    # Built without drawing from torch's global generator: the weights are overwritten at once.
    with torch.device("meta"):
        net = SignNet()
    net.load_state_dict(load_file(weights_path()), assign=True)
    return net.eval().requires_grad_(False)  # noqa: FBT003 (torch's own signature)
