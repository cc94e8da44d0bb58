"""Recorded inputs on disk: how they may be written, and what is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.data import Sample
from misread.errors import FileError, InputError
from misread.runtime.compare.path import Recorded


def samples(*names: str) -> list[Sample]:
    return [Sample(path=Path(name), label=None, name=name) for name in names]


def planes(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, 8, 6)).astype(np.float32)


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: x,
        lambda x: x[None],
        lambda x: x.transpose(1, 2, 0),
        lambda x: x.transpose(1, 2, 0)[None],
        np.asfortranarray,
        lambda x: x.astype(np.float64),
    ],
)
def test_every_layout_gives_planes(tmp_path: Path, layout: Any) -> None:
    np.savez_compressed(tmp_path / "dump.npz", **{"a/1.png": layout(planes())})
    found = Recorded.open(tmp_path / "dump.npz")
    assert found.names == ("a/1.png",)
    np.testing.assert_array_equal(found.planes("a/1.png"), planes())


def test_a_folder_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "1.png.npy", planes())
    np.save(tmp_path / "grey.npy", np.ones((8, 6), np.uint8))
    found = Recorded.open(tmp_path)
    assert found.names == ("a/1.png", "grey")
    np.testing.assert_array_equal(found.planes("a/1.png"), planes())
    assert found.planes("grey").shape == (1, 8, 6)


@pytest.mark.parametrize("name", ["a/1.png", "1.png", "a/1", "1"])
def test_names_are_found_with_and_without_folder_and_suffix(name: str) -> None:
    matched = Recorded.of({name: planes()}).matched(samples("a/1.png", "b/2.png"))
    assert [(sample.name, key) for sample, key in matched] == [("a/1.png", name)]


def test_a_name_that_fits_two_pictures_fits_none() -> None:
    with pytest.raises(InputError, match=r"names none of the pictures: it has 1 …, the pictures are called a/1.png"):
        Recorded.of({"1": planes()}).matched(samples("a/1.png", "b/1.png"))
    exact = Recorded.of({"a/1.png": planes(), "b/1.png": planes()})
    assert [key for _, key in exact.matched(samples("a/1.png", "b/1.png"))] == ["a/1.png", "b/1.png"]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 3, 8, 8), np.float32), "one picture's input"),
        (np.zeros((5, 8, 8), np.float32), "1 or 3 channels, first or last"),
        (np.zeros((3, 8, 8), np.int64), "floats or uint8"),
        (np.full((3, 8, 8), np.nan, np.float32), "not finite"),
        (np.zeros((3, 0, 8), np.float32), "one picture's input"),
        (np.array([None]), "floats or uint8"),
    ],
)
def test_what_is_no_input_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:
    with pytest.raises(FileError, match=words):
        Recorded.of({"x": array}).planes("x")
    np.savez(tmp_path / "dump.npz", x=array)
    with pytest.raises(FileError, match=words):
        Recorded.open(tmp_path / "dump.npz").planes("x")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        Recorded.open(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(FileError, match="no arrays that can be read"):
        Recorded.open(tmp_path / "text.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no array"):
        Recorded.open(tmp_path / "empty")
    (tmp_path / "empty" / "x.npy").write_bytes(b"no array")
    with pytest.raises(FileError, match="no arrays that can be read"):
        Recorded.open(tmp_path / "empty").planes("x")


def test_a_header_that_promises_too_much_is_not_believed(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (3, 2**20, 2**20)})
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(FileError, match="one picture's input"):
        Recorded.open(tmp_path / "bomb.npz").planes("x")
    short = io.BytesIO()
    np.lib.format.write_array_header_1_0(short, {"descr": "<f4", "fortran_order": False, "shape": (3, 8, 8)})
    (tmp_path / "short.npy").write_bytes(short.getvalue())
    with pytest.raises(FileError, match=r"truncated at short\.npy"):
        Recorded.open(tmp_path).planes("short")


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "dump.npz", x=planes())
    found = Recorded.open(tmp_path / "dump.npz")
    (tmp_path / "dump.npz").unlink()
    with pytest.raises(FileError, match="cannot read"):
        found.planes("x")
