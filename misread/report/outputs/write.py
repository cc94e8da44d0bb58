"""Which output files a run should leave, and leaving them: each is whole or absent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from misread.errors import InputError, OptionError, StorageError
from misread.files import atomic_write, storage_errors
from misread.report.outputs import FORMATS

if TYPE_CHECKING:
    from misread.report.outputs.base import Start
    from misread.runtime.verdict import Verification


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """The files that a run should leave, each replacing what had its name; None writes none.

    Attributes:
        junit: JUnit XML.
        metrics: Prometheus text.
        markdown: a summary for a CI page.
        csv: one row per witness and build.
        jsonl: the same as JSON lines, with all that is known.
        sarif: what failed, as SARIF 2.1.0.
        junit_witnesses: JUnit has a case for each witness too.
    """

    junit: Path | None = None
    metrics: Path | None = None
    markdown: Path | None = None
    csv: Path | None = None
    jsonl: Path | None = None
    sarif: Path | None = None
    junit_witnesses: bool = False

    def __post_init__(self) -> None:
        """Refuse two files of one name, and witnesses for nothing."""
        twice = [path for path, times in Counter(self.files.values()).items() if times > 1]
        if twice:
            raise OptionError(f"{twice[0]} is given for two formats; every format needs a file of its own")
        if self.junit_witnesses and self.junit is None:
            raise OptionError("--junit-witnesses adds cases to a JUnit file; add --junit FILE")

    @property
    def files(self) -> dict[str, Path]:
        """The files asked for, by the name of their format."""
        asked = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: Path(path) for name, path in asked.items() if isinstance(path, Path)}

    def check(self) -> None:
        """Refuse, before any work is done, what could not be replaced or should not be: a folder, a device, a pipe.

        Raises:
            InputError: there is one of that name.
            StorageError: no file can have that name.
        """
        for name, path in self.files.items():
            with storage_errors(path, option=f"--{name}"):
                other = path.exists() and not path.is_file()
            if other:
                raise InputError(f"--{name} takes the name of a file to write, and {path} is something else")

    def write(self, verification: Verification, start: Start) -> None:
        """Write every file; one that cannot be written keeps no other from it.

        Args:
            verification: what was found.
            start: when it began.

        Raises:
            StorageError: some could not be written; nothing is left of those.
        """
        run = start.ended(witnesses=self.junit_witnesses)
        failed = []
        for form in FORMATS:
            if form.name in self.files:
                text = form.render(verification, run)
                try:
                    with atomic_write(self.files[form.name], option=f"--{form.name}") as out:
                        out.write(text.encode("utf-8"))
                except StorageError as error:
                    failed.append(str(error))
        if failed:
            raise StorageError("; ".join(failed))
