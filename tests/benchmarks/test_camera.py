"""The camera's benchmarks start and count what they say they count; times are never looked at."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks import camera, soak
from benchmarks.mortal import DEATHS, lives
from misread.card import ModelCard
from misread.runtime.session import Deployed
from misread.runtime.source import Health
from tests.models import graph
from tests.runtime.leftovers import no_thread_left

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["no_thread_left"]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build that carries its card."""
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    return graph(tmp_path / "m.onnx", metadata=card.to_metadata())


def test_every_transport_is_read_by_the_source_and_by_opencv() -> None:
    (one,) = camera.ages(0.5, 0.05, transports=("mjpeg",), virtual=False)
    assert one["read"] > 0
    assert 0 < one["age"]["p50"] <= one["age"]["p95"]
    assert one["lag_ms"]["p50"] > 0
    assert one["bare_ms"]["last"] > 0


def test_the_loop_is_held_against_the_bare_session(build: Path, tmp_path: Path) -> None:
    out = tmp_path / "speed.json"
    arguments = ["--part", "speed", "--builds", str(build), "--frames", "10", "--rounds", "1", "--threads", "1"]
    assert camera.main([*arguments, "--locate", "fiducials", "--json", str(out)]) == 0
    rows = json.loads(out.read_text(encoding="utf-8"))["speeds"]
    assert [row["source"] for row in rows] == ["memory", "film"]
    assert all(row["share"] > 0 and set(row["ms"]) > {"decode", "locate", "prepare"} for row in rows)


def test_copies_of_a_build_keep_a_live_source_waiting(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = Deployed.open(build)
    monkeypatch.setattr(camera, "timed", lambda calls: camera.SLOW_S / 3.5)
    found = camera.live(deployed, 30, tmp_path / "log")
    assert found is not None
    assert found["copies"] == 4
    assert found["share"] > 0
    assert 0 < found["age"]["p50"] <= found["age"]["p95"]
    monkeypatch.setattr(camera, "MOST_COPIES", 3)
    assert camera.live(deployed, 30, tmp_path / "log") is None


def test_a_short_soak_dies_comes_back_and_keeps_its_log(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--frames", "700", "--every", "60", "--seed", "3", "--build", str(build)]) == 0
    deaths = len(lives(700, every=60, seed=3)) - 1
    assert f"{deaths} deaths, {deaths} reconnections" in capsys.readouterr().out


def test_a_log_with_holes_is_told(tmp_path: Path) -> None:
    log = tmp_path / "frames.jsonl"
    gap = {"event": "gap", "seconds": 0.2, "reason": "gone"}
    end = {"event": "end", "reason": "quit", "frames": 2}
    lines: list[dict[str, object]] = [{"event": "frame", "index": 4}, gap, {"event": "frame", "index": 9}, end]
    log.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    result: Any = SimpleNamespace(frames=2, health=Health(dropped=8))
    assert soak.log_faults(log, result, 1) == []
    result = SimpleNamespace(frames=3, health=Health(dropped=6))
    assert soak.log_faults(log, result, 2) == [
        "2 frames in the log and 3 counted",
        "1 gaps in the log and 2 deaths",
        "the last line is not the end",
        "lost frames are neither read nor counted as dropped",
    ]


def test_lives_give_all_pictures_and_end_in_every_way() -> None:
    planned = lives(20_000, every=100, seed=1)
    assert sum(visit.frames for visit in planned) == 20_000
    assert {visit.death for visit in planned[:-1]} == set(DEATHS)
    assert planned[-1].death is None
    assert planned == lives(20_000, every=100, seed=1)


def test_a_planted_leak_is_found_and_noise_is_none() -> None:
    noise = np.random.default_rng(2).normal(0, 1, 400)
    calm = [(number * 270, 100 + float(noise[number]), 10, 5) for number in range(400)]
    leaking = [(grabbed, mib + 20 * grabbed / soak.HOUR, files, threads) for grabbed, mib, files, threads in calm]
    rise, low, high = soak.slope(leaking)
    assert low < 20 < high
    assert rise == pytest.approx(20, abs=2)
    assert soak.slope(calm)[1] < 0 < soak.slope(calm)[2]
    meter = soak.Meter(samples=[*calm, (1, 100.0, 12, 9)])
    assert soak.grown(meter, soak.usage())[:2] == ["open files grew from 10 to 12", "threads grew from 5 to 9"]
