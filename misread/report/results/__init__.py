"""Results written by other commands, read back and made into one report; a new kind is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.results.assessment import assessment
from misread.report.results.attack import attack
from misread.report.results.camera import camera
from misread.report.results.verification import verification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from misread.report.content import ReportContent
    from misread.report.results.source import Source

#: Kind of document -> what makes its part of a report.
KINDS: Final[Mapping[str, Callable[[Source], ReportContent]]] = {
    "misread-verification": verification,
    "misread-camera": camera,
    "misread-assessment": assessment,
    "misread-attack": attack,
}
