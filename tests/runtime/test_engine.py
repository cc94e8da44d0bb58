"""onnxruntime as it is installed, played by doubles."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from misread.runtime.engine import OLDEST, TESTED, EngineDevice, devices, version_notes, version_warnings

ROOT = Path(__file__).parents[2]
TELLS = SimpleNamespace(get_provider_graph_assignment_info=None)


def entry(provider: str, kind: str, vendor: str) -> Any:
    return SimpleNamespace(
        ep_name=provider, device=SimpleNamespace(type=f"OrtHardwareDeviceType.{kind}", vendor=vendor)
    )


def test_devices_are_those_that_onnxruntime_lists_each_once() -> None:
    both = [entry("A", "GPU", "NVIDIA"), entry("B", "CPU", ""), entry("A", "GPU", "NVIDIA")]
    assert devices(SimpleNamespace(get_ep_devices=lambda: both)) == (
        EngineDevice(provider="A", kind="GPU", vendor="NVIDIA"),
        EngineDevice(provider="B", kind="CPU", vendor=""),
    )


def test_the_one_that_is_installed_lists_a_processor() -> None:
    found = devices(onnxruntime)
    assert not hasattr(onnxruntime, "get_ep_devices") or any(device.kind == "CPU" for device in found)


def test_one_that_cannot_tell_or_breaks_lists_nothing() -> None:
    def breaks() -> Any:
        raise RuntimeError("half a driver")

    assert devices(SimpleNamespace()) == ()
    assert devices(SimpleNamespace(get_ep_devices=breaks)) == ()


@pytest.mark.parametrize(
    ("version", "features", "words"),
    [
        ("1.19.2", (), "onnxruntime 1.19.2 is older than 1.20; type: pip install --upgrade onnxruntime"),
        ("1.20.0", (), ""),
        ("1.23.1", ("avx2",), ""),
        ("1.23.1", ("avx512_vnni",), "computes some int8 convolutions wrongly on this processor"),
        ("1.23.2", ("avx512_vnni",), ""),
        ("", (), ""),
        ("git", ("amx_int8",), ""),
    ],
)
def test_versions_that_are_wrong_here_are_warned_of(version: str, features: tuple[str, ...], words: str) -> None:
    found = version_warnings(version, features)
    assert len(found) == bool(words)
    assert words in " ".join(found)


def test_what_a_version_cannot_do_and_what_nobody_tested_is_noted() -> None:
    assert version_notes(SimpleNamespace(__version__="1.31.1", InferenceSession=TELLS)) == ()
    (old,) = version_notes(SimpleNamespace(__version__="1.22.0", InferenceSession=SimpleNamespace()))
    assert old.startswith("onnxruntime 1.22.0 cannot tell which provider took which node")
    (new,) = version_notes(SimpleNamespace(__version__="1.32.0", InferenceSession=TELLS))
    assert "1.32.0 is newer than 1.31, with which misread was tested" in new


def test_the_versions_are_those_of_the_project() -> None:
    if not (ROOT / "constraints.txt").is_file():
        pytest.skip("the tests run away from the tree")
    pinned = re.search(r"^onnxruntime==(\d+)\.(\d+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    wanted = re.search(r'"onnxruntime>=(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned is not None
    assert wanted is not None
    assert (tuple(map(int, pinned.groups())), tuple(map(int, wanted.groups()))) == (TESTED, OLDEST)
