"""All of it on tiny builds in onnxruntime, under a clock that counts its questions."""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from misread.card import ModelCard
from misread.errors import FileError, ModelRunError, OptionError
from misread.pixels import write_png
from misread.runtime.perf import PerfOptions, perf
from misread.runtime.perf.child import Started, Task
from misread.runtime.perf.subject import Subject, noise, pictures_of
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.threads import usable_threads
from tests.models import graph
from tests.runtime.planted import COLOURS, MEANS

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.session import Reading


@pytest.fixture
def means(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


def options(*builds: Path, **given: Any) -> PerfOptions:
    plain: dict[str, Any] = {"card": COLOURS, "iterations": 20, "warmup": 1, "starts": 0}
    return PerfOptions(**{**plain, **given, "builds": builds})


class Starts:
    """Fresh processes that nobody starts; each says how many came before."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def __call__(self, task: Task, *, seconds: float) -> Started:
        self.tasks.append(task)
        number = float(len(self.tasks))
        return Started(
            start_ms=number,
            python_ms=number,
            load_ms=number,
            first_ms=number,
            peak_bytes=len(self.tasks) * 100,
            baseline_bytes=60,
            memory_source="VmHWM",
        )


def test_two_builds_side_by_side(means: Path) -> None:
    ticks = count()
    starts = Starts()
    found = perf(options(means, means, starts=2), clock=lambda: next(ticks) * 1_000_000, starter=starts)
    assert [build.name for build in found.builds] == ["means.onnx", "means.onnx (2)"]
    (setting,) = found.settings
    assert (setting.batch, setting.threads) == (1, usable_threads())
    first, second = setting.measured
    # Each timing lies between two questions to the clock, so each is one millisecond.
    assert {step.mean_ms for step in (first.prepare, first.run, first.read, second.run)} == {1}
    assert first.run.count == first.read.count == 20
    assert first.run_speedup is None
    assert second.run_speedup is not None
    assert (second.run_speedup.value, second.run_speedup.low, second.run_speedup.high) == (1, 1, 1)
    # Fresh processes take turns: the first build got 1 and 3, the second 2 and 4.
    assert first.cold is not None
    assert second.cold is not None
    assert (first.cold.start_ms, first.cold.start_least_ms, first.cold.start_most_ms) == (2, 1, 3)
    assert (second.cold.start_ms, second.cold.peak_bytes, second.cold.build_bytes) == (3, 300, 240)
    assert found.builds[0].fingerprint.model_sha256 == Deployed.open(means, card=COLOURS).sha256
    assert found.builds[0].precision == "none"  # it has no weights
    assert "noise of the card's size (seed 0)" in found.pictures
    assert found.passed


def test_a_grid_of_batches_and_threads(means: Path) -> None:
    starts = Starts()
    asked: list[tuple[str, int, int]] = []
    given = options(means, batches=(1, 3, 1), threads=(1, 2, 1), starts=1)
    found = perf(given, starter=starts, progress=lambda *said: asked.append(said))
    assert [(setting.threads, setting.batch) for setting in found.settings] == [(1, 1), (1, 3), (2, 1), (2, 3)]
    assert [(task.session.threads, task.batch) for task in starts.tasks] == [(1, 1), (1, 3), (2, 1), (2, 3)]
    assert [setting.measured[0].batch for setting in found.settings] == [1, 3, 1, 3]
    assert asked[-1] == ("timing", 80, 80)
    assert asked[:2] == [("starting fresh processes", 0, 1), ("starting fresh processes", 1, 1)]
    timed = [done for what, done, _ in asked if what == "timing" and done < 80]
    assert all(before <= after for before, after in pairwise(timed))


def test_a_fixed_batch_is_measured_at_its_own(tmp_path: Path) -> None:
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    fixed, free = graph(tmp_path / "fixed.onnx", shape=(2, 3, 8, 8)), graph(tmp_path / "free.onnx")
    found = perf(options(free, fixed, card=card, batches=(1, 4)))
    assert [[entry.batch for entry in setting.measured] for setting in found.settings] == [[1, 2], [4, 2]]
    assert any("fixed.onnx takes 2 at a time" in note for note in found.notes)
    alone = perf(options(fixed, card=card, batches=(1, 4)))
    assert [setting.batch for setting in alone.settings] == [2]


def test_a_gate_ends_it_with_one(means: Path) -> None:
    ticks = count()
    given = options(means, means, iterations=60, max_p95_ms=0.5, min_speedup=1)
    found = perf(given, clock=lambda: next(ticks) * 1_000_000)
    assert (found.exit_code, found.passed) == (1, False)
    assert found.sentence == (
        "too slow: means.onnx reads in 1 ms at the 95th percentile (batch 1, "
        f"{usable_threads()} thread{'s' * (usable_threads() != 1)}), at most 0.5 asked for (and 1 more)"
    )


def test_real_pictures_are_read_at_their_own_size(means: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures" / "any class"
    for at, size in enumerate([(20, 10), (30, 40)]):
        write_png(folder / f"{at}.png", np.full((*size, 3), 100 * at, np.uint8))
    found = perf(options(means, data=tmp_path / "pictures"))
    assert found.pictures == f"2 of {tmp_path / 'pictures'} (10x20 to 40x30 pixels), already decoded"
    (one,) = pictures_of(folder / "0.png", COLOURS.labels)
    assert one.shape == (20, 10, 3)


def test_pictures_are_few_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(40):
        write_png(tmp_path / f"{at:02}.png", np.full((8, 8, 3), at, np.uint8))
    assert [int(image[0, 0, 0]) for image in pictures_of(tmp_path, COLOURS.labels)] == [
        at * 40 // 16 for at in range(16)
    ]
    monkeypatch.setattr("misread.runtime.perf.subject.MAX_BYTES", 400)
    assert len(pictures_of(tmp_path, COLOURS.labels)) == 3
    assert len(noise(COLOURS, 16, np.random.default_rng(0))) == 2


@pytest.mark.parametrize("place", ["nothing", "missing"])
def test_no_pictures_is_one_sentence(means: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FileError, match=r"no pictures in|no such file or folder"):
        perf(options(means, data=tmp_path / place))


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "UINT8"])
def test_the_three_steps_agree(tmp_path: Path, kind: str) -> None:
    """What `run` answers on what `prepare` made is what `read` says of the same pictures."""
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8), scale=1.0)
    deployed = Deployed.open(graph(tmp_path / "m.onnx", kind=kind), card=card)
    subject = Subject(deployed, noise(card, 5, np.random.default_rng(0)), 2)
    for at in range(4):
        read = cast("Reading", subject.read(at))
        np.testing.assert_allclose(np.asarray(subject.run(at))[0], read.logits, rtol=1e-3)
        assert subject.prepare(at).shape == (2, 3, 8, 8)
    assert len({np.asarray(subject.run(at)).tobytes() for at in range(3)}) == 3
    np.testing.assert_array_equal(np.asarray(subject.run(0)), np.asarray(subject.run(3)))


def test_a_seed_draws_the_pictures_again() -> None:
    one, again, other = (noise(COLOURS, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (np.stack(one) != np.stack(other)).any()


def test_builds_of_one_name_are_told_apart(means: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "means.onnx"
    other.parent.mkdir()
    other.write_bytes(MEANS)
    found = perf(options(means, other, iterations=1))
    assert [build.name for build in found.builds] == [str(means), str(other)]


def test_a_build_that_nobody_can_inspect_has_no_precision(means: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise FileError("the ORT format")

    monkeypatch.setattr("misread.runtime.perf.run.inspect", refuse)
    assert perf(options(means, iterations=1)).builds[0].precision == ""


def test_a_process_that_dies_ends_it(means: Path) -> None:
    def dies(task: Task, *, seconds: float) -> Started:
        raise ModelRunError("the planted fault")

    with pytest.raises(ModelRunError, match="planted"):
        perf(options(means, starts=1), starter=dies)


def test_ctrl_c_ends_it(means: Path) -> None:
    def stop() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perf(options(means), clock=stop)


def test_a_missing_build_is_one_sentence(means: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file; expected an ONNX model"):
        perf(options(means, tmp_path / "nix.onnx"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"builds": ()}, "give 1 to 16 builds"),
        ({"batches": (0,)}, "a batch is 1 to 32 pictures, got 0"),
        ({"batches": (1, 33)}, "got 1, 33"),
        ({"batches": ()}, "got none"),
        ({"threads": ()}, "give the number of threads"),
        ({"threads": (1, -1)}, "threads must be from 0"),
        ({"iterations": 0}, "iterations is a whole number from 1"),
        ({"warmup": 0}, "warmup is a whole number from 1"),
        ({"starts": -1}, "starts is a whole number from 0"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"seconds": 0.0}, "seconds is a number above 0"),
        ({"seconds": float("nan")}, "seconds is a number above 0"),
        ({"child_seconds": float("inf")}, "child_seconds is a number above 0"),
        ({"max_p95_ms": float("nan")}, "max_p95_ms is a number above 0"),
        ({"min_speedup": -1.0}, "min_speedup is a number above 0"),
        ({"max_p95_ms": 1.0, "iterations": 58}, "a 95th percentile needs 59 timings or more, got --iterations 58"),
        ({"min_speedup": 2.0}, "give both"),
    ],
)
def test_nonsense_is_refused_at_birth(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        PerfOptions(**{"builds": (tmp_path / "a.onnx",), **given})


def test_threads_of_the_session_give_way(means: Path) -> None:
    found = perf(options(means, session=SessionOptions(threads=7, level="basic"), threads=(1,), iterations=1))
    assert (found.settings[0].threads, found.builds[0].fingerprint.threads) == (1, 1)
    assert found.builds[0].fingerprint.level == "basic"
