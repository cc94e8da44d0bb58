"""Results as JSON: one document with `schema`, `kind`, then what the text says and more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from misread.files import jsonable
from misread.runtime.paired import pairs_of
from misread.runtime.verdict import Verdict
from misread.stats import Rate
from misread.wish import Wish

if TYPE_CHECKING:
    from misread.runtime.doctor import Diagnosis
    from misread.runtime.replay import Replay
    from misread.runtime.verdict import BuildVerdict, Verification

SCHEMA: Final = 1


def document(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of plain JSON types: `schema` and `kind` in front, numbers that are not finite as null."""
    return {"schema": SCHEMA, "kind": kind, **{str(name): plain(value) for name, value in body.items()}}


def dumps(value: Mapping[str, Any]) -> str:
    """Return a document as text in ASCII, so that no foreign label can steer a terminal; ends with a new line."""
    return json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return any value in plain JSON types, as `files.jsonable` does, every rate with its share, a goal as its text."""
    if isinstance(value, Rate):
        return rate(value)
    if isinstance(value, Wish):
        return value.text
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return jsonable(value)


def rate(value: Rate) -> dict[str, Any]:
    """Return a rate with its share written out; `low` and `high` are null where no interval is honest."""
    return {"hits": value.hits, "total": value.total, "share": value.share, "low": value.low, "high": value.high}


def result_document(kind: str, result: Any) -> dict[str, Any]:
    """Return any result as a document, with its sentence and its exit code where it has them.

    Args:
        kind: as in `misread-export`.
        result: a dataclass, nested ones included; one that holds pictures has a method `document` that leaves them out.
    """
    said = {name: getattr(result, name) for name in ("sentence", "passed", "exit_code") if hasattr(result, name)}
    body = result.document() if hasattr(result, "document") else plain(result)
    return document(kind, said | body)


def verification_document(verification: Verification) -> dict[str, Any]:
    """Return all that `misread verify` found."""
    body = {
        "sentence": verification.sentence,
        "passed": verification.passed,
        "exit_code": verification.exit_code,
        "bundle": verification.bundle,
        "bundle_sha256": verification.bundle_sha256,
        "origin": verification.origin,
        "threat": verification.threat,
        "attack": verification.attack,
        "witnesses": verification.witnesses,
        "counts": verification.counts,
        "labels_given": verification.labels_given,
        "builds": [_build(build) for build in verification.builds],
        "ladder": verification.ladder,
        "pairs": pairs_of(verification.builds),
        "gates": verification.gates,
        "filmed": verification.filmed,
        "replays": [_replay(replay) for replay in verification.replays],
    }
    return document("misread-verification", body)


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return all that `misread doctor` found."""
    body = {"passed": diagnosis.passed, "exit_code": diagnosis.exit_code, "problems": diagnosis.problems}
    return document("misread-diagnosis", body | plain(diagnosis))


def _replay(replay: Replay) -> dict[str, Any]:
    said = {"agrees": replay.agrees, "within_noise": replay.within_noise, "sentence": replay.sentence}
    return plain(replay) | said  # type: ignore[no-any-return]  # a dataclass becomes a mapping


def _build(build: BuildVerdict) -> dict[str, Any]:
    return {
        "name": build.name,
        "sha256": build.sha256,
        "available": build.available,
        "reason": build.reason,
        "passed": build.passed,
        "clean": build.clean,
        "verified": build.verified,
        "misread": build.misread,
        "robust": build.robust,
        "placebo_misread": build.placebo,
        "counts": {str(verdict): build.count(verdict) for verdict in Verdict},
        "card_from": build.card_from,
        "notes": build.notes,
        "noise": build.noise,
        "fingerprint": build.fingerprint,
        "witnesses": build.judgements,
    }
