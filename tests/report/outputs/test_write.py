"""Which files are written: all that can be, whole; what could not be is said before any work, or in one sentence."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from misread.errors import InputError, OptionError, StorageError
from misread.report.outputs import FORMATS
from misread.report.outputs.base import Start
from misread.report.outputs.write import Outputs
from tests.report.outputs.made import RUN, R, V, build, found

NAMES = [form.name for form in FORMATS]


def asked(folder: Path, *names: str) -> Outputs:
    return Outputs(**{name: folder / name for name in names})  # type: ignore[arg-type]


def test_every_format_has_its_option() -> None:
    assert {field.name for field in fields(Outputs)} == {*NAMES, "junit_witnesses"}


def test_every_file_asked_for_is_written_whole(tmp_path: Path) -> None:
    asked(tmp_path, *NAMES).write(found(build([V, R])), Start.now())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert all(path.read_text(encoding="utf-8").endswith("\n") for path in tmp_path.iterdir())


def test_nothing_asked_for_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Outputs().write(found(build([V])), Start.now())
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "junit"
    path.write_text("old " * 10_000)
    asked(tmp_path, "junit").write(found(build([V])), Start.now())
    assert "old" not in path.read_text()


def test_a_run_is_timed_and_placed() -> None:
    run = Start.now().ended(witnesses=True)
    assert run.seconds >= 0
    assert run.started.tzinfo is not None
    assert (run.witnesses, RUN.witnesses) == (True, False)


def test_one_file_that_cannot_be_written_keeps_no_other_from_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outputs = Outputs(junit=tmp_path / "file" / "a.xml", metrics=tmp_path / "b.prom")
    with pytest.raises(StorageError, match=r"cannot write .*a\.xml: .*choose another place with --junit$"):
        outputs.write(found(build([V])), Start.now())
    assert (tmp_path / "b.prom").exists()


def test_one_file_for_two_formats_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="a file of its own"):
        Outputs(junit=tmp_path / "a", csv=tmp_path / "a")


def test_witness_cases_without_a_file_are_refused() -> None:
    with pytest.raises(OptionError, match="add --junit FILE"):
        Outputs(junit_witnesses=True)


def test_a_folder_a_pipe_or_a_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(InputError, match="--sarif takes the name of a file"):
            Outputs(sarif=path).check()
    Outputs(sarif=tmp_path / "new").check()


def test_a_name_that_no_file_can_have_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"too long.*--csv"):
        Outputs(csv=tmp_path / ("a" * 300)).check()
