from __future__ import annotations

import pytest
import torch

from misread.attack.threads import torch_threads


def test_threads_are_as_before_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="planted"), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError("planted")
    assert torch.get_num_threads() == before
