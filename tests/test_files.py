"""Files are whole or absent."""

from __future__ import annotations

import errno
import json
import math
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pytest

from misread.errors import FileError, InputError, StorageError
from misread.files import (
    MAX_JSON_BYTES,
    atomic_folder,
    atomic_write,
    json_bytes,
    jsonable,
    read_json,
    sha256_file,
    write_json,
)
from misread.pixels import read_image

FULL = Path("/dev/full")


def no_space() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def test_a_written_file_is_there_and_readable(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "deep" / "a.bin") as out:
        out.write(b"whole")
    assert (tmp_path / "deep" / "a.bin").read_bytes() == b"whole"
    assert (tmp_path / "deep" / "a.bin").stat().st_mode & 0o444


@pytest.mark.parametrize("error", [ValueError("planted"), KeyboardInterrupt()])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(target) as out:  # noqa: PT012
        out.write(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    said = r"cannot write .*no space left on device; free some space"
    with pytest.raises(StorageError, match=said), atomic_write(tmp_path / "a.bin"):
        raise no_space()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_a_really_full_device_is_one_sentence() -> None:
    with pytest.raises(StorageError, match="cannot write"), atomic_write(FULL / "a.bin"):
        pytest.fail("nothing can be opened below a device")


def test_a_folder_appears_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with atomic_folder(target) as working:
        (working / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("planted"), KeyboardInterrupt(), no_space()])
def test_a_broken_off_folder_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")
    expected = StorageError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), atomic_folder(target, overwrite=True) as working:  # noqa: PT012
        (working / "new").write_text("new")
        raise error
    assert [entry.name for entry in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_other_failures_inside_a_folder_keep_their_name(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), atomic_folder(tmp_path / "out"):
        raise ConnectionResetError(errno.ECONNRESET, "peer went")


def test_an_existing_folder_is_refused_and_replaced_only_on_request(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(InputError, match="add --overwrite"), atomic_folder(target):
        pytest.fail("the block must not run")
    with atomic_folder(target, overwrite=True) as working:
        (working / "new").write_text("new")
    assert [entry.name for entry in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")
    real = Path.replace

    def replace(self: Path, other: Path) -> Path:
        if self.name.endswith(".partial"):
            raise no_space()
        return real(self, other)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(StorageError), atomic_folder(target, overwrite=True):
        pass
    assert (target / "old").read_text() == "old"


def test_json_carries_kind_and_schema_and_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"value": (1, 2)}, kind="thing")
    assert read_json(tmp_path / "a.json", kind="thing") == {"schema": 1, "kind": "thing", "value": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        ("[1]", "not a thing document"),
        ('{"kind": "other", "schema": 1}', "not a thing document"),
        ('{"kind": "thing", "schema": 2}', "has schema 2, this misread reads 1; update misread"),
        ("\ud800".encode("utf-8", "surrogatepass"), "not a JSON document"),
    ],
)
def test_foreign_json_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FileError, match=message):
        read_json(path, kind="thing")


def test_huge_and_missing_json_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as out:
        out.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(FileError, match="bytes; a misread document has at most"):
        read_json(tmp_path / "huge.json", kind="thing")
    with pytest.raises(FileError, match=r"cannot read .*no such file"):
        read_json(tmp_path / "none.json", kind="thing")


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    where: Path
    how: Colour
    numbers: tuple[float, ...]


def test_jsonable_knows_what_results_are_made_of() -> None:
    value = Thing(where=Path("a/b"), how=Colour.RED, numbers=(1.5, math.nan, math.inf))
    expected = {"where": "a/b", "how": "red", "numbers": [1.5, None, None]}
    assert jsonable(value) == expected
    assert jsonable({"array": np.arange(2), "number": np.float32(0.5)}) == {"array": [0, 1], "number": 0.5}
    assert json.loads(json_bytes(value, kind="thing")) == {"schema": 1, "kind": "thing", **expected}


def test_sha256_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(FileError, match="cannot read"):
        sha256_file(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_device_in_a_strangers_folder_neither_hangs_nor_fills_the_memory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    for name in ("pipe.json", "endless.json"):
        with pytest.raises(FileError, match="is no plain file; expected a misread document"):
            read_json(tmp_path / name, kind="thing")
        with pytest.raises(FileError, match="is no plain file; expected a picture"):
            read_image(tmp_path / name)
