"""Video files and picture folders: every frame, in order, with the recording's time."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from misread.errors import FileError
from misread.pixels import UInt8, write_png
from misread.runtime.source import open_source


def noise(number: int, height: int = 48, width: int = 64) -> UInt8:
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_video(path: Path, code: str, frames: list[UInt8], fps: float = 30.0) -> None:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def test_lossless_video_comes_back_bit_for_bit(tmp_path: Path) -> None:
    frames = [noise(number) for number in range(25)]
    write_video(tmp_path / "clip.mkv", "FFV1", frames)
    source = open_source(str(tmp_path / "clip.mkv"))
    seen = list(source.frames())
    source.close()
    assert len(seen) == 25
    assert all((frame.image == sent).all() for frame, sent in zip(seen, frames, strict=True))
    assert [frame.index for frame in seen] == list(range(25))
    assert source.health().dropped == 0


@pytest.mark.parametrize("fps", [12.5, 60.0])
def test_time_is_the_recordings_time(tmp_path: Path, fps: float) -> None:
    write_video(tmp_path / "clip.avi", "MJPG", [noise(number) for number in range(10)], fps)
    source = open_source(str(tmp_path / "clip.avi"))
    stamps = [frame.time_ns for frame in source.frames()]
    source.close()
    assert np.diff(stamps) * 1e-9 == pytest.approx(np.full(9, 1 / fps), rel=0.02)


def test_real_footage_is_read_whole(shared_data: Path) -> None:
    source = open_source(str(shared_data / "video" / "highway.mp4"))
    frames = list(source.frames())
    source.close()
    assert len(frames) == 38
    assert frames[0].image.shape == (720, 1280, 3)
    assert frames[-1].time_ns == pytest.approx(37 / 25 * 1e9, rel=0.01)
    assert dict(source.health().properties)["size"] == "1280x720"
    # The sky of this scene is blue, so channels are RGB.
    sky = frames[0].image[:200].reshape(-1, 3).mean(axis=0)
    assert sky[2] > sky[0]


def test_a_video_that_is_cut_off_ends_early_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    write_video(path, "MJPG", [noise(number) for number in range(40)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = open_source(str(path))
    frames = list(source.frames())
    source.close()
    assert 5 < len(frames) < 40
    assert any("cut off" in note for note in source.health().notes)


@pytest.mark.parametrize("content", [b"", b"this is text, not a video\n" * 50])
def test_what_is_no_video_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(FileError, match="not a video"):
        open_source(str(path))


def test_a_video_without_a_frame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    write_video(path, "MJPG", [noise(number) for number in range(5)])
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(FileError, match="cut off"):
        list(open_source(str(path)).frames())


def test_pictures_come_in_the_order_people_expect_and_folders_are_parts(tmp_path: Path) -> None:
    names = ["b/frame10.png", "b/frame9.png", "a/frame2.png", "a/frame1.png"]
    for level, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_png(tmp_path / name, np.full((8, 8, 3), level * 10, np.uint8))
    source = open_source(str(tmp_path))
    frames = list(source.frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [30, 20, 10, 0]
    assert [frame.part for frame in frames] == ["a", "a", "b", "b"]
    assert frames[3].time_ns == pytest.approx(3 / 30 * 1e9)
    assert source.health().properties == (("pictures", "4"),)


def test_a_closed_folder_hands_out_nothing_more(tmp_path: Path) -> None:
    for number in range(3):
        write_png(tmp_path / f"{number}.png", noise(number))
    source = open_source(str(tmp_path))
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    write_png(tmp_path / "0.png", noise(0))
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    with pytest.raises(FileError, match=r"1\.png"):
        list(open_source(str(tmp_path)).frames())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no pictures"):
        open_source(str(tmp_path))


@pytest.mark.skipif(find_spec("av") is None, reason="needs PyAV: pip install 'misread[video]'")
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_every_frame_of_a_file_with_b_frames_comes_once_and_in_order(tmp_path: Path, name: str) -> None:
    program = Path(__file__).with_name("bframes.py")
    subprocess.run([sys.executable, str(program), str(tmp_path / name), "60"], check=True, capture_output=True)
    source = open_source(str(tmp_path / name))
    frames = list(source.frames())
    source.close()
    levels = [float(frame.image.mean()) for frame in frames]
    assert levels == pytest.approx([20 + 3 * index for index in range(60)], abs=1.4)
    assert np.diff([frame.time_ns for frame in frames]) * 1e-9 == pytest.approx(np.full(59, 1 / 30), abs=2e-3)
    assert not any("cut off" in note for note in source.health().notes)
