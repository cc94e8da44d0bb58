"""Real pictures of a sign with a bundle's changes blended in, as a source."""

from __future__ import annotations

import tarfile
from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from misread.errors import FileError, InputError, OptionError
from misread.pixels import UInt8, write_png
from misread.runtime.board import Exhibit
from misread.runtime.camera import FilmOptions, film
from misread.runtime.channel.warp import paste
from misread.runtime.rig import Script
from misread.runtime.session import FunctionReader
from misread.runtime.source import SourceOptions, open_source
from tests.runtime.footage.test_blend import stop, tinted
from tests.runtime.planted import COLOURS


def pictures(sign: UInt8) -> tuple[UInt8, ...]:
    """Give a clean picture with a sign in its middle, and one with the sign covered in part."""
    clean = np.full((128, 128, 3), 120, np.uint8)
    clean[16:112, 16:112] = sign
    covered = clean.copy()
    covered[70:90, 30:100] = (10, 200, 10)
    return clean, covered


def exhibits() -> tuple[Exhibit, ...]:
    clean, covered = pictures(stop())
    return (
        Exhibit(index=0, name="0 clean", arm="clean", image=clean, label="red", group="0"),
        Exhibit(index=1, name="0", arm="adversarial", image=covered, label="red", group="0"),
        Exhibit(index=2, name="0 placebo", arm="placebo", image=tinted(clean, 5), label="red", group="0"),
    )


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Two tracks of two frames, and a frame without a sign."""
    folder = tmp_path / "in"
    folder.mkdir()
    for track in range(2):
        for at in range(2):
            frame, side = np.full((110, 120, 3), 90 + 20 * track, np.uint8), 70 + 10 * at
            paste(
                frame, stop(160), np.array([[20, 15], [20 + side, 15], [20 + side, 15 + side], [20, 15 + side]], float)
            )
            write_png(folder / f"{track:05}_{at:05}.png", frame)
    write_png(folder / "00001_00002.png", np.full((110, 120, 3), 90, np.uint8))
    return folder


def test_each_exhibit_is_shown_on_every_frame_and_a_clip_is_a_track(footage: Path) -> None:
    source = open_source(f"footage:{footage}", SourceOptions(exhibits=exhibits(), script=Script(seed=3)))
    frames = list(source.frames())
    assert [(part, len(list(group))) for part, group in groupby(frames, key=lambda frame: frame.part)] == [
        ("00000", 6), ("00001", 9),
    ]  # fmt: skip
    known = [frame.known for frame in frames if frame.known is not None]
    assert [one.exhibit for one in known] == [0, 0, 1, 1, 2, 2, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [one.corners is None for one in known[6:9]] == [False, False, True]
    again = list(open_source(f"footage:{footage}", SourceOptions(exhibits=exhibits(), script=Script(seed=3))).frames())
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, again, strict=True))
    other = next(open_source(f"footage:{footage}", SourceOptions(exhibits=exhibits(), script=Script(seed=4))).frames())
    assert not np.array_equal(other.image, frames[0].image)
    assert ("pictures", "5") in source.health().properties
    # Without a sign there is nothing to change: every arm sees the same frame, the same noise included.
    assert np.array_equal(frames[8].image, frames[11].image)
    assert not np.array_equal(frames[0].image, frames[2].image)
    source.close()
    assert not list(source.frames())


def greener(image: UInt8) -> int:
    return int((image[..., 1].astype(int) - image[..., 0] > 60).mean() > 0.02)


def reader() -> FunctionReader:
    """Reads "green" where two per cent of the picture are."""

    def logits(pictures: UInt8) -> np.ndarray:
        return np.array([[1.0 - greener(one), float(greener(one)), 0.0] for one in pictures], np.float32)

    return FunctionReader(replace(COLOURS, size_hw=(64, 64)), logits)


def test_the_camera_counts_each_arm_and_what_was_not_found(footage: Path) -> None:
    result = film(exhibits(), [reader()], FilmOptions(source=f"footage:{footage}"))
    rates = {one.exhibit: (one.misread.hits, one.misread.total, one.clips) for one in result.summaries}
    assert rates == {"0 clean": (0, 4, 2), "0": (4, 4, 2), "0 placebo": (0, 4, 2)}
    assert (result.frames, result.located) == (15, 12)
    assert all(pair.paired for pair in result.pairs)
    assert any("real footage" in note for note in result.health.notes)


def test_what_is_composed_is_not_recorded(footage: Path, tmp_path: Path) -> None:
    """A recording would not know what each frame shows, so its replay would come to other numbers."""
    with pytest.raises(OptionError, match="run it again"):
        FilmOptions(source=f"footage:{footage}", record=True, out=tmp_path / "out")


def test_footage_needs_a_bundle_a_sign_and_pictures(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--bundle"):
        open_source(f"footage:{footage}")
    blank = np.full((64, 64, 3), 90, np.uint8)
    nothing = Exhibit(index=0, name="0 clean", arm="clean", image=blank, label="red")
    with pytest.raises(InputError, match="no red, blue or yellow sign"):
        open_source(f"footage:{footage}", SourceOptions(exhibits=(nothing,)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no pictures"):
        open_source(f"footage:{tmp_path / 'empty'}", SourceOptions(exhibits=exhibits()))


@pytest.mark.slow
def test_on_real_stop_signs_the_clean_arm_is_the_footage_and_the_change_lies_on_the_sign(
    shared_data: Path, tmp_path: Path
) -> None:
    with tarfile.open(shared_data / "gtsrb" / "stop-tracks.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    source = open_source(f"footage:{tmp_path}", SourceOptions(exhibits=exhibits(), script=Script(seed=1)))
    frames = list(source.frames())
    clips = Counter((frame.part, frame.known.exhibit) for frame in frames if frame.known is not None)
    assert set(clips.values()) == {30}
    assert len(clips) == 6 * 3
    by_arm = [[frame for frame in frames if frame.known is not None and frame.known.exhibit == arm] for arm in range(3)]
    found = 0
    for clean, changed in zip(by_arm[0], by_arm[1], strict=True):
        assert clean.known is not None
        if clean.known.corners is None:
            continue
        found += 1
        moved = np.abs(clean.image.astype(int) - changed.image).max(axis=2) > 25
        (left, top), (right, bottom) = clean.known.corners[0], clean.known.corners[2]
        margin = 0.15 * (right - left) + 6  # blur and JPEG blocks of eight
        rows, columns = np.nonzero(moved)
        assert len(rows) > 10
        assert columns.min() >= left - margin
        assert columns.max() <= right + margin
        assert rows.min() >= top - margin
        assert rows.max() <= bottom + margin
    assert found >= 167  # 172 of 180
