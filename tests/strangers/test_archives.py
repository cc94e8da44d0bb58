"""Weights and arrays of strangers: archives that expand or lie, pickles that never end, wrong kinds."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import archive as archives
from misread import cli
from misread.archive import open_archive
from misread.data import find_samples
from misread.errors import FileError, MisreadError
from misread.labels import read_labels
from misread.sniff import kind_of_bytes, kind_of_file
from tests.strangers.bounded import sentence

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(3, 2)
    def forward(self, pictures):
        return self.line(pictures.mean((2, 3)))

def make():
    return Net()
"""


def member(name: str, data: bytes = b"x", **fields: Any) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def zipped(path: Path, *members: tuple[zipfile.ZipInfo, bytes], compress: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for info, data in members:
            out.writestr(info, data, compress_type=compress)
    return path


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("/etc/passwd", {}, "has a name that leaves the archive"),
        ("../up", {}, "has a name that leaves the archive"),
        ("a/../../up", {}, "has a name that leaves the archive"),
        ("C:\\up", {}, "has a name that leaves the archive"),
        ("link", {"external_attr": 0o120777 << 16}, "is a link"),
    ],
)
def test_a_member_that_points_elsewhere_is_refused(tmp_path: Path, name: str, fields: Any, words: str) -> None:
    path = zipped(tmp_path / "a.npz", member(name, **fields))
    with pytest.raises(FileError, match=words), open_archive(path, "npz file"):
        pass


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "a.npz", member("a"), member("a", b"y"))
    with pytest.raises(FileError, match="its member 'a' is there twice"), open_archive(path, "npz file"):
        pass


def patched(path: Path, find: bytes, at: int, put: bytes) -> Path:
    data = bytearray(path.read_bytes())
    start = data.rfind(find) + at
    data[start : start + len(put)] = put
    path.write_bytes(bytes(data))
    return path


def test_sizes_that_do_not_add_up_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    central = b"PK\x01\x02"
    grown = patched(zipped(tmp_path / "a", member("a")), central, 24, struct.pack("<I", 2**31))
    with pytest.raises(FileError, match="says that 1 bytes are 2147483648"), open_archive(grown, "npz file"):
        pass
    both = patched(zipped(tmp_path / "b", member("a")), central, 20, struct.pack("<II", 2**31, 2**31))
    with pytest.raises(FileError, match="its members take more than its"), open_archive(both, "npz file"):
        pass
    secret = patched(zipped(tmp_path / "c", member("a")), central, 8, struct.pack("<H", 1))
    with pytest.raises(FileError, match="is encrypted"), open_archive(secret, "npz file"):
        pass
    monkeypatch.setattr(archives, "MAX_LIST_BYTES", 20)
    with pytest.raises(FileError, match="lists its members in 47 bytes"), open_archive(grown, "npz file"):
        pass


def test_a_zip64_record_that_lies_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a", member("a"))
    data, end = path.read_bytes(), path.stat().st_size - 22
    big = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(data[:end] + big + locator + data[end:])
    with pytest.raises(FileError, match=f"lists its members in {2**40} bytes"), open_archive(path, "npz file"):
        pass


def npz(path: Path, header: bytes, body: bytes = b"", version: bytes = b"\x01\x00") -> Path:
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    data = b"\x93NUMPY" + version + length + header + body
    return zipped(path, member("images.npy", data), compress=zipfile.ZIP_DEFLATED)


def test_an_npz_that_expands_costs_a_row_at_a_time(tmp_path: Path) -> None:
    """Two gigabytes in two megabytes: its header is believed and its rows are read one by one."""
    path = tmp_path / "a.npz"
    rows = 700
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out, out.open("images.npy", "w") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (rows, 1024, 1024, 3)}
        )
        for _ in range(8):
            file.write(bytes(3 * 2**20))
    with pytest.raises(FileError, match="is damaged: images"):
        find_samples(path, ("a",))
    shown = find_samples(
        npz(tmp_path / "b.npz", b"{'descr':'|u1','fortran_order':False,'shape':(1,4,4,3)}\n", bytes(48)), ()
    )
    assert shown[0].read().shape == (4, 4, 3)


def test_an_array_whose_header_is_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", b" " * (256 * 2**20), version=b"\x02\x00")
    assert path.stat().st_size < 2**20
    with pytest.raises(FileError, match="with a header of 268435456 bytes; at most 10000 are read"):
        find_samples(path, ("a",))


