"""A command in a process of its own, with its time bounded and its memory measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What reading nothing at all takes, imports of torch included, and some more.
MEGABYTES: Final = 1024
SECONDS: Final = 60
_CODE: Final = """
import resource, sys
from misread.cli import main
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
note = sys.argv[2]
sys.argv = ["misread", *sys.argv[3:]]
try:
    main()
finally:
    from misread.runtime.perf.memory import memory  # getrusage would tell the peak of whoever started this process
    with open(note, "w") as out:
        out.write(str(max(memory().peak_bytes // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)))
"""


def sentence(argv: Sequence[str | Path], note: Path, *, code: int = 2) -> str:
    """Run a command that must end in one sentence, with that exit code, within bounds; return the sentence."""
    command = [sys.executable, "-B", "-c", _CODE, str(SECONDS), str(note), *map(str, argv)]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=4 * SECONDS, stdin=subprocess.DEVNULL, env=os.environ
    )
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert said.startswith("misread: ")
    assert len(said.strip().splitlines()) == 1, said
    assert int(note.read_text()) < MEGABYTES * 1024
    return said.strip()
