"""Session options: what is refused at birth, what reaches onnxruntime, and their digest."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime as ort
import pytest

from misread.errors import OptionError, UnknownName
from misread.runtime.session import CPU, SessionOptions, options
from misread.runtime.session.said import SWITCHES, provider_named, session_options
from misread.runtime.threads import usable_threads

AZURE = "AzureExecutionProvider"


@pytest.fixture
def _cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", AZURE, CPU])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"threads": 1025}, r"threads must be from 0 \(automatic\) to 1024, got 1025"),
        ({"level": "layuot"}, "unknown optimisation level 'layuot'; did you mean 'layout'"),
        ({"shrink": True, "arena": False}, "nothing to shrink without the arena"),
        ({"providers": ()}, "name at least one execution provider, of .*CPUExecutionProvider"),
        ({"providers": ("CPUExecutionProvidr",)}, "unknown execution provider .*did you mean 'CPUExecutionProvider'"),
        (
            {"providers": ("CUDAExecutionProvider",)},
            "as it is installed has no CUDAExecutionProvider, only .*; install",
        ),
        ({"providers": (CPU, CPU)}, "CPUExecutionProvider is given twice"),
        ({"providers": (CPU, AZURE)}, "takes every node and leaves nothing to AzureExecutionProvider; name it last"),
        ({"provider_options": ((AZURE, "a", "b"),)}, "provider that is not asked for; add --provider Azure"),
        ({"provider_options": ((CPU, "a", "b"),)}, "takes no options and would ignore .*:a=b in silence"),
        ({"providers": (AZURE,), "provider_options": ((AZURE, "", "b"),)}, "KEY=VALUE, got =b"),
        ({"providers": (AZURE,), "provider_options": ((AZURE, "a", "b"), (AZURE, "a", "c"))}, "a of Azure.* twice"),
    ],
)
def test_nonsense_is_refused_at_birth(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SessionOptions(**given)


def test_a_level_that_this_onnxruntime_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "GraphOptimizationLevel", SimpleNamespace(ORT_ENABLE_ALL=99))
    assert SessionOptions().level == "all"
    with pytest.raises(OptionError, match="has no optimisation level 'layout'; take 'all'"):
        SessionOptions(level="layout")


def test_every_option_reaches_onnxruntime() -> None:
    plain = SessionOptions().native()
    assert plain.intra_op_num_threads == usable_threads()
    assert (plain.inter_op_num_threads, plain.execution_mode) == (1, ort.ExecutionMode.ORT_SEQUENTIAL)
    assert (plain.enable_cpu_mem_arena, plain.enable_mem_pattern, plain.use_deterministic_compute) == (
        True,
        True,
        False,
    )
    assert plain.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    for entry in ("session.set_denormal_as_zero", "session.x64quantprecision", "session.disable_cpu_ep_fallback"):
        with pytest.raises(RuntimeError):
            plain.get_session_config_entry(entry)
    assert SessionOptions().run_options() is None
    flags = {"spinning": True, "flush_denormals": True, "exact_int8": True, "deterministic": True}
    other = SessionOptions(level="layout", arena=False, memory_pattern=False, **flags).native()  # type: ignore[arg-type]
    assert other.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_LAYOUT
    assert (other.enable_cpu_mem_arena, other.enable_mem_pattern, other.use_deterministic_compute) == (
        False,
        False,
        True,
    )
    for entry in ("session.intra_op.allow_spinning", "session.set_denormal_as_zero", "session.x64quantprecision"):
        assert other.get_session_config_entry(entry) == "1"
    shrinks = SessionOptions(shrink=True).run_options()
    assert shrinks is not None
    assert shrinks.get_run_config_entry("memory.enable_memory_arena_shrinkage") == "cpu:0"


@pytest.mark.usefixtures("_cuda")
def test_each_provider_gets_its_own_options() -> None:
    given = (("CUDAExecutionProvider", "device_id", "1"), ("CUDAExecutionProvider", "gpu_mem_limit", "9"))
    one = SessionOptions(providers=("CUDAExecutionProvider", CPU), provider_options=given)
    cuda = ("CUDAExecutionProvider", {"device_id": "1", "gpu_mem_limit": "9"})
    assert one.native_providers() == [cuda, (CPU, {})]


@pytest.mark.parametrize(("tells", "refuses"), [(True, False), (False, True)])
def test_an_onnxruntime_that_cannot_name_nodes_is_told_to_refuse_itself(
    monkeypatch: pytest.MonkeyPatch, tells: bool, refuses: bool
) -> None:
    monkeypatch.setattr(options, "can_tell", lambda: tells)
    entry = "session.disable_cpu_ep_fallback"
    assert (SessionOptions(providers=(AZURE,))._entries().get(entry) == "1") is refuses
    assert entry not in SessionOptions(providers=(AZURE, CPU))._entries()


def test_the_digest_is_of_what_is_used_here() -> None:
    assert SessionOptions().digest() == SessionOptions(threads=usable_threads()).digest()
    flipped: list[dict[str, Any]] = [{name: not getattr(SessionOptions(), name)} for name in (*SWITCHES, "spinning")]
    every = [SessionOptions(**one) for one in flipped]
    every += [SessionOptions(threads=999), SessionOptions(level="basic"), SessionOptions(providers=(AZURE,))]
    every += [SessionOptions(providers=(AZURE,), provider_options=((AZURE, "a", "b"),)), SessionOptions()]
    assert len({one.digest() for one in every}) == len(every) == len(fields(SessionOptions)) + 1


def test_texts_become_options() -> None:
    assert session_options() == SessionOptions()
    said = session_options(
        threads=2,
        level="basic",
        providers=["azure", "cpu"],
        provider_options=["a=b=c", "AZURE:d=e:f"],
        spinning=True,
        switches=["arena=off", "memory-pattern=off", "exact_int8=on"],
    )
    assert said == SessionOptions(
        threads=2,
        level="basic",
        providers=(AZURE, CPU),
        provider_options=((AZURE, "a", "b=c"), (AZURE, "d", "e:f")),
        spinning=True,
        arena=False,
        memory_pattern=False,
        exact_int8=True,
    )
    assert provider_named("openvino") == "OpenVINOExecutionProvider"
    assert provider_named("nothing") == "nothing"


@pytest.mark.usefixtures("_cuda")
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"provider_options": ["a"], "providers": ["azure"]},
            OptionError,
            "KEY=VALUE or PROVIDER:KEY=VALUE here, got 'a'",
        ),
        ({"provider_options": ["a=b"], "providers": ["azure", "cuda"]}, OptionError, "is PROVIDER:KEY=VALUE here"),
        ({"provider_options": ["a=b"]}, OptionError, "takes no options"),
        ({"switches": ["arena"]}, OptionError, "on or off, as in arena=on, got 'arena'"),
        ({"switches": ["arnea=on"]}, UnknownName, "unknown session setting 'arnea'; did you mean 'arena'"),
    ],
)
def test_texts_that_say_nothing_are_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        session_options(**given)


FLUSH = """
import sys, pathlib
from misread.errors import ModelRunError
from misread.runtime.session import Deployed, SessionOptions
from tests.runtime.planted import COLOURS, MEANS
path = pathlib.Path(sys.argv[1]) / "m.onnx"
path.write_bytes(MEANS)
for flush in map(int, sys.argv[2]):
    try:
        Deployed.open(path, card=COLOURS, options=SessionOptions(flush_denormals=bool(flush)))
        print("opened")
    except ModelRunError as error:
        print(error)
"""


@pytest.mark.parametrize(("order", "words"), [("11", ["opened", "opened"]), ("01", ["opened", "had it off"])])
def test_flushing_that_an_earlier_session_has_forestalled_is_an_error(
    tmp_path: Path, order: str, words: list[str]
) -> None:
    """Each order in a process of its own: the first session decides for all."""
    command = [sys.executable, "-c", FLUSH, str(tmp_path), order]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[3]
    )
    lines = done.stdout.splitlines()
    assert [word in line for word, line in zip(words, lines, strict=True)] == [True, True]
