from __future__ import annotations

import pytest
import torch

from misread.attack.threads import torch_threads


def _fail_with_threads(count: int) -> None:
    with torch_threads(count):
        assert torch.get_num_threads() == count
        raise RuntimeError("planted")


def test_threads_are_as_before_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="planted"):
        _fail_with_threads(before + 1)
    assert torch.get_num_threads() == before
