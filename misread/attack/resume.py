"""Taking a stopped run up again: what its journal says is checked against the folder, and counted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from misread.attack.tally import Made
from misread.errors import FileError, MisreadError
from misread.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.attack.craft import Craft
    from misread.attack.journal import Journal
    from misread.attack.tally import Tally
    from misread.bundle import BundleWriter, PictureRef, Witness
    from misread.data import Sample


def take_up(
    journal: Journal, samples: Sequence[Sample], writer: BundleWriter, craft: Craft, tally: Tally
) -> tuple[int, int]:
    """Bring writer, craft and tally to where the run stopped; files that no line speaks of are removed.

    Returns:
        The picture from which the network computes again, and how many are done. The first is the smaller one where
        the run was stopped inside a chunk: what a network computes depends in its last digits on the batch.

    Raises:
        FileError: journal, folder and pictures do not fit together.
    """
    try:
        for line, sample in zip(journal.lines, samples, strict=False):
            made = Made.read(line["made"], craft.subject.card)
            if made.spent.source != sample.name or sample.path.stat().st_size != line["bytes"]:
                raise FileError(f"{sample.path} is not the picture that {journal.part} was begun with")
            if made.witness is not None:
                check(journal, made.witness)
                writer.witnesses.append(made.witness)
            tally.add(made)
        start = _last(journal, craft)
    except (KeyError, TypeError, ValueError, OSError, MisreadError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise FileError(f"cannot resume: {reason}; begin anew with --overwrite instead of --resume") from error
    sweep(journal, writer.witnesses)
    return start, len(tally.each)


def _last(journal: Journal, craft: Craft) -> int:
    if not journal.lines:
        return 0
    line = journal.lines[-1]
    start, end = line["chunk"]
    whole = len(journal.lines) == end
    craft.restore(line["after" if whole else "before"])
    return int(end if whole else start)


def check(journal: Journal, witness: Witness) -> None:
    """Hold a witness's files against their hashes.

    Raises:
        FileError: one is missing or changed.
    """
    for picture in _pictures(witness):
        path = journal.folder / picture.path
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != picture.sha256:
            raise FileError(f"{path} is not as it was written")


def sweep(journal: Journal, witnesses: Sequence[Witness]) -> None:
    """Remove what was being written when the run was killed."""
    known = {picture.path for witness in witnesses for picture in _pictures(witness)}
    with storage_errors(journal.part):
        for path in journal.folder.glob("images/*"):
            if path.relative_to(journal.folder).as_posix() not in known:
                path.unlink()


def _pictures(witness: Witness) -> list[PictureRef]:
    return [picture for picture in (witness.clean, witness.changed, witness.placebo) if picture is not None]
