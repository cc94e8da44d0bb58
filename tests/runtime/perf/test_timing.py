"""The loop that takes the time, under a clock that only the calls move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from misread.runtime.perf.timing import BLOCK_NS, STEPS, Job, time_jobs


class Bench:
    """A clock, and jobs whose calls take a known time and are written down."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.calls: list[tuple[str, str, int]] = []

    def clock(self) -> int:
        return self.now_ns

    def step(self, name: str, step: str, took_ns: Callable[[], int]) -> Callable[[int], object]:
        def call(at: int) -> None:
            self.calls.append((name, step, at))
            self.now_ns += took_ns()

        return call

    def job(self, name: str, run_ns: int, *, batch: int = 1) -> Job:
        took = {"prepare": 1_000, "run": run_ns, "read": run_ns + 1_500}
        calls = {step: self.step(name, step, lambda step=step: took[step]) for step in STEPS}  # type: ignore[misc]
        return Job(name=name, batch=batch, **calls)


def test_every_call_has_its_own_duration() -> None:
    bench = Bench()
    a, b = time_jobs(
        [bench.job("a", 5_000), bench.job("b", 2_000)], iterations=30, warmup=2, seconds=9, clock=bench.clock
    )
    assert a.took_ns == {"prepare": [1_000] * 30, "run": [5_000] * 30, "read": [6_500] * 30}
    assert b.took_ns["run"] == [2_000] * 30
    assert a.rounds_ns["run"] == [5_000] * 10


def test_the_builds_take_turns_and_their_order_turns_round() -> None:
    bench = Bench()
    time_jobs([bench.job("a", 1), bench.job("b", 1)], iterations=20, warmup=1, seconds=9, clock=bench.clock)
    turns = [name for name, step, at in bench.calls if step == "prepare" and at % 2 == 0]
    # warm-up is a and b alone; then blocks of two, each behind a call that does not count
    assert "".join(turns) == "aabb" + "aabbbbaa" * 5


def test_what_warms_up_is_not_counted() -> None:
    """The first calls are slow, in warm-up and again at each change of build; none of that is in the figures."""
    bench = Bench()
    last = [""]

    def took(name: str) -> Callable[[], int]:
        def ns() -> int:
            cold, last[0] = last[0] != name, name
            return 1_000_000 if cold else 10

        return ns

    jobs = [
        Job(name=name, batch=1, **{step: bench.step(name, step, took(f"{name} {step}")) for step in STEPS})
        for name in "ab"
    ]
    for timed in time_jobs(jobs, iterations=20, warmup=3, seconds=9, clock=bench.clock):
        assert {ns for step in STEPS for ns in timed.took_ns[step]} == {10}


def test_the_pictures_change_from_call_to_call() -> None:
    bench = Bench()
    time_jobs([bench.job("a", 1)], iterations=30, warmup=1, seconds=9, clock=bench.clock)
    timed = [at for _, step, at in bench.calls if step == "run"][2:]
    assert timed == [at for start in range(0, 30, 3) for at in (start, start, start + 1, start + 2)]


def test_the_bound_ends_it_after_a_round_and_never_before_one() -> None:
    bench = Bench()
    (found,) = time_jobs([bench.job("a", 100_000_000)], iterations=300, warmup=1, seconds=1, clock=bench.clock)
    # A block holds two calls of 0.1 s (of a quarter of a second); a round runs and reads three times each: 0.6 s.
    assert len(found.took_ns["run"]) == 4
    (one,) = time_jobs([bench.job("a", 100_000_000)], iterations=300, warmup=1, seconds=1e-10, clock=bench.clock)
    assert len(one.took_ns["run"]) == 2


@pytest.mark.parametrize(
    ("run_ns", "iterations", "rounds"),
    [(1_000, 1, 1), (1_000, 10, 10), (1_000, 105, 11), (1_000, 300, 30), (BLOCK_NS, 20, 20)],
)
def test_blocks_are_short_enough_to_take_turns(run_ns: int, iterations: int, rounds: int) -> None:
    bench = Bench()
    (found,) = time_jobs([bench.job("a", run_ns)], iterations=iterations, warmup=1, seconds=1e6, clock=bench.clock)
    assert len(found.rounds_ns["run"]) == rounds
    assert len(found.took_ns["run"]) == iterations


def test_a_round_s_time_is_per_picture() -> None:
    bench = Bench()
    (found,) = time_jobs([bench.job("a", 8_000, batch=4)], iterations=10, warmup=1, seconds=9, clock=bench.clock)
    assert set(found.rounds_ns["run"]) == {2_000}
    assert set(found.took_ns["run"]) == {8_000}


def test_progress_counts_the_timings() -> None:
    bench, said = Bench(), list[int]()
    time_jobs([bench.job("a", 1)], iterations=25, warmup=1, seconds=9, clock=bench.clock, progress=said.append)
    assert said == [*range(2, 25, 2), 25]
