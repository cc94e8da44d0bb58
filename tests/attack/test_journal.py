"""The journal: a run that was stopped goes on, and nothing else is taken for one."""

from __future__ import annotations

import fcntl
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from misread.attack.journal import NAME, Journal, digest_of, journal_of
from misread.errors import FileError, InputError, ModelRunError, OptionError, StorageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

ABOUT = {"eps": "0.03", "weights": "a" * 64}


def opened(out: Path, **changes: Any) -> AbstractContextManager[Journal]:
    given: dict[str, Any] = {"about": ABOUT, "total": 3, "chunk": 8, "resume": False, "overwrite": False, **changes}
    return journal_of(out, given.pop("about"), **given)


def run(out: Path, lines: int = 0, error: BaseException | None = None, **flags: Any) -> None:
    """Do so many pictures, and end by an error or well."""
    with opened(out, **flags) as journal:
        for number in range(lines):
            journal.add({"picture": number})
        (journal.folder / "witness.png").write_bytes(b"whole")
        if error is not None:
            raise error


def stopped(out: Path) -> Path:
    """Leave a run behind that was stopped after two pictures."""
    with pytest.raises(KeyboardInterrupt):
        run(out, 2, KeyboardInterrupt())
    return out.with_name(out.name + ".part")


def test_the_bundle_appears_when_the_run_ends(tmp_path: Path) -> None:
    with opened(tmp_path / "b") as journal:
        (journal.folder / "manifest.json").write_text("whole")
        journal.add({"picture": 0})
        assert not (tmp_path / "b").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b" / "manifest.json").read_text() == "whole"


def test_what_was_done_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "b"
    with pytest.raises(KeyboardInterrupt, match=r"stopped; 2 of 3 pictures are kept in .*b\.part; the same command"):
        run(out, 2, KeyboardInterrupt(), chunk=5)
    with opened(out, resume=True) as journal:
        assert list(journal.lines) == [{"picture": 0}, {"picture": 1}]
        assert journal.chunk == 5
        journal.add({"picture": 2})
        head, *lines = [json.loads(line) for line in (journal.part / NAME).read_text().splitlines()]
    assert head["created"] == journal.created
    assert [line["picture"] for line in lines] == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_line_that_was_being_written_is_cut_off(tmp_path: Path) -> None:
    part = stopped(tmp_path / "b")
    with (part / NAME).open("ab") as stream:
        stream.write(b'{"picture": 2, "wit')
    with opened(tmp_path / "b", resume=True) as journal:
        assert len(journal.lines) == 2
        journal.add({"picture": 2})
        assert json.loads((part / NAME).read_text().splitlines()[-1]) == {"picture": 2}


def test_resuming_nothing_begins(tmp_path: Path) -> None:
    with opened(tmp_path / "b", resume=True) as journal:
        assert list(journal.lines) == []
    (tmp_path / "c.part").mkdir()  # killed before the journal was there
    with opened(tmp_path / "c") as journal:
        assert list(journal.lines) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("no"), ValueError("a bug")])
def test_a_run_that_did_nothing_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error), match=f"^{error}$"):
        run(tmp_path / "b", 0, error)
    assert list(tmp_path.iterdir()) == []


def test_errors_keep_their_kind_and_say_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(ModelRunError, match=r"^it broke; 1 of 3 pictures are kept"):
        run(tmp_path / "b", 1, ModelRunError("it broke"))
    with pytest.raises(StorageError, match=r"no space.*; 1 of 3 .*--resume goes on"):
        run(tmp_path / "b", 0, OSError(28, "No space left on device"), resume=True)
    with pytest.raises(ValueError, match=r"^a bug$"):
        run(tmp_path / "b", 0, ValueError("a bug"), resume=True)
    assert (tmp_path / "b.part" / NAME).is_file()


def test_a_full_disk_is_said_when_a_line_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path / "b")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"no space left.*; 2 of 3 "):
        run(tmp_path / "b", 1, resume=True)


