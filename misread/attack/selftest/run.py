"""`misread selftest`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from misread.attack.selftest.check import Check, SelfTest
from misread.attack.selftest.closed import closed_form_checks
from misread.attack.selftest.trends import trend_checks
from misread.attack.threads import torch_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[str, int, int], None]


def selftest(*, seed: int = 0, progress: Progress = lambda *_: None) -> SelfTest:
    """Run all checks.

    Args:
        seed: Of the attacks' draws.
        progress: Told which check has ended.
    """
    started, checks = time.perf_counter(), list[Check]()
    with torch_threads(1):
        for check in _all(seed):
            checks.append(check)
            progress(f"checked {check.name}", len(checks), 0)
    return SelfTest(checks=tuple(checks), seconds=time.perf_counter() - started)


def _all(seed: int) -> Iterator[Check]:
    yield from closed_form_checks(seed=seed)
    yield from trend_checks(seed=seed)
