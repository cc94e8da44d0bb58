"""One report from several results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread import __version__
from misread.errors import FileError, OptionError
from misread.files import refuse_existing
from misread.report.content import ReportContent
from misread.report.html import write_report
from misread.report.results import KINDS
from misread.report.results.channels import channels
from misread.report.results.source import read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.report.results.source import Source

MOST_PICTURED: Final = 100
#: Fields that all results fill together, in their order.
_TOGETHER: Final = (
    "said", "facts", "warnings", "builds", "curves", "confusions", "assessments", "listings", "witnesses", "rungs",
    "cameras", "channels", "records",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions:
    """What to report on, and where to.

    Attributes:
        results: documents of `--json`, or folders of camera runs; the first gives the headline.
        out: the HTML file.
        bundle: folder of the witnesses; None looks where the documents say.
        title: at the head of the page.
        pictured: how many witnesses are shown large.
        overwrite: replace an existing file.
    """

    results: tuple[Path, ...]
    out: Path
    bundle: Path | None = None
    title: str = "misread report"
    pictured: int = 12
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what shows nothing."""
        if not self.results:
            raise OptionError(
                "a report needs one result or more; write one with: misread verify BUNDLE -m BUILD --json"
            )
        if not 0 <= self.pictured <= MOST_PICTURED:
            raise OptionError(
                f"0 to {MOST_PICTURED} witnesses are shown large, got {self.pictured}; all are in the table"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """A report that was written.

    Attributes:
        path: where it lies.
        bytes: how large it is.
        results: how many it shows.
        headline: its first sentence.
        warnings: what it warns of.
    """

    path: Path
    bytes: int
    results: int
    headline: str
    warnings: tuple[str, ...]


def report(options: ReportOptions) -> Reported:
    """Write the report of some results; the file is whole or absent.

    Raises:
        FileError: a result is missing, broken, of another kind or of a newer misread, or a picture is not the one that
            was written.
        InputError: the file exists already, or the bundle is another one.
        StorageError: it could not be written.
    """
    refuse_existing(options.out, overwrite=options.overwrite)
    sources = [read_source(path, KINDS, bundle=options.bundle, pictured=options.pictured) for path in options.results]
    created = f"misread {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    content = together([_part(source) for source in sources], title=options.title, created=created)
    write_report(options.out, content)
    return Reported(
        path=options.out,
        bytes=options.out.stat().st_size,
        results=len(sources),
        headline=content.headline,
        warnings=content.warnings,
    )


def together(parts: Sequence[ReportContent], *, title: str, created: str) -> ReportContent:
    """Return one report of several: the first gives the headline, and every section holds what all have for it."""
    joined: dict[str, Any] = {name: tuple(chain(*(getattr(part, name) for part in parts))) for name in _TOGETHER}
    # The same bundle may come twice, as what an attack wrote and as what was verified; its pictures come once.
    verified = [part.witnesses for part in parts if part.witnesses and part.listings]
    if verified:
        joined["witnesses"] = tuple(chain(*verified))
    headline = parts[0].headline
    joined["said"] = tuple(one for one in joined["said"] if one.sentence != headline)
    return ReportContent(title=title, headline=headline, created=created, **joined)


def _part(source: Source) -> ReportContent:
    try:
        return replace(KINDS[source.kind](source), channels=channels(source))
    except KeyError as error:
        raise FileError(f"{source.path} is no whole {source.kind} document: {error} is missing") from error
    except (TypeError, ValueError, AttributeError, IndexError, OptionError) as error:
        raise FileError(f"{source.path} is no whole {source.kind} document: {error}") from error
