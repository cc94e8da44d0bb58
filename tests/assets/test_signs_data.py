from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from examples import signs_data
from examples.signs_augment import INPUT_PX, capture, photograph
from examples.signs_batches import MIRROR
from examples.signs_data import HELD_OUT_STOP_TRACKS, STOP, Photos, read_photos, split, unpack
from misread.assets import SIGN_LABELS
from misread.pixels import write_png


def archive_of(path: Path, names: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:xz") as tar:
        for name, data in names.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def some_photos() -> Photos:
    labels = np.repeat([0, 1], [30, 120])
    tracks = np.concatenate([np.repeat(np.arange(3), 10), np.repeat(np.arange(12), 10)])
    return Photos(images=np.zeros((150, 64, 64, 3), np.uint8), labels=labels, tracks=tracks)


def test_unpacks_inside_its_folder_only(tmp_path: Path) -> None:
    good = archive_of(tmp_path / "good.tar.xz", {"3/00001_00002.ppm": b"x"})
    assert (unpack(good, tmp_path / "out") / "3" / "00001_00002.ppm").read_bytes() == b"x"
    evil = archive_of(tmp_path / "evil.tar.xz", {"../escaped.ppm": b"x"})
    with pytest.raises(ValueError, match="lies outside the folder"):
        unpack(evil, tmp_path / "out")
    assert not (tmp_path / "escaped.ppm").exists()


def test_archives_of_something_else_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs_data, "_MAX_FILE_BYTES", 10)
    large = archive_of(tmp_path / "large.tar.xz", {"3/00001_00002.ppm": bytes(11)})
    with pytest.raises(ValueError, match="too many files, or too large"):
        unpack(large, tmp_path / "out")


def test_held_out_stop_tracks_are_never_read(tmp_path: Path) -> None:
    for label, track in ((STOP, 0), (STOP, 5), (STOP, 6), (3, 0)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        write_png(tmp_path / str(label) / "tmp.png", np.full((20, 30, 3), 90, np.uint8))
        (tmp_path / str(label) / "tmp.png").rename(tmp_path / str(label) / f"{track:05d}_00000.ppm")
    photos = read_photos(tmp_path)
    assert sorted(zip(photos.labels.tolist(), photos.tracks.tolist(), strict=True)) == [(3, 0), (STOP, 6)]


def test_held_out_tracks_are_those_of_the_stop_clips(shared_data: Path) -> None:
    with tarfile.open(shared_data / "gtsrb" / "stop-tracks.tar.xz") as tar:
        tracks = {int(Path(name).stem.split("_")[0]) for name in tar.getnames() if name.endswith(".ppm")}
    assert tracks == HELD_OUT_STOP_TRACKS


def test_no_track_is_on_both_sides() -> None:
    training, held_out = split(some_photos(), np.random.default_rng(0))
    assert set(held_out.labels.tolist()) == {1}  # three tracks are too few to spare one
    assert not set(training.tracks[training.labels == 1].tolist()) & set(held_out.tracks.tolist())
    assert len(training.labels) + len(held_out.labels) == 150
    assert len(held_out.labels) == 10


def test_mirroring_twice_is_nothing_and_changes_left_to_right() -> None:
    known = np.flatnonzero(MIRROR >= 0)
    assert (MIRROR[MIRROR[known]] == known).all()
    for label in known:
        name, mirrored = SIGN_LABELS[label], SIGN_LABELS[MIRROR[label]]
        assert ("left" in name) == ("right" in mirrored), name
    assert MIRROR[STOP] == -1


def test_changed_pictures_stay_pictures() -> None:
    rng = np.random.default_rng(0)
    source = rng.integers(0, 256, (64, 64, 3), np.uint8)
    for _ in range(60):
        changed = capture(photograph(source, rng), rng)
        assert changed.shape == (INPUT_PX, INPUT_PX, 3)
        assert changed.dtype == np.uint8
