"""Memory, cameras, windows and displays, as the system and OpenCV describe them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from misread.runtime.machine import cameras, has_display, has_ffmpeg, room, window_toolkit

if TYPE_CHECKING:
    from pathlib import Path

NEW = "\n  GUI:                           QT5\n    QT:                          YES (ver 5.15)\n\n  Media I/O:\n"
HEADLESS = "\n  GUI:                           NONE\n\n  Media I/O:\n"
OLD = (
    "\n  GUI: \n    QT:                          NO\n    GTK+:                        YES (ver 3.24)\n\n  Media I/O:\n"
)
OLD_HEADLESS = "\n  GUI: \n    GTK+:                        NO\n\n  Video I/O:\n    QT:   YES\n"


@pytest.mark.parametrize(
    ("information", "toolkit"), [(NEW, "QT5"), (HEADLESS, ""), (OLD, "GTK+"), (OLD_HEADLESS, ""), ("", "")]
)
def test_opencv_tells_what_it_draws_windows_with(information: str, toolkit: str) -> None:
    assert window_toolkit(information) == toolkit


def test_opencv_tells_whether_it_reads_streams() -> None:
    assert has_ffmpeg("  Video I/O:\n    FFMPEG:                      YES\n")
    assert not has_ffmpeg("  Video I/O:\n    FFMPEG:                      NO\n")


@pytest.mark.parametrize(
    ("environment", "system", "there"),
    [
        ({}, "Linux", False),
        ({"DISPLAY": ":0"}, "Linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "Linux", True),
        ({"DISPLAY": ""}, "Linux", False),
        ({}, "Darwin", True),
    ],
)
def test_a_display_is_told_by_its_variables(environment: dict[str, str], system: str, there: bool) -> None:
    assert has_display(environment, system) is there


def test_cameras_are_listed_in_order_and_not_opened(tmp_path: Path) -> None:
    devices, sysfs = tmp_path / "dev", tmp_path / "sys"
    devices.mkdir()
    for number in (10, 0, 2):
        # A pipe: opening it would wait for ever.
        os.mkfifo(devices / f"video{number}", 0o600)
    (sysfs / "video0").mkdir(parents=True)
    (sysfs / "video0" / "name").write_bytes(b"Integrated \xff Camera\n")
    found = cameras(devices, sysfs)
    assert [camera.path for camera in found] == [str(devices / f"video{number}") for number in (0, 2, 10)]
    assert found[0].name == "Integrated \ufffd Camera"
    assert found[1].name == ""
    assert all(camera.readable for camera in found)


def test_no_devices_are_no_cameras(tmp_path: Path) -> None:
    assert cameras(tmp_path / "none", tmp_path) == ()


@pytest.mark.parametrize(("limit", "bytes_"), [("1048576\n", 2**20), ("max\n", None), (None, None)])
def test_room_is_what_the_system_tells(tmp_path: Path, limit: str | None, bytes_: int | None) -> None:
    (tmp_path / "meminfo").write_text(
        "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\nHugePages_Total: 0\n"
    )
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    found = room(tmp_path / "meminfo", tmp_path / "memory.max", tmp_path)
    assert (found.memory_bytes, found.free_bytes, found.limit_bytes) == (2 * 2**20, 2**20, bytes_)
    assert found.folder == str(tmp_path)
    assert found.disk_free_bytes is not None
    assert found.disk_free_bytes > 0


def test_room_that_nobody_tells_is_none(tmp_path: Path) -> None:
    found = room(tmp_path / "no", tmp_path / "no", tmp_path / "gone")
    assert (found.memory_bytes, found.free_bytes, found.limit_bytes, found.disk_free_bytes) == (None,) * 4
