"""Instruction sets as Linux and macOS list them."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from misread.runtime import cpu

if TYPE_CHECKING:
    from pathlib import Path

SERVER = """processor : 0
model name : A Server
flags : fpu sse4_1 fma avx2 avx512f avx512bw avx512_vnni amx_int8
processor : 1
model name : A Server
flags : fpu sse4_1 fma avx2 avx512f avx512bw avx512_vnni amx_int8
"""
BOARD = """processor : 0
Features : fp asimd evtstrm asimdhp asimddp
processor : 1
Features : fp asimd evtstrm
"""
MAC = """hw.optional.neon: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 0
"""
OLD_MAC = """hw.optional.avx2_0: 1
hw.optional.avx512f: 0
machdep.cpu.features: FPU SSE4.1
machdep.cpu.leaf7_features: AVX2
"""


def test_a_server_lists_flags() -> None:
    assert cpu.features_of_cpuinfo(SERVER) == (
        "sse4_1",
        "avx2",
        "fma",
        "avx512f",
        "avx512bw",
        "avx512_vnni",
        "amx_int8",
    )


def test_a_board_with_two_kinds_of_core_has_what_both_have() -> None:
    assert cpu.features_of_cpuinfo(BOARD) == ("neon",)
    assert cpu.features_of_cpuinfo(BOARD.split("processor : 1", maxsplit=1)[0]) == ("neon", "dotprod", "fp16")


def test_macs_tell_by_sysctl() -> None:
    assert cpu.features_of_sysctl(MAC) == ("neon", "dotprod")
    assert cpu.features_of_sysctl(OLD_MAC) == ("sse4_1", "avx2")


def test_nothing_listed_is_nothing_known() -> None:
    assert cpu.features_of_cpuinfo("") == ()
    assert cpu.features_of_sysctl("no such thing") == ()


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (("avx2", "avx512_vnni"), "exact (VNNI"),
        (("avx2", "avx_vnni"), "exact (VNNI"),
        (("avx2", "avx512f"), "no VNNI"),
        (("neon", "dotprod"), "exact (Arm"),
        (("neon",), "slow (NEON"),
        ((), "unknown"),
    ],
)
def test_the_note_says_what_int8_does_here(features: tuple[str, ...], said: str) -> None:
    assert said in cpu.int8_note(features)


@pytest.mark.parametrize(("system", "found"), [("Linux", ("neon",)), ("Darwin", ("neon", "dotprod")), ("Windows", ())])
def test_each_system_is_asked_in_its_own_way(
    system: str, found: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(BOARD)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 0, stdout=MAC))
    assert cpu.cpu_features() == found


def test_a_machine_that_cannot_be_asked_has_no_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(subprocess, "run", refuse)
    for system in ("Linux", "Darwin"):
        monkeypatch.setattr(platform, "system", lambda system=system: system)
        assert cpu.cpu_features() == ()
    assert cpu.cpu_name()


def test_the_processor_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(SERVER)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    assert cpu.cpu_name() == "A Server"
