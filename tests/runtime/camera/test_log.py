"""The per-frame log: lines as they come, and a full disk in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from misread.errors import StorageError
from misread.runtime.camera.clips import Clips
from misread.runtime.camera.keyframes import KeyFrames
from misread.runtime.camera.log import FrameLog
from tests.runtime.camera.planted import observe, subject

FULL = Path("/dev/full")


def test_lines_are_json_and_numbers_without_a_value_are_null(tmp_path: Path) -> None:
    with FrameLog(tmp_path / "log") as log:
        log.write({"a": np.float32(1.5), "b": float("nan"), "c": (1, 2)})
        log.write({"d": "é"})
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"a": 1.5, "b": None, "c": [1, 2]}, {"d": "é"}]


def test_without_a_file_nothing_is_written() -> None:
    with FrameLog(None) as log:
        log.write({"a": 1})


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        FrameLog(tmp_path / "missing" / "log")


def fill(log: FrameLog, lines: int) -> None:
    with log:
        for _ in range(lines):
            log.write({"event": "frame"})


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("lines", [1, 5000])
def test_a_full_disk_is_one_sentence(tmp_path: Path, lines: int) -> None:
    log = FrameLog(tmp_path / "log")
    assert log._file is not None
    log._file.close()
    log._file = FULL.open("w", encoding="utf-8")
    with pytest.raises(StorageError, match="space"):  # at a write, or at the latest when it is closed
        fill(log, lines)


@pytest.mark.parametrize(("frames", "count"), [(5, 8), (16, 8), (17, 8), (200, 8), (1000, 3), (7, 1)])
def test_key_frames_are_evenly_spaced_whatever_the_length(frames: int, count: int) -> None:
    keys = KeyFrames(count)
    for observation in observe(subject(), "s" * frames, Clips()):
        keys.offer(observation)
    indices = [frame.index for frame in keys.chosen()]
    assert len(indices) == min(frames, count)
    assert indices == sorted(set(indices))
    if frames > count > 1:
        steps = np.diff(indices)
        assert steps.max() <= 2 * steps.min() + 1
        assert np.ptp(indices) >= frames * 0.45
    assert [frame.seconds for frame in keys.chosen()] == pytest.approx([index * 0.1 for index in indices])


def test_no_key_frames_on_request() -> None:
    keys = KeyFrames(0)
    keys.offer(observe(subject(), "s", Clips())[0])
    assert keys.chosen() == ()
