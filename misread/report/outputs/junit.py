"""JUnit XML as GitLab, Jenkins and GitHub's readers take it: the dialect `xunit2`, Jenkins' `junit-10`.

No element or attribute beyond that schema, so a strict reader takes it too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from misread import __version__
from misread.files import jsonable
from misread.report.outputs.cases import Outcome, suites_of
from misread.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.report.outputs.base import Run
    from misread.report.outputs.cases import Case, Suite
    from misread.runtime.verdict import BuildVerdict, Verification
    from misread.stats import Rate

#: Everything that is no character of XML 1.0; escaping does not help, a reader must refuse the file.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Readers group by the class: one for all builds, whose names may hold dots.
CLASS: Final = "misread.verify"
_TAGS: Final = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}


def junit(verification: Verification, run: Run) -> str:
    """Return a verification as JUnit XML: a suite per build; cases for its verdict, gates and, on request, witnesses.

    Builds are read together, so each suite's time is its equal share of the whole.
    """
    suites = suites_of(verification, witnesses=run.witnesses)
    share_s = run.seconds / max(1, len(suites))
    root = ET.Element("testsuites", _totals("misread verify", suites) | {"time": _seconds(run.seconds)})
    for suite in suites:
        written = ET.SubElement(root, "testsuite", _totals(suite.name, [suite]))
        written.set("skipped", str(suite.count(Outcome.SKIPPED)))
        written.set("time", _seconds(share_s))
        written.set("timestamp", run.started.isoformat(timespec="seconds"))
        written.set("hostname", xml_text(run.host))
        _properties(written, verification, suite.build)
        for place, case in enumerate(suite.cases):
            _case(written, case, seconds=0.0 if place else share_s)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def xml_text(text: str) -> str:
    """Return foreign text on one line of characters that XML 1.0 has; markup is escaped where it is written."""
    return _FORBIDDEN.sub("\ufffd", printable(text))


def _totals(name: str, suites: Sequence[Suite]) -> dict[str, str]:
    return {
        "name": xml_text(name),
        "tests": str(sum(len(suite.cases) for suite in suites)),
        "failures": str(sum(suite.count(Outcome.FAILED) for suite in suites)),
        "errors": str(sum(suite.count(Outcome.ERROR) for suite in suites)),
    }


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _case(suite: ET.Element, case: Case, *, seconds: float) -> None:
    attributes = {"name": xml_text(case.name), "classname": CLASS, "time": _seconds(seconds)}
    written = ET.SubElement(suite, "testcase", attributes)
    message = xml_text(case.message)
    if case.outcome is Outcome.PASSED:
        ET.SubElement(written, "system-out").text = message
        return
    reason = ET.SubElement(written, _TAGS[case.outcome], {"type": xml_text(case.kind), "message": message})
    reason.text = message


def _properties(suite: ET.Element, verification: Verification, build: BuildVerdict | None) -> None:
    properties = ET.SubElement(suite, "properties")
    pairs = [
        ("misread", __version__),
        ("bundle", str(verification.bundle)),
        ("bundle_sha256", verification.bundle_sha256),
        ("origin", verification.origin),
        *(_of_build(build) if build else ()),
    ]
    for name, value in pairs:
        if value:
            ET.SubElement(properties, "property", {"name": xml_text(name), "value": xml_text(value)})


def _of_build(build: BuildVerdict) -> Iterator[tuple[str, str]]:
    yield "sha256", build.sha256
    yield "card_from", ", ".join(build.card_from)
    for name in ("clean", "verified", "misread", "robust", "placebo"):
        rate: Rate = getattr(build, name)
        yield name, rate.text() if rate.total else ""
    if build.noise:
        yield "noise_margin_logits", f"{build.noise.margin:.6g}"
    if build.fingerprint:
        for name, value in jsonable(build.fingerprint).items():
            yield f"fingerprint.{name}", _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
