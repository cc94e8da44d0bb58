"""The machine's state and memory, read from planted files of a system."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from misread.runtime.perf.conditions import Conditions, Moment, between, governor, now
from misread.runtime.perf.memory import memory

HERTZ = os.sysconf("SC_CLK_TCK")


def system(folder: Path, *, governors: tuple[str, ...] = (), throttled: tuple[int, ...] = ()) -> Path:
    for at, text in enumerate(governors):
        (folder / f"cpu{at}" / "cpufreq").mkdir(parents=True)
        (folder / f"cpu{at}" / "cpufreq" / "scaling_governor").write_text(text + "\n")
    for at, count in enumerate(throttled):
        (folder / f"cpu{at}" / "thermal_throttle").mkdir(parents=True)
        (folder / f"cpu{at}" / "thermal_throttle" / "core_throttle_count").write_text(f"{count}\n")
    return folder


def moment(**values: float | None) -> Moment:
    plain: dict[str, float | None] = {
        "load": 0.5, "busy_s": 0.0, "stolen_s": 0.0, "idle_s": 0.0, "own_s": 0.0, "celsius": 40.0, "throttled": 0
    }  # fmt: skip
    return Moment(**{**plain, **values})  # type: ignore[arg-type]


def test_a_moment_is_read_from_the_system_s_files(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    ticks = [
        10,
        20,
        30,
        400,
        50,
        6,
        7,
        80,
        1000,
        1000,
    ]  # user nice system idle iowait irq softirq steal guest guest_nice
    stat.write_text(f"cpu  {' '.join(str(value * HERTZ) for value in ticks)}\ncpu0 1 2 3\n")
    for zone, milli in (("thermal_zone0", "45000"), ("thermal_zone1", "61500"), ("thermal_zone2", "-274000")):
        (tmp_path / "thermal" / zone).mkdir(parents=True)
        (tmp_path / "thermal" / zone / "temp").write_text(milli)
    found = now(stat=stat, system=system(tmp_path / "cpu", throttled=(3, 4)), thermal=tmp_path / "thermal")
    assert (found.busy_s, found.stolen_s, found.idle_s) == (73, 80, 450)
    assert (found.celsius, found.throttled) == (61.5, 7)
    assert found.own_s > 0


@pytest.mark.parametrize("text", ["", "cpu 1 2 3", "cpu a b c d e f g h", "intr 5"])
def test_a_system_that_tells_nothing_is_no_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text(text)
    found = now(stat=tmp_path / "stat", system=tmp_path / "no", thermal=tmp_path / "no")
    assert (found.busy_s, found.celsius, found.throttled) == (None, None, None)
    state = between(found, found, system=tmp_path / "no")
    assert (state.others, state.stolen, state.governor, state.throttled) == (None, None, "", None)


def test_what_others_took_is_all_less_what_we_took() -> None:
    before = moment(busy_s=100.0, stolen_s=5.0, idle_s=50.0, own_s=10.0)
    after = moment(busy_s=106.0, stolen_s=6.0, idle_s=53.0, own_s=12.0, celsius=70.0, throttled=2, load=3.0)
    assert between(before, after, system=Path("/nowhere")) == Conditions(
        governor="",
        load_before=0.5,
        load_after=3.0,
        others=0.4,
        stolen=0.1,
        celsius_before=40.0,
        celsius_after=70.0,
        throttled=2,
    )


def test_rounding_makes_nobody_take_less_than_nothing() -> None:
    assert between(moment(), moment(busy_s=1.0, own_s=1.1), system=Path("/nowhere")).others == 0
    assert between(moment(), moment(), system=Path("/nowhere")).others is None


@pytest.mark.parametrize(
    ("governors", "said"),
    [((), ""), (("powersave",) * 2, "powersave"), (("schedutil", "performance"), "performance, schedutil")],
)
def test_the_governor_is_that_of_all_processors(tmp_path: Path, governors: tuple[str, ...], said: str) -> None:
    assert governor(system(tmp_path, governors=governors)) == said


def test_memory_is_read_from_the_system(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\n")
    found = memory(status)
    assert found is not None
    assert (found.now_bytes, found.peak_bytes, found.source) == (8000 * 1024, 9000 * 1024, "VmHWM")


@pytest.mark.parametrize(("kind", "unit"), [("Linux", 1024), ("Darwin", 1)])
@pytest.mark.parametrize("text", [None, "VmRSS:\t 8000 kB\n", "VmRSS: x\nVmHWM: y\n", "VmRSS:\nVmHWM:\n"])
def test_elsewhere_the_peak_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, unit: int, text: str | None
) -> None:
    status = tmp_path / "status"
    if text is not None:
        status.write_text(text)
    monkeypatch.setattr(platform, "system", lambda: kind)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=7))
    found = memory(status)
    assert found is not None
    assert (found.now_bytes, found.peak_bytes, found.source) == (7 * unit, 7 * unit, "getrusage")


def test_a_system_without_getrusage_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory(tmp_path / "no") is None
