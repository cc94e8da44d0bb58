"""How onnxruntime runs a build, as one frozen object."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, Self, get_args

import numpy as np
import onnxruntime as ort

from misread.errors import OptionError
from misread.registry import unknown
from misread.runtime.session.placement import CPU, can_tell
from misread.runtime.threads import usable_threads

Level = Literal["disable", "basic", "extended", "layout", "all"]

_LEVELS: Final = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}
_SHRINK: Final = "memory.enable_memory_arena_shrinkage"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOptions:
    """How onnxruntime runs a build; part of what a verdict is about. Operators always run one after the other.

    Attributes:
        threads: intra-operator threads; 0 takes what this process may use (affinity and container quota).
        level: graph optimisation; `layout` only where this onnxruntime has it.
        providers: execution providers in order, by their full names. The first must take nodes, and no node may
            run on one that is not listed: CPUExecutionProvider at the end allows what the others leave.
        provider_options: (provider, key, value) each, in onnxruntime's own words.
        spinning: let idle threads spin (faster bursts, warmer boards).
        arena: keep memory between runs; off is slower and smaller.
        shrink: give back after every run what the arena does not need.
        memory_pattern: plan one block for all tensors of a shape that was seen before.
        flush_denormals: take numbers below 1.2e-38 as 0. The first session of a process decides for all of it.
        deterministic: only kernels whose sums have one order.
        exact_int8: no 8-bit sums that saturate at 16 bits, on processors of x86 without VNNI; slower there.

    Raises:
        OptionError: what onnxruntime would replace in silence, or has no meaning.

    Examples:
        >>> misread.verify("bundle", "signs.onnx", session=misread.SessionOptions(threads=1, level="basic")).passed
        True
    """

    threads: int = 0
    level: Level = "all"
    providers: tuple[str, ...] = (CPU,)
    provider_options: tuple[tuple[str, str, str], ...] = ()
    spinning: bool = False
    arena: bool = True
    shrink: bool = False
    memory_pattern: bool = True
    flush_denormals: bool = False
    deterministic: bool = False
    exact_int8: bool = False

    def __post_init__(self) -> None:
        """Refuse what onnxruntime would silently replace."""
        if not 0 <= self.threads <= 1024:
            raise OptionError(f"threads must be from 0 (automatic) to 1024, got {self.threads}")
        if self.level not in get_args(Level):
            raise OptionError(unknown("optimisation level", self.level, get_args(Level)))
        if not hasattr(ort.GraphOptimizationLevel, _LEVELS[self.level]):
            raise OptionError(f"onnxruntime {ort.__version__} has no optimisation level {self.level!r}; take 'all'")
        if self.shrink and not self.arena:
            raise OptionError("there is nothing to shrink without the arena; leave shrink away, or arena on")
        _check_providers(self.providers)
        _check_provider_options(self.provider_options, self.providers)

    def resolved(self) -> Self:
        """Return the same with the number of threads that automatic stands for here."""
        return replace(self, threads=self.threads or usable_threads())

    def digest(self) -> str:
        """Return the SHA-256 of every option as it is used here, 64 hexadecimal digits."""
        text = json.dumps(asdict(self.resolved()), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def native(self) -> ort.SessionOptions:
        """Return onnxruntime's own options."""
        native = ort.SessionOptions()
        native.intra_op_num_threads = self.threads or usable_threads()
        native.inter_op_num_threads = 1
        native.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        native.graph_optimization_level = getattr(ort.GraphOptimizationLevel, _LEVELS[self.level])
        native.enable_cpu_mem_arena = self.arena
        native.enable_mem_pattern = self.memory_pattern
        native.use_deterministic_compute = self.deterministic
        native.log_severity_level = 4
        for key, value in self._entries().items():
            native.add_session_config_entry(key, value)
        return native

    def native_providers(self) -> list[tuple[str, dict[str, str]]]:
        """Return the providers in order, each with its options, as an InferenceSession takes them."""
        return [(name, {k: v for of, k, v in self.provider_options if of == name}) for name in self.providers]

    def run_options(self) -> ort.RunOptions | None:
        """Return what every run is told, or None where there is nothing to tell."""
        if not self.shrink:
            return None
        told = ort.RunOptions()
        told.add_run_config_entry(_SHRINK, "cpu:0")
        return told

    def _entries(self) -> dict[str, str]:
        entries = {
            "session.intra_op.allow_spinning": "1" if self.spinning else "0",
            "session.record_ep_graph_assignment_info": "1",
        }
        if self.flush_denormals:
            entries["session.set_denormal_as_zero"] = "1"
        if self.exact_int8:
            entries["session.x64quantprecision"] = "1"
        if CPU not in self.providers and not can_tell():
            entries["session.disable_cpu_ep_fallback"] = "1"  # then onnxruntime itself must refuse, without names
        return entries


def denormals_are_flushed() -> bool:
    """Tell whether the processor takes numbers too small for float32's exponent as 0, on this thread."""
    return bool(np.float32(1e-40) * np.float32(1) == 0)


def _check_providers(providers: tuple[str, ...]) -> None:
    available = ort.get_available_providers()
    if not providers:
        raise OptionError(f"name at least one execution provider, of {', '.join(available)}")
    for provider in providers:
        if provider in available:
            continue
        if provider in ort.get_all_providers():
            raise OptionError(
                f"onnxruntime {ort.__version__} as it is installed has no {provider}, only {', '.join(available)}; "
                "install the onnxruntime package that brings it, and no other one beside it"
            )
        raise OptionError(unknown("execution provider", provider, available))
    twice = [name for name, times in Counter(providers).items() if times > 1]
    if twice:
        raise OptionError(f"{twice[0]} is given twice; name each execution provider once")
    if CPU in providers[:-1]:
        raise OptionError(f"{CPU} takes every node and leaves nothing to {providers[-1]}; name it last")


def _check_provider_options(given: tuple[tuple[str, str, str], ...], providers: tuple[str, ...]) -> None:
    for provider, key, value in given:
        said = f"{provider}:{key}={value}"
        if provider not in providers:
            raise OptionError(f"the option {said} is for a provider that is not asked for; add --provider {provider}")
        if provider == CPU:
            raise OptionError(f"{CPU} takes no options and would ignore {said} in silence; see --threads and --session")
        if not key or not value:
            raise OptionError(f"a provider option is KEY=VALUE, got {key}={value}")
    twice = [key for key, times in Counter((provider, key) for provider, key, _ in given).items() if times > 1]
    if twice:
        raise OptionError(f"the option {twice[0][1]} of {twice[0][0]} is given twice; give one value")
