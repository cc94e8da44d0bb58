"""Attention and rotary embedding against onnxruntime; masked rows; gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tests.attack.surrogate.single import compare, doubles, function_of, noise

if TYPE_CHECKING:
    from tests.attack.surrogate.single import Array

QUERY, KEY, VALUE = noise(2, 4, 3, 8), noise(2, 4, 5, 8, seed=1), noise(2, 4, 5, 6, seed=2)
BOOLEAN = np.random.default_rng(3).random((3, 5)) > 0.4
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.parametrize("attributes", [{}, {"scale": 0.3}, {"is_causal": 1}, {"softcap": 2.0}])
@pytest.mark.parametrize("mask", [None, BOOLEAN, noise(2, 1, 3, 5, seed=4), noise(4, 3, 5, seed=5)])
def test_attention(mask: Array | None, attributes: dict[str, Any]) -> None:
    compare("Attention", [QUERY, KEY, VALUE, *([] if mask is None else [mask])], opset=23, **CLOSE, **attributes)


@pytest.mark.parametrize("is_causal", [0, 1])
def test_keys_of_the_past_come_first(is_causal: int) -> None:
    past = [noise(2, 4, 2, 8, seed=6), noise(2, 4, 2, 6, seed=7)]
    compare("Attention", [QUERY, KEY, VALUE, None, *past], opset=24, outputs=3, is_causal=is_causal, **CLOSE)


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_scores_that_come_out(mode: int) -> None:
    past = [noise(2, 4, 2, 8, seed=6), noise(2, 4, 2, 6, seed=7)]
    attributes: dict[str, Any] = {"qk_matmul_output_mode": mode, "softcap": 3.0}
    inputs = [QUERY, KEY, VALUE, noise(3, 7, seed=8), *past]
    compare("Attention", inputs, opset=23, outputs=4, **CLOSE, **attributes)


def test_heads_in_one_axis_and_shared_keys() -> None:
    inputs = [noise(2, 3, 32), noise(2, 5, 16, seed=1), noise(2, 5, 12, seed=2)]
    compare("Attention", inputs, opset=23, q_num_heads=4, kv_num_heads=2, **CLOSE)


def test_a_row_without_keys_is_zero_and_so_is_its_gradient() -> None:
    query, key, value = (doubles(1, 1, 2, 3, seed=seed) for seed in range(3))
    mask = torch.tensor([[True, True], [False, False]])
    found = function_of("Attention", opset=23)(query, key, value, mask)
    gradients = torch.autograd.grad(found.sum(), [query, key, value])
    arrays = [tensor.detach().float().numpy() for tensor in (query, key, value)]
    compare("Attention", [*arrays, mask.numpy()], opset=23, **CLOSE)
    assert not found[0, 0, 1].any()
    assert not gradients[0][0, 0, 1].any()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_a_window_is_a_mask() -> None:
    """Query i sees the keys from i - 1 to i + 2."""
    query, key, value = (torch.from_numpy(noise(1, 1, 5, 4, seed=seed)) for seed in range(3))
    behind = torch.arange(5).unsqueeze(1) - torch.arange(5)
    windowed = function_of("Attention", opset=25, left_window_size=1, right_window_size=2)(query, key, value)
    masked = function_of("Attention", opset=25)(query, key, value, (behind <= 1) & (behind >= -2))
    torch.testing.assert_close(windowed, masked)


def test_keys_beyond_the_length_are_not_there() -> None:
    query, key, value = (torch.from_numpy(noise(2, 1, 4, 4, seed=seed)) for seed in range(3))
    found = function_of("Attention", opset=24)(query, key, value, None, None, None, torch.tensor([2, 4]))
    plain = function_of("Attention", opset=24)
    torch.testing.assert_close(found[:1], plain(query[:1], key[:1, :, :2], value[:1, :, :2]))
    torch.testing.assert_close(found[1:], plain(query[1:], key[1:], value[1:]))


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("turned", [0, 4])
def test_rotary_embedding(turned: int, interleaved: int) -> None:
    half = (turned or 8) // 2
    angles = noise(6, half, seed=1)
    positions = np.array([[0, 3, 5], [1, 1, 4]])
    attributes: dict[str, Any] = {"interleaved": interleaved, "rotary_embedding_dim": turned}
    inputs = [noise(2, 4, 3, 8), np.cos(angles), np.sin(angles), positions]
    compare("RotaryEmbedding", inputs, opset=23, **CLOSE, **attributes)
    flat = [noise(2, 3, 32), np.cos(angles)[positions], np.sin(angles)[positions]]
    compare("RotaryEmbedding", flat, opset=23, num_heads=4, **CLOSE, **attributes)


@pytest.mark.parametrize("attributes", [{}, {"is_causal": 1, "softcap": 2.0}])
def test_gradients(attributes: dict[str, Any]) -> None:
    inputs = [doubles(1, 2, 3, 2), doubles(1, 1, 3, 2, seed=1), doubles(1, 1, 3, 2, seed=2)]
    assert torch.autograd.gradcheck(function_of("Attention", opset=23, **attributes), inputs)
