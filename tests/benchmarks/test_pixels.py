"""The benchmark of the pixel path starts, takes its arguments and is right about pixels; times are not looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from benchmarks.pixels import CASES, by_pillow, forget, main, quickest
from misread.card import ModelCard
from misread.pixels import fit
from misread.resample import blocks_of
from misread.taps import taps

if TYPE_CHECKING:
    from pathlib import Path


def test_every_case_is_timed_on_one_thread_and_on_as_many_as_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cv2.getNumThreads()
    assert main(["--repeats", "1", "--json", str(tmp_path / "a.json")]) == 0
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [(row["threads"], row["case"]) for row in rows] == [
        (threads, case) for threads in (1, "default") for case, *_ in CASES
    ]
    assert all(row["off"] <= 1 and row["ratio"] == pytest.approx(row["ms"] / row["pillow_ms"]) for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("said", [{}, {"resize": "crop", "resize_px": 40}, {"resize": "letterbox", "pad_level": 3}])
def test_pillow_is_asked_for_the_same(said: dict[str, object]) -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(30, 36), **said)  # type: ignore[arg-type]
    image = np.random.default_rng(0).integers(0, 256, (70, 51, 3), dtype=np.uint8)
    assert np.abs(fit(image, card).astype(int) - by_pillow(image, card)).max() <= 1


def test_they_take_turns() -> None:
    calls: list[str] = []
    assert len(quickest([lambda: calls.append("a"), lambda: calls.append("b")], 3)) == 2
    assert calls == ["a", "b"] * 3


def test_weights_are_forgotten_where_the_first_picture_of_a_size_is_meant() -> None:
    image = np.zeros((9, 9, 3), np.uint8)
    fit(image, ModelCard(labels=("a", "b"), size_hw=(5, 5)))
    forget()
    assert taps.cache_info().currsize == blocks_of.cache_info().currsize == 0
