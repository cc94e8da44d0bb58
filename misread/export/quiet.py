"""Foreign code at work: what it prints, warns and draws from the global generators stays inside."""

from __future__ import annotations

import io
import logging
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import numpy as np
import torch


@contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Catch standard output, standard error, warnings and log lines of the block, and keep the random states.

    Exporters and quantisers talk through all four ways. What they said can be read from the yielded buffer.
    """
    said = io.StringIO()
    level = logging.root.manager.disable
    with kept_randomness(), warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield said
        finally:
            logging.disable(level)


@contextmanager
def user_code() -> Iterator[None]:
    """Run a user's factory: its prints go to standard error, since standard output belongs to results."""
    with kept_randomness(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Let foreign code draw from torch's global generator as if it had been seeded, and put it back."""
    with kept_randomness():
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        yield


@contextmanager
def kept_randomness() -> Iterator[None]:
    """Put the global generators of torch, numpy and Python back after the block, exceptions included."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002  read, to be put back
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002  as found
            random.setstate(python_state)
