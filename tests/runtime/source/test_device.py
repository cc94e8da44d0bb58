"""Cameras of this machine, as far as they can be tested without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from misread.errors import CameraError, InputError
from misread.runtime.source import SourceOptions, device, open_source
from misread.runtime.source.device import device_target


class Pretend:
    """A capture that brightens up, then holds still, then gives nothing while it says it is open."""

    def __init__(self, frames: int) -> None:
        self.left = frames
        self.read_so_far = 0
        self.asked: list[tuple[int, float]] = []
        self.released = 0
        self.values: dict[int, float] = {cv2.CAP_PROP_EXPOSURE: 156.0, cv2.CAP_PROP_AUTO_EXPOSURE: 3.0}

    def set(self, what: int, value: float) -> bool:
        self.asked.append((what, value))
        self.values[what] = value
        return True

    def get(self, what: int) -> float:
        return float("nan") if what == cv2.CAP_PROP_POS_MSEC else self.values.get(what, 0.0)

    def getBackendName(self) -> str:  # noqa: N802  OpenCV's name
        return "PRETEND"

    def read(self) -> tuple[bool, Any]:
        if self.left == 0:
            return False, None
        self.left -= 1
        self.read_so_far += 1
        frame = np.zeros((8, 8, 3), np.uint8)
        frame[..., 0] = min(self.read_so_far * 20, 100)  # blue in OpenCV's order
        return True, frame

    def release(self) -> None:
        self.released += 1


def test_a_camera_that_is_not_there_names_the_doctor() -> None:
    with pytest.raises(CameraError, match="misread doctor") as caught:
        open_source("device:93")
    assert caught.value.exit_code == 4


def test_the_format_comes_before_the_size_and_dark_frames_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend = Pretend(30)
    opened = iter([pretend])
    monkeypatch.setattr(device, "open_capture", lambda *_: next(opened, None))
    source = open_source("device:0", SourceOptions(retries=1, backoff_s=0.0, width=640, height=480, lock=None))
    with pytest.raises(CameraError, match="camera device:0 stopped"):
        list(source.frames())
    source.close()
    assert [what for what, _ in pretend.asked] == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
    ]
    assert pretend.released == 1
    assert source.health().properties[0] == ("size", "640x480")
    assert source.health().notes == ()


def test_frames_are_rgb_and_settled_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = iter([Pretend(30)])
    monkeypatch.setattr(device, "open_capture", lambda *_: next(opened, None))
    source = open_source("device:0", SourceOptions(retries=0))
    frame = next(source.frames())
    source.close()
    assert frame.image[0, 0].tolist() == [0, 0, 100]
    assert frame.pts_ms is None


def test_a_camera_that_gives_nothing_from_the_start_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = iter([Pretend(0), Pretend(0), Pretend(0)])
    monkeypatch.setattr(device, "open_capture", lambda *_: next(opened, None))
    source = open_source("device:0", SourceOptions(retries=3, backoff_s=0.0))
    with pytest.raises(CameraError, match="stopped after 0 frames"):
        list(source.frames())
    source.close()


def test_a_camera_that_opens_again_and_again_and_gives_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Pretend] = []

    def opened(*_: object) -> Pretend:
        tries.append(Pretend(0))
        return tries[-1]

    monkeypatch.setattr(device, "open_capture", opened)
    source = open_source("device:0", SourceOptions(retries=3, backoff_s=0.0))
    with pytest.raises(CameraError, match="stopped after 0 frames and 3 attempts"):
        list(source.frames())
    source.close()
    assert len(tries) == 4


@pytest.mark.parametrize("text", ["device:", "device:-1", "device:x", "device:12345", "device:²"])
def test_what_names_no_camera_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="device:N"):
        open_source(text)


def test_stable_names_are_followed(tmp_path: Path) -> None:
    (tmp_path / "video7").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "video7")
    assert device_target(f"device:{tmp_path}/by-id") == str((tmp_path / "video7").resolve())
    assert device_target("device:3") == 3


def test_time_limits_stand_before_opencv_reads_them_and_a_users_own_stay() -> None:
    code = "import os, sys, misread; print(os.environ['OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT'], 'cv2' in sys.modules)"
    for own, told in (({}, "3 False"), ({"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "7"}, "7 False")):
        env = {key: value for key, value in os.environ.items() if "OPENCV_VIDEOIO" not in key} | own
        ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == told


@pytest.mark.hardware
def test_a_real_camera_hands_out_frames() -> None:
    try:
        source = open_source("device:0")
    except CameraError as error:
        pytest.skip(str(error))
    frame = next(source.frames())
    source.close()
    assert frame.image.shape[2] == 3
