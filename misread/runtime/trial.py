"""One trial of a model in a process of its own, under limits, before it is opened in this one.

What a graph will take cannot be read off the graph: shapes are computed while it runs, and loops end when they end. So
it is run where that hurts nobody: a child process with bounded memory and processor time loads the model and reads a
black picture and one of noise. That costs what importing onnxruntime and loading the model once cost.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.errors import ModelError, ModelRunError

if TYPE_CHECKING:
    from misread.runtime.inspect.model_file import ModelFile

GIB: Final = 2**30
LEAST_BYTES: Final = 256 * 2**20
MEMINFO: Final = Path("/proc/meminfo")
MODULE: Final = "misread.runtime.trial_child"
_MAX_PASSED: Final = 1024
_OUT: Final = "where you trust whoever made it, type misread --no-trial COMMAND"
#: What passed in this process, by hash and sides: a file is tried once.
_PASSED: Final[set[str]] = set()
_TRUSTED: Final[ContextVar[bool]] = ContextVar("misread_trusted", default=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a model may take at its trial.

    Attributes:
        memory_bytes: beyond what onnxruntime takes by itself; four times the model's own size is added to it, and the
            machine's free memory is never exceeded.
        cpu_s: processor time, whole seconds.
        wall_s: until it is stopped, whatever it does.
    """

    memory_bytes: int = 4 * GIB
    cpu_s: int = 60
    wall_s: float = 300.0


LIMITS: Final = Limits()


@contextmanager
def trusted() -> Generator[None]:
    """Leave trials out within the block: for files that were made here, or whose maker is trusted."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def tried(model: ModelFile, sides: tuple[int, int, int], *, limits: Limits | None = None) -> None:
    """Try a model once in a process of its own; a second call with the same file and sides returns at once.

    Only what breaks a limit or the process is refused. Whatever else is wrong with a model is left to whoever opens
    it, who has the words for it.

    Args:
        model: admitted, see `misread.runtime.strangers.admit`.
        sides: channels, height and width of a picture, for the sides that the graph leaves free.
        limits: `LIMITS` unless given.

    Raises:
        ModelError: it takes more memory or time than the limits allow, or the process died of it.
        ModelRunError: there is no trial, since no process can be started.
    """
    key = f"{model.sha256} {sides}"
    if _TRUSTED.get() or key in _PASSED:
        return
    _run(model, sides, limits or LIMITS)
    if len(_PASSED) >= _MAX_PASSED:
        _PASSED.clear()
    _PASSED.add(key)


def free_bytes(meminfo: Path = MEMINFO) -> int | None:
    """Return the memory that can be had without swapping others out, None where the system does not say."""
    try:
        told = meminfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _run(model: ModelFile, sides: tuple[int, int, int], limits: Limits) -> None:
    free = free_bytes()
    memory = limits.memory_bytes + 4 * model.size_bytes
    memory = memory if free is None else max(LEAST_BYTES, min(memory, free))
    asked = {"path": str(model.path), "sides": sides, "memory_bytes": memory, "cpu_s": limits.cpu_s}
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(_child(json.dumps(asked)))
        try:
            said, _ = child.communicate(timeout=limits.wall_s)
        except subprocess.TimeoutExpired as error:
            raise _refused(model, f"takes longer than {limits.wall_s:g} s for its first pictures") from error
        finally:
            child.kill()
    if child.returncode == 0 and not _answer(said).get("memory"):
        return
    raise _refused(model, _reason(child.returncode, limits, memory))


def _child(request: str) -> subprocess.Popen[bytes]:
    """Start the child with this process's own packages and nothing of the folder that it is called in."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable or "python3", "-B", "-P", "-W", "ignore", "-m", MODULE, request]
    try:
        return subprocess.Popen(  # noqa: S603  our own module, by our own interpreter
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    except OSError as error:
        raise ModelRunError(f"a model cannot be tried, since no process can be started: {error}; {_OUT}") from error


def _answer(said: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(said)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(code: int, limits: Limits, memory: int) -> str:
    """Word what the end of the child means."""
    if code == 0:
        return f"needs more than {memory / GIB:.1f} GiB of memory for one picture"
    if -code in {getattr(signal, "SIGXCPU", 0), signal.SIGKILL if hasattr(signal, "SIGKILL") else 0}:
        return f"takes more than {limits.cpu_s} s of processor time for its first pictures"
    if code < 0:
        return f"kills the process that runs it ({signal.Signals(-code).name})"
    return f"cannot be tried: a process of its own ended with code {code}"


def _refused(model: ModelFile, reason: str) -> ModelError:
    return ModelError(f"{model.path} {reason}, in a trial apart from this process; {_OUT}")
