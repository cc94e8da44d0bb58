"""Pictures in an npz file."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.data import find_samples
from misread.data import npz as module
from misread.data.npz import NpzRows
from misread.errors import FileError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = ("Stop", "Give way", "Priority road")


def pictures(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shape", [(3, 5, 6, 3), (3, 5, 6, 1), (3, 5, 6)])
def test_rows_are_the_pictures_in_any_order(tmp_path: Path, save: Any, shape: tuple[int, ...]) -> None:
    path, images = tmp_path / "a.npz", pictures(*shape)
    save(path, images=images, labels=np.array([2, 0, 1], np.uint8))
    samples = find_samples(path, LABELS)
    assert [(sample.name, sample.label) for sample in samples] == [("a.npz[0]", 2), ("a.npz[1]", 0), ("a.npz[2]", 1)]
    wanted = np.broadcast_to(images.reshape(3, 5, 6, -1), (3, 5, 6, 3))
    for at in (0, 2, 1, 1):
        read = samples[at].read()
        assert read.flags.c_contiguous
        assert np.array_equal(read, wanted[at])


def test_labels_may_be_names_or_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=pictures(2, 4, 4), labels=np.array(["Give way", "0"]))
    assert [sample.label for sample in find_samples(tmp_path / "a.npz", LABELS)] == [1, 0]
    np.savez(tmp_path / "b.npz", images=pictures(2, 4, 4))
    assert [sample.label for sample in find_samples(tmp_path / "b.npz", LABELS)] == [None, None]


@pytest.mark.parametrize("names", [("x_test", "y_test"), ("test_images", "test_labels"), ("X", "y")])
def test_pairs_as_others_call_them_with_labels_in_a_column(tmp_path: Path, names: tuple[str, str]) -> None:
    path, images = tmp_path / "a.npz", pictures(2, 4, 4)
    arrays: dict[str, Any] = {"x_train": pictures(3, 4, 4), "y_train": np.zeros(3, int)}
    arrays |= {names[0]: images, names[1]: np.array([[2], [0]])}
    np.savez(path, **arrays)
    samples = find_samples(path, LABELS)
    assert [sample.label for sample in samples] == [2, 0]
    assert np.array_equal(samples[1].read()[..., 0], images[1])


def test_the_array_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.zeros((64, 256, 256, 3), np.uint8), labels=np.zeros(64, np.int64))
    tracemalloc.start()
    total = sum(int(sample.read().sum()) for sample in find_samples(path, LABELS))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 0
    assert peak < 4 * 2**20


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pics": pictures(2, 4, 4)}, "holds pics; expected 'images' and 'labels', 'x_test' and 'y_test'"),
        ({"images": np.zeros((2, 4, 4), np.float32)}, r"images \(2, 4, 4\) float32; expected"),
        ({"images": pictures(2, 4, 4, 2)}, "expected .n, h, w. or .n, h, w, 3. uint8"),
        ({"images": pictures(4, 4)}, "expected .n, h, w. or"),
        ({"images": pictures(2, 3, 4, 4)}, r"move the channels to the end with transpose.0, 2, 3, 1."),
        ({"images": pictures(2, 3, 4)}, "4x4 to"),
        ({"images": np.asfortranarray(pictures(2, 4, 5))}, "column by column"),
        ({"images": pictures(0, 4, 4)}, "no pictures in"),
        ({"images": pictures(2, 4, 4), "labels": np.zeros(3, int)}, "labels .3,. int64; expected .2,. whole"),
        ({"images": pictures(2, 4, 4), "labels": np.zeros(2)}, "expected .2,. whole numbers or texts"),
        ({"images": pictures(2, 4, 4), "labels": np.array([None, 1])}, "expected .2,. whole numbers or texts"),
    ],
)
def test_other_arrays_are_one_sentence(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileError, match=message):
        find_samples(tmp_path / "a.npz", LABELS)


def test_an_unknown_label_names_its_picture(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=pictures(2, 4, 4), labels=np.array([0, 3]))
    with pytest.raises(InputError, match=r"a\.npz picture 1: unknown label '3'"):
        find_samples(tmp_path / "a.npz", LABELS)


def lying(path: Path, *, shape: tuple[int, ...], stored: bytes, name: str = "images.npy") -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, header.getvalue() + stored)
    return path


def test_sizes_that_lie_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="damaged: images"):
        find_samples(lying(tmp_path / "a.npz", shape=(2, 4, 4), stored=bytes(31)), LABELS)
    with pytest.raises(FileError, match="at most 2097152 of"):
        find_samples(lying(tmp_path / "b.npz", shape=(10**12, 4, 4), stored=b""), LABELS)
    with pytest.raises(FileError, match="at most"):
        find_samples(lying(tmp_path / "c.npz", shape=(1, 10**6, 10**6), stored=b""), LABELS)
    short = lying(tmp_path / "d.npz", shape=(2, 4, 4), stored=bytes(32))
    with pytest.raises(FileError, match="truncated in its labels"):
        find_samples(lying(short, shape=(2,), stored=b"\0", name="labels.npy"), LABELS)
    monkeypatch.setattr(module, "MAX_LABEL_BYTES", 1)
    with pytest.raises(FileError, match="whole numbers or texts"):
        find_samples(short, LABELS)


def test_a_file_that_goes_away_is_one_sentence(tmp_path: Path) -> None:
    path = lying(tmp_path / "a.npz", shape=(2, 4, 4), stored=bytes(32))
    rows = NpzRows(path)
    path.unlink()
    with pytest.raises(FileError, match="no such file"):
        rows.read(0)


def test_a_row_beyond_the_end_is_one_sentence(tmp_path: Path) -> None:
    rows = NpzRows(lying(tmp_path / "a.npz", shape=(2, 4, 4), stored=bytes(32)))
    with pytest.raises(FileError, match="truncated at picture 2"):
        rows.read(2)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_ends_in_a_sentence(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = io.BytesIO()
    np.savez_compressed(whole, images=pictures(3, 5, 6, 3), labels=np.array([2, 0, 1]))
    raw = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        read = [sample.read() for sample in find_samples(path, LABELS)]
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right, and both are checked
    else:
        assert {picture.shape[2] for picture in read} == {3}
