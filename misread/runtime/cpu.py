"""What the processor can do, as far as it decides how 8-bit integers are multiplied.

Without VNNI (x86) the product sums of int8 models saturate in 16 bits, so one file reads differently on two machines
(onnxruntime issues 6004 and 14642). An int8 verdict therefore holds for one instruction set.
"""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")
_MAX_CPUINFO_BYTES: Final = 2**20
_SYSCTL_TIMEOUT_S: Final = 5

#: Our name, and the names that Linux and macOS have for it.
_KNOWN: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("sse4_1", frozenset({"sse4_1", "sse4.1"})),
    ("avx2", frozenset({"avx2"})),
    ("fma", frozenset({"fma"})),
    ("avx512f", frozenset({"avx512f"})),
    ("avx512bw", frozenset({"avx512bw"})),
    ("avx512_vnni", frozenset({"avx512_vnni", "avx512vnni"})),
    ("avx_vnni", frozenset({"avx_vnni"})),
    ("avx512_bf16", frozenset({"avx512_bf16"})),
    ("amx_int8", frozenset({"amx_int8"})),
    ("neon", frozenset({"neon", "asimd", "hw.optional.neon", "hw.optional.advsimd"})),
    ("dotprod", frozenset({"asimddp", "hw.optional.arm.feat_dotprod"})),
    ("i8mm", frozenset({"i8mm", "hw.optional.arm.feat_i8mm"})),
    ("fp16", frozenset({"asimdhp", "hw.optional.arm.feat_fp16"})),
    ("sve", frozenset({"sve"})),
)


def cpu_features() -> tuple[str, ...]:
    """Return which of the instruction sets that matter here the processor has; empty where nobody tells."""
    system = platform.system()
    if system == "Linux":
        return features_of_cpuinfo(_read_cpuinfo())
    if system == "Darwin":
        return features_of_sysctl(_read_sysctl())
    return ()


def cpu_name() -> str:
    """Return the processor's name, or the kind of machine where it has none."""
    for line in _read_cpuinfo().splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() in {"model name", "hardware"} and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def features_of_cpuinfo(text: str) -> tuple[str, ...]:
    """Return the features that every processor listed in a `/proc/cpuinfo` has.

    A board with two kinds of core lists them apart, and a thread may land on either: only what all have counts.
    """
    lists = [
        frozenset(value.lower().split())
        for key, _, value in (line.partition(":") for line in text.splitlines())
        if key.strip().lower() in {"flags", "features"}
    ]
    return _known(frozenset.intersection(*lists)) if lists else ()


def features_of_sysctl(text: str) -> tuple[str, ...]:
    """Return the features in what `sysctl hw.optional machdep.cpu` prints on macOS."""
    found: set[str] = set()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        name, value = key.strip().lower(), value.strip().lower()
        if name.startswith("hw.optional.") and value == "1":
            found |= {name, name.removeprefix("hw.optional.").removesuffix("_0")}
        elif name in {"machdep.cpu.features", "machdep.cpu.leaf7_features"}:
            found |= set(value.split())
    return _known(frozenset(found))


def int8_note(features: tuple[str, ...]) -> str:
    """Say in one sentence what these features mean for an int8 model."""
    has = set(features)
    if has & {"avx512_vnni", "avx_vnni", "amx_int8"}:
        return "int8 sums are exact (VNNI or AMX); a CPU without them may read an int8 build differently"
    if has & {"avx2", "avx512f", "sse4_1"}:
        return (
            "no VNNI: unsigned-by-signed int8 sums saturate at 16 bits; quantise with reduced range, "
            "and trust no int8 verdict taken on another CPU"
        )
    if has & {"dotprod", "i8mm"}:
        return "int8 sums are exact (Arm dot product); verdicts from x86 must be taken again here"
    if "neon" in has:
        return "int8 works but is slow (NEON without dot product); verdicts from x86 must be taken again here"
    return "instruction set unknown: take int8 verdicts on this machine only"


def _known(found: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name, aliases in _KNOWN if aliases & found)


def _read_cpuinfo() -> str:
    try:
        with CPUINFO.open("rb") as stream:
            return stream.read(_MAX_CPUINFO_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _read_sysctl() -> str:
    command = ["/usr/sbin/sysctl", "hw.optional", "machdep.cpu"]
    try:
        done = subprocess.run(  # noqa: S603  a fixed path with fixed arguments
            command, capture_output=True, text=True, errors="replace", timeout=_SYSCTL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