def test_a_stopped_run_is_neither_forgotten_nor_replaced_unasked(tmp_path: Path) -> None:
    part = stopped(tmp_path / "b")
    with pytest.raises(InputError, match=r"holds 2 of 3 pictures .* add --resume .* or --overwrite"):
        run(tmp_path / "b")
    assert (part / "bundle" / "witness.png").is_file()
    with opened(tmp_path / "b", overwrite=True) as journal:
        assert list(journal.lines) == []
        assert not (part / "bundle" / "witness.png").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_bundle_is_not_replaced_unasked(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="exists already; add --overwrite"):
        run(tmp_path / "b", resume=resume)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({**ABOUT, "eps": "0.06"}, "was begun with eps 0.03 and this command says 0.06; type the same command"),
        ({**ABOUT, "weights": "b" * 64}, r"weights a{57}… and"),
        ({**ABOUT, "new": "1"}, "new None"),
    ],
)
def test_another_run_is_not_resumed(tmp_path: Path, about: dict[str, str], said: str) -> None:
    part = stopped(tmp_path / "b")
    with pytest.raises(OptionError, match=said):
        run(tmp_path / "b", about=about, resume=True)
    assert (part / "bundle" / "witness.png").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 1, "kind": "misread-bundle"}\n', "is no journal"),
        ('{"schema": 9, "kind": "misread-journal"}\n', "is no journal"),
        ("", "is no journal"),
        ("{}\nnonsense\n{}\n", "line 2 is damaged"),
    ],
)
def test_a_damaged_journal_is_refused(tmp_path: Path, text: str, said: str) -> None:
    part = stopped(tmp_path / "b")
    (part / NAME).write_text(text)
    with pytest.raises(FileError, match=said):
        run(tmp_path / "b", resume=True)
    with opened(tmp_path / "b", overwrite=True) as journal:
        assert list(journal.lines) == []


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_a_strangers_folder_is_left_alone(tmp_path: Path, flags: dict[str, Any]) -> None:
    (tmp_path / "b.part").mkdir()
    (tmp_path / "b.part" / "precious").write_text("kept")
    with pytest.raises(InputError, match=r"b\.part is in the way"):
        run(tmp_path / "b", **flags)
    assert (tmp_path / "b.part" / "precious").read_text() == "kept"


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_two_processes_do_not_share_a_journal(tmp_path: Path, flags: dict[str, Any]) -> None:
    part = stopped(tmp_path / "b")
    with ExitStack() as stack:
        other = stack.enter_context((part / NAME).open("rb"))
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process is writing"):
            run(tmp_path / "b", **flags)
    with opened(tmp_path / "b", resume=True) as journal:
        assert len(journal.lines) == 2


def test_a_journal_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = stopped(tmp_path / "b")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(FileError, match=f"cannot read {part / NAME}: permission denied"):
        run(tmp_path / "b", resume=True)


@pytest.mark.parametrize("out", ["/", ".."])
def test_a_place_without_a_name_is_refused(tmp_path: Path, out: str) -> None:
    with pytest.raises(OptionError, match="no name of its own"):
        run(tmp_path / out, overwrite=True)


def test_only_the_last_line_is_held(tmp_path: Path) -> None:
    stopped(tmp_path / "b")
    with opened(tmp_path / "b", resume=True) as journal:
        journal.add({"pictures": [7, 8, 9]})
        assert (len(journal.lines), journal.lines.pictures, journal.lines[-1]) == (3, 5, {"pictures": [7, 8, 9]})
        assert list(journal.lines)[:2] == [{"picture": 0}, {"picture": 1}]
        assert {type(held) for held in vars(journal.lines).values()} <= {type(tmp_path), int, dict}
        with pytest.raises(IndexError):
            journal.lines[0]
    with opened(tmp_path / "c") as journal, pytest.raises(IndexError):
        journal.lines[-1]


def test_a_digest_tells_parts_apart() -> None:
    assert digest_of(["a", "bc"]) != digest_of(["ab", "c"])
    assert digest_of([1, 2]) == digest_of(["1", "2"])
