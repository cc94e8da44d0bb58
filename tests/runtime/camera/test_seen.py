"""Where every frame counts the next is fetched while one is read; where the newest counts it is not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.runtime.camera.locate import open_locator
from misread.runtime.camera.log import FrameLog
from misread.runtime.camera.loop import Plan, watch
from misread.runtime.camera.subject import Subject
from misread.runtime.session import FunctionReader
from misread.runtime.source import Awaited, Frame, Gap, Health
from tests.runtime.camera.scenes import CARD, flat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from misread.runtime.camera.observe import Observation

PATIENCE_S = 60.0
COUNT = 5


class Filmed:
    """Hands out five frames, with a gap before the fourth, and says how many it has been asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.more = threading.Condition()
        self.gaps: tuple[Gap, ...] = ()

    def frames(self) -> Iterator[Frame]:
        for index in range(COUNT):
            if index == 3:
                self.gaps = (Gap(start_ns=0, end_ns=1_000_000, reason="planted", attempts=1),)
            with self.more:
                self.asked += 1
                self.more.notify_all()
            yield Frame(image=flat((40 * index, 0, 0)), index=index, time_ns=index)
        with self.more:
            self.asked += 1
            self.more.notify_all()

    def health(self) -> Health:
        return Health(gaps=self.gaps)

    def close(self) -> None:
        """Do nothing."""


class Live(Filmed):
    """The same as a source that keeps its reader waiting."""

    def ready(self, timeout_s: float) -> bool:
        return True


def plan(reader: FunctionReader, log: FrameLog) -> Plan:
    return Plan(
        readers=[reader],
        locator=open_locator("frame", {}),
        subjects={},
        shown=Subject(name="shown", arm="clean", label=None),
        log=log,
        seconds=None,
        key_frames=0,
    )


def levels(source: Filmed, *, ahead: int, log: Path | None = None) -> list[int]:
    """Watch a source whose n-th frame can only be read once n + `ahead` have been asked for; give levels as read."""
    read, seen = 0, list[int]()

    def logits(prepared: Any) -> Any:
        nonlocal read
        read += 1
        with source.more:
            assert source.more.wait_for(lambda: source.asked >= min(read + ahead, COUNT + 1), PATIENCE_S)
            if not ahead:
                assert source.asked == read
        return np.tile(prepared.max(axis=(1, 2, 3))[:, None], (1, 3)).astype(np.float32)

    def keep(observation: Observation) -> None:
        (readout,) = observation.readouts
        assert readout.label == "red"
        seen.append(int(observation.frame.image.max()))

    with FrameLog(log) as lines:
        watched = watch(source, plan(FunctionReader(CARD, logits), lines), on_frame=keep)
    assert watched.ended == "source"
    return seen


@pytest.mark.parametrize(("source", "ahead"), [(Filmed, 2), (Live, 0)])
def test_frames_come_in_order_and_a_file_is_read_ahead(source: type[Filmed], ahead: int) -> None:
    assert issubclass(source, Awaited) == (ahead == 0)
    assert levels(source(), ahead=ahead) == [40 * index for index in range(COUNT)]


def test_a_gap_stands_before_its_frame(tmp_path: Path) -> None:
    levels(Filmed(), ahead=2, log=tmp_path / "log")
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert ["gap" in line for line in lines] == [False, False, False, True, False, False, False]


def test_a_build_that_fails_is_told_and_no_thread_is_left() -> None:
    reader = FunctionReader(CARD, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    with FrameLog(None) as lines, pytest.raises(ZeroDivisionError):
        watch(Filmed(), plan(reader, lines))
