"""The sections of a report, from top to bottom; a new one is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.sections.builds import assessments, builds, confusions
from misread.report.sections.camera import camera
from misread.report.sections.channels import channels
from misread.report.sections.curve import curves
from misread.report.sections.headline import headline
from misread.report.sections.ladder import ladder
from misread.report.sections.listing import listings
from misread.report.sections.record import record
from misread.report.sections.witness import witnesses

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.report.content import ReportContent
    from misread.report.markup import Markup

SECTIONS: Final[tuple[Callable[[ReportContent], Markup | None], ...]] = (
    headline,
    witnesses,
    builds,
    assessments,
    confusions,
    curves,
    ladder,
    camera,
    channels,
    listings,
    record,
)
