"""The attention that onnxruntime's optimisers fuse, against onnxruntime."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.single import compare, doubles, function_of, noise

DOMAIN = "com.microsoft"
OPTIONS: dict[str, Any] = {"opset": 17, "domain": DOMAIN, "num_heads": 2, "rtol": 1e-4, "atol": 1e-5}
TOKENS, WEIGHT, BIAS = noise(2, 5, 8), noise(8, 24, seed=1) / 3, noise(24, seed=2)
ADDED = noise(2, 2, 5, 5, seed=3)


@pytest.mark.parametrize("attributes", [{}, {"unidirectional": 1}, {"scale": 0.2}])
def test_attention(attributes: dict[str, Any]) -> None:
    compare("Attention", [TOKENS, WEIGHT, BIAS], **OPTIONS, **attributes)
    compare("Attention", [TOKENS, WEIGHT, BIAS, None, None, ADDED], **OPTIONS, **attributes)


def test_values_may_be_of_another_width() -> None:
    inputs = [TOKENS, noise(8, 28, seed=1) / 3, noise(28, seed=2)]
    compare("Attention", inputs, qkv_hidden_sizes=[8, 8, 12], **OPTIONS)


@pytest.mark.parametrize("attributes", [{}, {"unidirectional": 1}, {"scale": 0.2}])
def test_multi_head_attention(attributes: dict[str, Any]) -> None:
    parts = [noise(2, 5, 8, seed=seed) for seed in range(3)]
    compare("MultiHeadAttention", parts, **OPTIONS, **attributes)
    compare("MultiHeadAttention", [*parts, BIAS, None, ADDED], **OPTIONS, **attributes)


def test_keys_of_another_length() -> None:
    parts = [TOKENS, noise(2, 7, 8, seed=1), noise(2, 7, 8, seed=2)]
    compare("MultiHeadAttention", [*parts, BIAS], **OPTIONS)
    heads = [TOKENS, noise(2, 2, 7, 4, seed=1), noise(2, 2, 7, 4, seed=2)]
    compare("MultiHeadAttention", heads, **OPTIONS)


@pytest.mark.parametrize(
    ("operator", "attributes", "inputs", "what"),
    [
        ("Attention", {}, [TOKENS, WEIGHT, BIAS, BIAS], "a mask index"),
        ("Attention", {"do_rotary": 1}, [TOKENS, WEIGHT, BIAS], "do_rotary"),
        ("MultiHeadAttention", {}, [TOKENS], "in one tensor"),
        ("MultiHeadAttention", {}, [TOKENS, TOKENS, TOKENS, BIAS, BIAS], "a padding mask"),
    ],
)
def test_forms_that_no_classifier_has_are_refused(
    operator: str, attributes: dict[str, Any], inputs: list[Any], what: str
) -> None:
    call = function_of(operator, domain=DOMAIN, num_heads=2, **attributes)
    with pytest.raises(UnsupportedOperator, match=what):
        call(*(torch.from_numpy(value) for value in inputs))


@pytest.mark.parametrize(
    ("operator", "shapes"),
    [("Attention", [(1, 3, 2), (2, 6), (6,)]), ("MultiHeadAttention", [(1, 3, 2), (1, 2, 2), (1, 2, 2), (6,)])],
)
def test_gradients(operator: str, shapes: list[tuple[int, ...]]) -> None:
    inputs = [doubles(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert torch.autograd.gradcheck(function_of(operator, domain=DOMAIN, num_heads=2), inputs)
