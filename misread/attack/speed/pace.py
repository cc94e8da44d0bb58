"""How many pictures go through at a time and in which layout: a short measurement, since caches decide."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.speed.same import answer_of
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor, nn

LEAST: Final = 4
MOST: Final = 128
MOST_ON_GPU: Final = 1024
CACHE_BYTES: Final = 2**26
"""What a pass may keep for its way back, to begin with: about the caches of a machine."""
GAIN: Final = 0.93
"""A choice is left only for one that takes at most this share of its time: noise of the clock must not choose."""
SECONDS: Final = 0.4
"""No new choice is tried after so long."""
TINY: Final = 0.002
"""A network whose pass takes less than so many seconds gains nothing from a choice."""
_TRIAL_SECONDS: Final = 0.03


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How a prepared twin is run. Another pace gives the same answers up to float32 noise.

    Attributes:
        chunk: Pictures in one pass.
        channels_last: Whether in that layout.
        bfloat16: Whether gradient passes run in that type.

    Raises:
        OptionError: a chunk below 1.
    """

    chunk: int = 32
    channels_last: bool = True
    bfloat16: bool = False

    def __post_init__(self) -> None:
        """Refuse passes of nothing."""
        if not self.chunk >= 1:
            message = f"a chunk is at least 1 picture, got {self.chunk}"
            raise OptionError(message)


def measured(layouts: Mapping[bool, nn.Module], sample: Tensor) -> Pace:
    """Choose the quickest pace for gradient passes.

    Begins with what the memory of a pass suggests, which does not depend on the clock, and climbs from there.

    Args:
        layouts: The twin by whether it runs channels-last; one entry leaves no choice of it.
        sample: (n, c, h, w) in [0, 1], pictures to run; repeated where a chunk needs more.
    """
    clock = _Clock(layouts=layouts, sample=sample)
    best = Pace(chunk=first_chunk(layouts[max(layouts)], sample), channels_last=max(layouts))
    for module in layouts.values():
        answer_of(module, sample[:1])  # the first pass is slower than all others
    if clock.time(best) * best.chunk < TINY:
        return Pace(chunk=most(sample), channels_last=best.channels_last)
    best = clock.better(best, Pace(chunk=best.chunk, channels_last=min(layouts)))
    for factor in (2.0, 0.5):
        begun = best
        while clock.open() and LEAST <= (chunk := int(best.chunk * factor)) <= most(sample):
            tried = clock.better(best, Pace(chunk=chunk, channels_last=best.channels_last))
            if tried is best:
                break
            best = tried
        if best is not begun:
            break
    return best


def most(sample: Tensor) -> int:
    """The largest chunk that is tried where the sample lies."""
    return MOST_ON_GPU if sample.device.type == "cuda" else MOST


def first_chunk(module: nn.Module, sample: Tensor) -> int:
    """The power of two from ``LEAST`` to half of `most` for which a pass keeps about ``CACHE_BYTES``.

    On a GPU, which has no such cache, it is half of `most`; where the memory does not hold that, the climb goes down.
    """
    if sample.device.type == "cuda":
        return most(sample) // 2
    known = {tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in known:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        answer_of(module, sample[:1])
    fits = max(1, CACHE_BYTES // max(1, sum(kept.values())))
    return min(most(sample) // 2, max(LEAST, 1 << (fits.bit_length() - 1)))


def seconds_per_picture(module: nn.Module, sample: Tensor, chunk: int) -> float:
    """Time of the quickest of a few gradient passes, divided by the pictures in it."""
    pictures = sample[torch.arange(chunk, device=sample.device) % len(sample)]
    begun, best = time.perf_counter(), float("inf")
    while time.perf_counter() - begun < _TRIAL_SECONDS:
        started = time.perf_counter()
        answer_of(module, pictures)
        if sample.device.type == "cuda":
            torch.cuda.synchronize(sample.device)
        best = min(best, time.perf_counter() - started)
    return best / chunk


@dataclass(kw_only=True)
class _Clock:
    """Times of the paces tried so far."""

    layouts: Mapping[bool, nn.Module]
    sample: Tensor
    started: float = field(default_factory=time.perf_counter)
    times: dict[Pace, float] = field(default_factory=dict)

    def open(self) -> bool:
        """Whether time is left to try more."""
        return time.perf_counter() - self.started < SECONDS

    def better(self, best: Pace, other: Pace) -> Pace:
        """The other pace where it is clearly quicker, or the first to fit."""
        if other == best or not self.open():
            return best
        if math.isinf(self.time(best)) and other.chunk < best.chunk:
            return other  # down to what the memory holds
        return other if self.time(other) < GAIN * self.time(best) else best

    def time(self, pace: Pace) -> float:
        """Seconds per picture; infinite where the pass fails, as one too large for the memory does."""
        if pace not in self.times:
            try:
                self.times[pace] = seconds_per_picture(self.layouts[pace.channels_last], self.sample, pace.chunk)
            except RuntimeError:
                self.times[pace] = float("inf")
        return self.times[pace]
