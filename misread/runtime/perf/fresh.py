"""Starting the fresh process that measures a cold start, and getting its one line back, whatever becomes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import misread
from misread.errors import ModelRunError
from misread.runtime.perf.child import Started
from misread.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.runtime.perf.child import Task

_ROOT: Final = str(Path(misread.__file__).parents[1])
_CODE: Final = (
    f"import sys; sys.path[:0] = [{_ROOT!r}] * ({_ROOT!r} not in sys.path); "
    "from misread.runtime.perf.child import main; main()"
)
#: -P keeps the working folder off the path: a file in it that is called numpy.py is nobody's business here.
COMMAND: Final = (sys.executable, "-P", "-c", _CODE)


def fresh(
    task: Task,
    *,
    seconds: float,
    command: Sequence[str] = COMMAND,
    clock: Callable[[], int] = time.monotonic_ns,
) -> Started:
    """Measure one cold start in a process of its own.

    Args:
        task: what the process is to do.
        seconds: it is stopped when it takes longer.
        command: that starts it.
        clock: in nanoseconds, the same for all processes.

    Raises:
        ModelRunError: it took too long, died, or said something else than it should.
    """
    what = f"the fresh process that runs {task.path}"
    try:
        code, out, err = _ask(command, f"{clock()}\n{task.text()}", seconds)
    except subprocess.TimeoutExpired as error:
        raise ModelRunError(
            f"{what} took longer than {seconds:g} s and was stopped; leave cold starts out with --starts 0"
        ) from error
    except OSError as error:
        raise ModelRunError(f"{what} cannot be started: {error.strerror or error}") from error
    if code != 0:
        raise ModelRunError(f"{what} {_ended(code)}{_last(err)}")
    try:
        return Started(**json.loads(out.splitlines()[-1]))
    except (ValueError, TypeError, IndexError) as error:
        raise ModelRunError(f"{what} said nothing that can be read{_last(out)}") from error


def _ask(command: Sequence[str], said: str, seconds: float) -> tuple[int, str, str]:
    """Start a process and return its exit code and all that it said; it does not outlive this call."""
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603  our own interpreter and our own code
        list(command), stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace"
    ) as process:
        try:
            out, err = process.communicate(said, timeout=seconds)
        except BaseException:  # the bound, or Ctrl-C
            process.kill()
            process.wait()
            raise
    return process.returncode, out, err


def _ended(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _last(said: str) -> str:
    lines = said.strip().splitlines()
    return f": {printable(lines[-1])[:300]}" if lines else ""
