"""The noise floor of one side: batch size, threads, optimisation level, and a process of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import MisreadError
from misread.runtime.compare.fresh import BATCH, read_afresh
from misread.runtime.contender import other_settings
from misread.runtime.noise import NoiseFloor, floor_of, jitter
from misread.runtime.session import Deployed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from misread.runtime.session import Reader

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def noise_of(reader: Reader, prepared: UInt8) -> NoiseFloor:
    """Measure how far a reader's logits wander; what cannot be measured is named in `skipped`.

    Args:
        reader: a build; or what has an attribute `reopen` that opens it once more, in another process; or anything.
        prepared: (n, h, w, 3) uint8, at the size of its input.
    """
    reference = _batched(reader, prepared, BATCH)
    jitters = [jitter("batch 1", reference, _batched(reader, prepared, 1))]
    skipped: list[str] = []
    for setting, read in _settings(reader, prepared):
        try:
            jitters.append(jitter(setting, reference, read()))
        except MisreadError as error:
            skipped.append(f"{setting}: {error}")
    return floor_of(jitters, pictures=len(prepared), skipped=skipped)


def _settings(reader: Reader, prepared: UInt8) -> Iterator[tuple[str, Callable[[], Float32]]]:
    if isinstance(reader, Deployed):
        for setting, opened in other_settings(reader):
            yield setting, partial(_opened, opened, prepared)
    opening = _opening(reader)
    if opening is None:
        return
    yield "fresh process", partial(read_afresh, opening, prepared)
    if not isinstance(reader, Deployed):
        yield "fresh process, 1 thread", partial(read_afresh, opening, prepared, environment=_ONE_THREAD)


def _opened(opened: Callable[[], Reader], prepared: UInt8) -> Float32:
    return _batched(opened(), prepared, BATCH)


def _opening(reader: Reader) -> Callable[[], Reader] | None:
    if isinstance(reader, Deployed):
        return partial(Deployed.open, reader.path, card=reader.card, options=reader.options)
    opening: Callable[[], Reader] | None = getattr(reader, "reopen", None)
    return opening


def _batched(reader: Reader, prepared: UInt8, size: int) -> Float32:
    return np.concatenate(
        [reader.read_prepared(prepared[at : at + size]).logits for at in range(0, len(prepared), size)]
    )
