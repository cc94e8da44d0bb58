"""What this machine offers besides its processor: memory, room on the disk, cameras, a display, windows."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICES: Final = Path("/dev")
SYSFS: Final = Path("/sys/class/video4linux")
MEMINFO: Final = Path("/proc/meminfo")
MEMORY_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_MAX_NAME_BYTES: Final = 256
_TOOLKITS: Final = ("QT", "GTK+", "GTK", "Cocoa", "Win32 UI", "Wayland")


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraDevice:
    """A video device that the system lists; nobody has opened it.

    Attributes:
        path: as in `/dev/video0`.
        name: what its driver calls it.
        readable: whether this user may open it.
    """

    path: str
    name: str
    readable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Memory and disk.

    Attributes:
        memory_bytes: that the machine has; None where the system does not tell.
        free_bytes: of these, what a program can still get; likewise.
        limit_bytes: what a container allows at most; None for no limit.
        folder: the working folder.
        disk_free_bytes: what can be written there; None where it cannot be told.
    """

    memory_bytes: int | None
    free_bytes: int | None
    limit_bytes: int | None
    folder: str
    disk_free_bytes: int | None


def room(meminfo: Path = MEMINFO, limit: Path = MEMORY_LIMIT, folder: Path | None = None) -> Room:
    """Look at memory, and at the disk of the working folder."""
    told = dict(re.findall(r"^(\w+):\s*(\d+) kB", _text(meminfo), re.MULTILINE))
    total, free = (int(told[name]) * 1024 if name in told else None for name in ("MemTotal", "MemAvailable"))
    allowed = _text(limit).strip()
    place = folder or Path.cwd()
    try:
        disk = shutil.disk_usage(place).free
    except OSError:
        disk = None
    return Room(
        memory_bytes=total,
        free_bytes=free,
        limit_bytes=int(allowed) if allowed.isdecimal() else None,
        folder=str(place),
        disk_free_bytes=disk,
    )


def cameras(devices: Path = DEVICES, sysfs: Path = SYSFS) -> tuple[CameraDevice, ...]:
    """List the video devices of a Linux system without opening one; empty elsewhere."""
    found = sorted(devices.glob("video[0-9]*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0))
    return tuple(
        CameraDevice(
            path=str(path), name=_driver_name(sysfs / path.name / "name"), readable=os.access(path, os.R_OK | os.W_OK)
        )
        for path in found
    )


def has_display(environment: Mapping[str, str] = os.environ, system: str = "") -> bool:
    """Tell whether a window could be shown: always so on a desktop system, by its variables on Linux."""
    if (system or platform.system()) in {"Darwin", "Windows"}:
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def window_toolkit(build_information: str) -> str:
    """Return what OpenCV draws windows with, from its build information; empty for a headless build."""
    found = re.search(r"^[ \t]*GUI:[ \t]*(.*)$", build_information, re.MULTILINE)
    if found is None:
        return ""
    named = found.group(1).strip()
    if named:
        return "" if named.upper() in {"NO", "NONE"} else named
    # Older builds leave the line empty and list each toolkit below it, up to the next blank line.
    block = build_information[found.end() :].lstrip("\n").split("\n\n", 1)[0]
    for toolkit in _TOOLKITS:
        if re.search(rf"^[ \t]*{re.escape(toolkit)}[^:\n]*:[ \t]*YES", block, re.MULTILINE):
            return toolkit
    return ""


def has_ffmpeg(build_information: str) -> bool:
    """Tell whether OpenCV reads videos and streams through FFmpeg."""
    return re.search(r"^[ \t]*FFMPEG:[ \t]*YES", build_information, re.MULTILINE) is not None


def _driver_name(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_NAME_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