@pytest.fixture
def net(tmp_path: Path) -> list[str]:
    """Arguments of an export that works, but for its weights."""
    pytest.importorskip("torch")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "labels.txt").write_text("dark\nbright\n")
    origin = f"{tmp_path / 'net.py'}:make"
    return ["export", origin, "--labels", str(tmp_path / "labels.txt"), "--size", "8", "-o", str(tmp_path / "m.onnx")]


def refused(net: list[str], path: Path, words: str) -> None:
    result = CliRunner().invoke(cli.app, [*net, "--weights", str(path)])
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not path.with_name("m.onnx").exists()


def test_honest_weights_of_every_age_load(net: list[str], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = {"line.weight": torch.ones(2, 3), "line.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "new.pt")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "a.safetensors")
    for name in ("new.pt", "old.pth", "a.safetensors"):
        found = CliRunner().invoke(cli.app, [*net, "--weights", str(tmp_path / name), "--overwrite"])
        assert found.exit_code == 0, found.output


def tuples(levels: int) -> bytes:
    """A pickle of a dict whose one key is a tuple of two equal tuples of two, and so on."""
    return b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (at, at) for at in range(levels)) + b"K\x01s."


#: Magic number, protocol, system: what files of old torch start with.
_START: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
LEGACY = b"".join(pickle.dumps(value, 2) for value in _START)


def test_a_pickle_that_stands_for_too_much_is_refused_unbuilt(net: list[str], tmp_path: Path) -> None:
    assert pickle.loads(tuples(3)) == {((((), ()), ((), ())), (((), ()), ((), ()))): 1}  # noqa: S301  our own
    bomb = tmp_path / "old.pt"
    bomb.write_bytes(LEGACY + tuples(60) + pickle.dumps([], 2))
    refused(net, bomb, "stands for more than 16777216 objects")
    zipped(tmp_path / "new.pt", member("archive/data.pkl", tuples(60)), member("archive/version", b"3\n"))
    refused(net, tmp_path / "new.pt", "stands for more than 16777216 objects")
    grown = b"\x80\x02]q\x00" + b"(h\x00h\x00e" * 40 + b"."
    bomb.write_bytes(LEGACY + grown)
    refused(net, bomb, "stands for more than 16777216 objects")


def test_a_pickle_that_asks_for_memory_by_the_number_is_refused(net: list[str], tmp_path: Path) -> None:
    code = b"\x80\x02c__builtin__\nbytearray\nK\x08\x85R."
    zipped(tmp_path / "a.pt", member("archive/data.pkl", code), member("archive/version", b"3\n"))
    refused(net, tmp_path / "a.pt", "holds a pickle with a bytearray, which no state dict has")


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x02",
        b"\x80\x02h\x05.",
        b"\x80\x02\x85.",
        b"\x80\x02(\x85.",
        b"\x80\x02t.",
        b"\xff",
        b"\x80\x02X\xff\xff\xff\xff",
    ],
)
def test_a_damaged_pickle_is_one_sentence(net: list[str], tmp_path: Path, code: bytes) -> None:
    zipped(tmp_path / "a.pt", member("archive/data.pkl", code), member("archive/version", b"3\n"))
    refused(net, tmp_path / "a.pt", "holds a damaged pickle")


