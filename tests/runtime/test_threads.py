"""How many threads this process may use, and what bounds them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from misread.runtime import threads
from misread.runtime.threads import Processors, processors, usable_threads

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("affinity", "quota", "usable"), [(4, None, 4), (4, 2, 2), (2, 4, 2), (4, 0, 1), (1, None, 1)])
def test_the_least_bound_counts(affinity: int, quota: int | None, usable: int) -> None:
    assert Processors(cores=8, affinity=affinity, quota=quota).usable == usable


@pytest.mark.parametrize(("text", "quota"), [("max 100000", None), ("50000 100000", 1), ("150000 100000", 2)])
def test_a_container_s_quota_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, quota: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(threads, "CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 5}, raising=False)
    assert processors() == Processors(cores=8, affinity=3, quota=quota)
    assert usable_threads() == min(3, quota or 3)


def test_a_system_without_affinity_has_all_its_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setattr(threads, "CPU_QUOTA", tmp_path / "no")
    assert processors() == Processors(cores=1, affinity=1, quota=None)
