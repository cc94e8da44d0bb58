"""The child process of a trial: loads a model under limits, runs it twice, says in one line of JSON how that went.

It is started as `python -m misread.runtime.trial_child REQUEST`; its parent is `misread.runtime.trial`.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_DTYPES: Final = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
STATM: Final = Path("/proc/self/statm")


def main() -> None:
    """Answer the one request on the command line."""
    import numpy as np
    import onnxruntime as ort

    asked = json.loads(sys.argv[1])
    limit(asked["memory_bytes"], asked["cpu_s"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    stage = "load"
    try:
        session = ort.InferenceSession(asked["path"], options, providers=["CPUExecutionProvider"])
        stage = "run"
        feed = {entry.name: inputs(np, entry, asked["sides"]) for entry in session.get_inputs()}
        noise = np.random.default_rng(0)
        for pixels in (feed, {name: shaken(noise, planes) for name, planes in feed.items()}):
            session.run(None, pixels)
    except MemoryError as error:
        answer(stage=stage, error=str(error), memory=True)
    except Exception as error:  # noqa: BLE001  onnxruntime's exceptions share no public base
        answer(stage=stage, error=str(error), memory="alloc" in str(error).lower())
    else:
        answer(stage="done", error="", memory=False)


def bounds_memory() -> bool:
    """Tell whether this system can bound the memory of a process, and say how much it has."""
    return find_spec("resource") is not None and STATM.is_file()


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Bound this process from here on, as far as the system can."""
    if find_spec("resource") is None:  # Windows
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if bounds_memory():  # macOS has not the file, and takes no notice of the limit
        taken = int(STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes,) * 2)


def inputs(numpy: Any, entry: Any, sides: list[int]) -> Any:
    """Return zeros for an input: its own sides where they are fixed, one picture and `sides` (c, h, w) else.

    A last side of 3 says that the channels come last, as in a graph that takes pictures as they are.
    """
    order = [*sides[1:], sides[0]] if entry.shape[-1:] == [3] else sides
    free = [1, *order] if len(entry.shape) == 4 else [1] * len(entry.shape)
    shape = [side if isinstance(side, int) and side > 0 else own for side, own in zip(entry.shape, free, strict=True)]
    return numpy.zeros(shape, _DTYPES.get(entry.type, "float32"))


def shaken(generator: Any, planes: Any) -> Any:
    """Return the same planes full of noise."""
    return generator.integers(0, 256, planes.shape).astype(planes.dtype)


def answer(**said: Any) -> None:
    """Say the one line."""
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
