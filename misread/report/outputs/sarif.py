"""SARIF 2.1.0, for pages that collect findings: closed gates, and witnesses that do not do what they should.

SARIF speaks of places in source files. The place given here is the bundle's manifest; the build and the witness are
logical locations in it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from misread import __version__
from misread.bundle import MANIFEST
from misread.report.json import plain
from misread.report.outputs.cases import seen
from misread.runtime.verdict import Verdict
from misread.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from misread.report.outputs.base import Run
    from misread.runtime.verdict import BuildVerdict, GateResult, Verification

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: Every rule with what it says.
RULES: Final = {
    "min-clean-accuracy": "A build reads fewer clean pictures right than asked for.",
    "min-robust-accuracy": "A build is misread on more witnesses than allowed.",
    "max-flips": "A build misreads more witnesses than allowed.",
    "baseline": "A build is misread where the baseline was not, beyond chance.",
    "refuted": "A witness is read right on the build, or not as its goal says.",
    "contested": "A margin that decides lies inside the build's own noise.",
}
_FOUND: Final = {Verdict.REFUTED: "error", Verdict.CONTESTED: "warning"}


def sarif(verification: Verification, run: Run) -> str:
    """Return what failed as a SARIF log; with gates, which alone decide, refuted witnesses are only noted."""
    results = [
        *(_gate(gate, verification) for gate in verification.gates if not gate.passed),
        *(result for build in verification.builds for result in _witnesses(build, verification)),
    ]
    names = list(dict.fromkeys(result["ruleId"] for result in results))
    for result in results:
        result["ruleIndex"] = names.index(result["ruleId"])
    driver = {
        "name": "misread",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": RULES.get(name, name)}} for name in names],
    }
    told = {"tool": {"driver": driver}, "invocations": [_invocation(verification, run)], "results": results}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{**told, "columnKind": "unicodeCodePoints"}]}
    return json.dumps(log, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _invocation(verification: Verification, run: Run) -> dict[str, Any]:
    """Say when it ran, and which builds could not."""
    lost = [build for build in verification.builds if not build.available]
    began = run.started.astimezone(UTC)
    return {
        "executionSuccessful": not lost,
        "exitCode": verification.exit_code,
        "startTimeUtc": _utc(began),
        "endTimeUtc": _utc(began + timedelta(seconds=run.seconds)),
        "machine": printable(run.host),
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": _text(f"{build.name}: unavailable, {build.reason}")}}
            for build in lost
        ],
    }


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _gate(gate: GateResult, verification: Verification) -> dict[str, Any]:
    properties = {"rate": plain(gate.rate), "limit": gate.limit, "witnesses": list(gate.witnesses)}
    said = f"{gate.sentence} (--{gate.gate})"
    return _result(gate.gate, "error", said, bundle=verification.bundle, place=(gate.build,), properties=properties)


def _witnesses(build: BuildVerdict, verification: Verification) -> Iterator[dict[str, Any]]:
    for one in build.judgements if build.available else ():
        if one.verdict in _FOUND:
            level = "note" if verification.gates else _FOUND[one.verdict]
            said = f"{build.name}: witness {one.witness}, {seen(one)}"
            place = (build.name, one.witness)
            yield _result(str(one.verdict), level, said, bundle=verification.bundle, place=place, properties=plain(one))


def _result(
    rule: str, level: str, said: str, *, bundle: Path, place: Sequence[str], properties: dict[str, Any]
) -> dict[str, Any]:
    kinds = ("module", "resource")
    logical = [
        {"name": printable(name), "fullyQualifiedName": "/".join(map(printable, place[: at + 1])), "kind": kinds[at]}
        for at, name in enumerate(place)
    ]
    location = {"physicalLocation": {"artifactLocation": {"uri": _uri(bundle)}, "region": {"startLine": 1}}}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": _text(said)},
        "locations": [{**location, "logicalLocations": logical}],
        "partialFingerprints": {"misread/v1": _digest(rule, *place)},
        "properties": properties,
    }


def _text(said: str) -> str:
    """Return a message in plain text; brackets are escaped, which SARIF would read as a link."""
    return printable(said).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _uri(bundle: Path) -> str:
    """Return the manifest as a relative reference where the bundle was given by one, so that it fits a checkout."""
    manifest = bundle / MANIFEST
    if manifest.is_absolute():
        return manifest.as_uri()
    relative = PurePosixPath("/") / manifest.as_posix()
    return relative.as_uri().removeprefix("file:///")


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
