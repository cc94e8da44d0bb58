"""The clock of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from misread.attack.clock import Clock

if TYPE_CHECKING:
    import pytest


def test_time_spent_before_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    clock = Clock(10.0, before=4.0)
    now[0] += 3
    assert (clock.spent, clock.left) == (7.0, 3.0)
    now[0] += 30
    assert clock.left == 0
    assert Clock(None).left == math.inf
