"""Targets, and the choices of static int8."""

from __future__ import annotations

from typing import Any

import pytest

from misread.errors import UnknownName
from misread.export.quantize import options as choices
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.target import TARGETS, target_named, target_of, this_machine


@pytest.mark.parametrize(
    ("features", "machine", "name"),
    [
        (("avx2", "avx512_vnni"), "x86_64", "x86-vnni"),
        (("avx2", "avx_vnni"), "AMD64", "x86-vnni"),
        (("amx_int8",), "x86_64", "x86-vnni"),
        (("avx2", "avx512f"), "x86_64", "x86"),
        ((), "x86_64", "x86"),
        (("neon", "dotprod"), "aarch64", "arm64"),
        (("neon",), "arm64", "arm64"),
        (("neon",), "armv7l", "arm64"),
    ],
)
def test_the_target_of_a_processor(features: tuple[str, ...], machine: str, name: str) -> None:
    assert target_of(features, machine) == target_named(name)


def test_onnxruntimes_own_advice() -> None:
    said = {target.name: (target.activations, target.reduce_range, target.symmetric) for target in TARGETS}
    assert said == {
        "x86-vnni": ("uint8", False, False),
        "x86": ("uint8", True, False),
        "arm64": ("int8", False, False),
        "gpu": ("int8", False, True),
    }


def test_defaults_are_for_this_machine() -> None:
    said = StaticOptions().settled()
    assert said == StaticOptions(method="minmax", per_channel=True, symmetric=False, target=this_machine().name)
    assert said.settled() == said


def test_the_target_decides_about_symmetry_unless_told() -> None:
    assert StaticOptions(target="gpu").settled().symmetric is True
    assert StaticOptions(target="gpu", symmetric=False).settled().symmetric is False
    assert StaticOptions(target="x86", symmetric=True).settled().symmetric is True


def test_what_was_said_is_not_searched() -> None:
    assert [entry.method for entry in StaticOptions(per_channel=False).candidates()] == list(choices.METHODS)
    said = [(entry.method, entry.per_channel) for entry in StaticOptions(method="entropy").candidates()]
    assert said == [("entropy", True), ("entropy", False)]
    assert list(StaticOptions(method="minmax", per_channel=True).candidates()) == [StaticOptions().settled()]
    assert next(StaticOptions().candidates()) == StaticOptions().settled()


def test_options_in_words() -> None:
    assert StaticOptions(target="x86").text() == "minmax, per channel, x86"
    assert StaticOptions(method="entropy", per_channel=False, target="gpu").text() == (
        "entropy, per tensor, symmetric, gpu"
    )


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"method": "entrophy"}, "unknown calibration method 'entrophy'; did you mean"),
        ({"target": "arm"}, "unknown target"),
    ],
)
def test_nonsense_is_refused_at_birth(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        StaticOptions(**bad)