def test_too_many_steps_and_too_long_a_pickle(net: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from misread.export.origins import pickled, weights

    path = zipped(tmp_path / "a.pt", member("archive/data.pkl", b"\x80\x02]" + b"K\x01a" * 99 + b"."))
    monkeypatch.setattr(pickled, "MAX_STEPS", 50)
    refused(net, path, "a pickle of more than 50 steps")
    monkeypatch.setattr(weights, "MAX_PICKLE_BYTES", 50)
    refused(net, path, "a pickle of more than 50 bytes")


def test_keys_that_are_no_names_and_names_without_end(net: list[str], tmp_path: Path) -> None:
    import torch

    torch.save({(1, 2): torch.ones(2)}, tmp_path / "a.pt")
    refused(net, tmp_path / "a.pt", "its keys are no names")
    torch.save({"\x1b[2J" + "x" * 10**6: torch.ones(2)}, tmp_path / "c.pt")
    refused(net, tmp_path / "c.pt", "\\x1b[2Jxxx")


def test_a_file_far_larger_than_the_network_is_refused_unread(net: list[str], tmp_path: Path) -> None:
    for name in ("a.pt", "a.safetensors"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2**40)
        refused(net, tmp_path / name, "has 1099511627776 bytes, for a network of 32")


def test_a_compressed_pt_is_refused_before_it_expands(net: list[str], tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.pt", member("archive/data.pkl", bytes(2**20)), compress=zipfile.ZIP_DEFLATED)
    refused(net, path, "is a compressed archive, which torch.save does not write")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (struct.pack("<Q", 2**63) + b"{}", "has a header of 9223372036854775808 bytes"),
        (struct.pack("<Q", 100) + b"{}", "is not a whole safetensors file"),
        (
            b'\x50\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[9999999999],"data_offsets":[0,4]}}'.ljust(92),
            "is not a whole",
        ),
        (
            b'\x70\0\0\0\0\0\0\0{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
            b'"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}'.ljust(120),
            "is not a whole safetensors file",
        ),
        (b"PK\x03\x04" + bytes(99), "is no safetensors file, but a zip archive"),
        (b"\x80\x02}.", "is no safetensors file, but a pickle"),
        (b"", "is no safetensors file"),
    ],
)
def test_a_safetensors_file_that_lies(net: list[str], tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    refused(net, tmp_path / "a.safetensors", words)


WRONG = {
    "zip": (b"PK\x03\x04" + bytes(99), "zip archive"),
    "pickle": (pickle.dumps({"a": 1}, 2), "pickle"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG picture"),
    "text": (b"Just a text.\n", "text"),
    "elf": (b"\x7fELF" + bytes(99), "program"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("suffix", [".onnx", ".npz", ".pt", ".safetensors"])
def test_every_wrong_kind_says_what_it_is(net: list[str], tmp_path: Path, kind: str, suffix: str) -> None:
    data, words = WRONG[kind]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    argv = {
        ".onnx": ["inspect", str(path)],
        ".npz": ["attack", *net[1:6], "--data", str(path), "-o", str(tmp_path / "out")],
    }.get(suffix, [*net, "--weights", str(path)])
    result = CliRunner().invoke(cli.app, argv)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    own = (suffix in {".npz", ".pt"} and kind == "zip") or (suffix == ".pt" and kind == "pickle")
    assert own or words in result.stderr


@pytest.mark.parametrize("suffix", [".ts", ".pt2", ".pt", ".pth"])
@pytest.mark.parametrize("kind", WRONG)
def test_a_network_that_is_none_is_one_sentence(net: list[str], tmp_path: Path, kind: str, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(WRONG[kind][0])
    argv = ["export", str(tmp_path / f"a{suffix}"), "--trust", *net[2:]]
    result = CliRunner().invoke(cli.app, argv)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_pipes_and_devices_are_not_waited_for(net: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    refused(net, tmp_path / "pipe.pt", "is no plain file")
    for name in ("pipe.npz", "pipe.txt", "pipe.safetensors"):
        os.mkfifo(tmp_path / name)
    refused(net, tmp_path / "pipe.safetensors", "is no plain file")
    with pytest.raises(MisreadError, match="is no plain file"):
        find_samples(tmp_path / "pipe.npz", ("a",))
    with pytest.raises(MisreadError, match="is no plain file"):
        read_labels(tmp_path / "pipe.txt")


def test_kinds_are_told_by_the_first_bytes(tmp_path: Path) -> None:
    assert kind_of_bytes(b"") == kind_of_bytes(bytes(20)) == ""
    assert kind_of_bytes(io.BytesIO(b"\x93NUMPY").getvalue()) == "a NumPy array"
    (tmp_path / "a").write_bytes(b"%PDF-1.7")
    assert (kind_of_file(tmp_path / "a"), kind_of_file(tmp_path), kind_of_file(tmp_path / "b")) == (
        "a PDF document",
        "",
        "",
    )


@pytest.mark.slow
def test_a_process_that_meets_a_bomb_stays_small(net: list[str], tmp_path: Path) -> None:
    """Measured from outside: the whole process, imports of torch included."""
    bomb = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
        out.open("archive/data.pkl", "w") as file,
    ):
        for _ in range(256):
            file.write(bytes(2**22))
    assert "is a compressed archive" in sentence([*net, "--weights", bomb], tmp_path / "note")
    bomb.write_bytes(LEGACY + tuples(60) + pickle.dumps([], 2))
    assert "stands for more than" in sentence([*net, "--weights", bomb], tmp_path / "note")
