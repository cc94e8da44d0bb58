"""Which integers a processor multiplies well: one entry a kind of processor."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Final, Literal

from misread.registry import by_name
from misread.runtime.cpu import cpu_features

VNNI: Final = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A kind of processor that a build is made for; weights are int8 always.

    Attributes:
        name: on the command line.
        activations: `uint8` or `int8`.
        reduce_range: seven bits for the weights, where sums saturate in 16 bits (x86 without VNNI).
        symmetric: whether its kernels want 0 to be the middle of every activation's range.
    """

    name: str
    activations: Literal["uint8", "int8"]
    reduce_range: bool = False
    symmetric: bool = False


#: onnxruntime's own advice.
TARGETS: Final[tuple[Target, ...]] = (
    Target(name="x86-vnni", activations="uint8"),
    Target(name="x86", activations="uint8", reduce_range=True),
    Target(name="arm64", activations="int8"),
    Target(name="gpu", activations="int8", symmetric=True),
)


def target_of(features: tuple[str, ...], machine: str) -> Target:
    """Return the target of a CPU, by its instruction sets and its kind (`x86_64`, `aarch64`)."""
    if machine.lower().startswith(("arm", "aarch64")):
        return target_named("arm64")
    return target_named("x86-vnni" if VNNI & set(features) else "x86")


def this_machine() -> Target:
    """Return the target that this machine's processor is."""
    return target_of(cpu_features(), platform.machine())


def target_named(name: str) -> Target:
    """Return a target by its name.

    Raises:
        UnknownName: none is called so.
    """
    return by_name("target", TARGETS, name)
