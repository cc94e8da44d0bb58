"""Read pictures in a process of their own: what a restart of the device changes.

The parent writes how to open the reader, and the pictures, into a folder of its own; `python -m` of this module reads
them and leaves the logits there.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import ModelRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from misread.runtime.session import Reader

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

TIMEOUT_S: Final = 300.0
BATCH: Final = 8
_OPENING, _PICTURES, _LOGITS = "opening.pickle", "pictures.npy", "logits.npy"


def read_afresh(
    opening: Callable[[], Reader], prepared: UInt8, *, environment: Mapping[str, str] | None = None
) -> Float32:
    """Open a reader in a new process and read (n, h, w, 3) uint8 prepared pictures; return (n, k) float32.

    Args:
        opening: opens the reader; a function, or a partial of one, that another process can import.
        prepared: the pictures.
        environment: variables beside the present ones.

    Raises:
        ModelRunError: the process failed, or `opening` cannot be handed over.
    """
    try:
        handed = pickle.dumps(opening)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ModelRunError(f"another process cannot open this reader: {error}") from error
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with tempfile.TemporaryDirectory(prefix="misread-fresh-") as name:
        folder = Path(name)
        (folder / _OPENING).write_bytes(handed)
        np.save(folder / _PICTURES, prepared)
        try:
            ran = subprocess.run(  # noqa: S603  this interpreter, on our own module
                [sys.executable, "-P", "-m", __name__, name],
                env={**os.environ, **(environment or {}), "PYTHONPATH": path},
                capture_output=True,
                check=False,
                timeout=TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelRunError(f"a fresh process did not answer: {error}") from error
        if ran.returncode or not (folder / _LOGITS).is_file():
            said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ModelRunError(f"a fresh process failed: {said[-1] if said else ran.returncode}")
        logits: Float32 = np.load(folder / _LOGITS, allow_pickle=False)
        return logits


def read_in(folder: Path) -> None:
    """Do the work of the new process."""
    opening: Any = pickle.loads((folder / _OPENING).read_bytes())  # noqa: S301  written by the parent, in its own folder
    prepared = np.load(folder / _PICTURES, allow_pickle=False)
    reader = opening()
    parts = [reader.read_prepared(prepared[at : at + BATCH]).logits for at in range(0, len(prepared), BATCH)]
    np.save(folder / _LOGITS, np.concatenate(parts))


if __name__ == "__main__":
    read_in(Path(sys.argv[1]))
