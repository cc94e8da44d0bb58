"""A generator for each image, drawn from the image's own stream of the problem."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def stream_of(draw: Tensor) -> torch.Generator:
    """A generator on the CPU that follows from one draw of `Problem.uniform`."""
    digest = hashlib.blake2b(draw.double().cpu().numpy().tobytes(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
