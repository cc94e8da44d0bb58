"""How many threads torch takes, for a while."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int) -> Generator[None]:
    """Let torch use that many threads inside the block, and as many as before afterwards.

    Small networks on small pictures gain nothing from a second thread, and lose tenfold where another process wants
    the same cores: the threads wait for each other at every operation.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
