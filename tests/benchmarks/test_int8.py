"""The benchmark of int8 starts and says what it says it says; times are never looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.int8 import SHARED, main


@pytest.mark.slow
def test_signs_are_measured_and_timed(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shared_data.parent == SHARED
    out = tmp_path / "result.json"
    assert main(["--task", "signs", "--pairs", "3", "--json", str(out)]) == 0
    (found,) = json.loads(out.read_text(encoding="utf-8"))
    assert (found["task"], found["total"]) == ("signs", 4000)
    assert found["drop"] == pytest.approx((found["fp32"] - found["int8"]) / 40)
    assert found["drop"] <= 1.0
    assert found["speed"][0]["threads"] == 1
    assert found["best_ratio"] > 0
    assert "signs: 256 pictures to calibrate, 4000 to measure" in capsys.readouterr().out


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--task", "svhn"])
    assert "invalid choice" in capsys.readouterr().err
