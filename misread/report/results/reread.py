"""A verification as it was, from its JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.report.results.source import number, rate, remade
from misread.runtime.fingerprint import Fingerprint
from misread.runtime.noise import NoiseFloor
from misread.runtime.verdict import BuildVerdict, GateResult, Judgement, Look, Step, Verdict, Verification
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Parts of the document that a report takes as they stand.
APART: Final = frozenset({"replays", "filmed"})


def verification_of(document: Mapping[str, Any]) -> Verification:
    """Return the verification that `misread verify --json` wrote; goals come back as untargeted: a report shows none.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OptionError: it is no whole document.
    """
    own = {name: value for name, value in document.items() if name not in APART}
    return remade(
        Verification,
        own,
        bundle=Path(str(document["bundle"])),
        builds=tuple(_build(build) for build in document["builds"]),
        ladder=tuple(remade(Step, step, survived=rate(step["survived"])) for step in document["ladder"]),
        gates=tuple(remade(GateResult, gate, rate=rate(gate["rate"])) for gate in document.get("gates", ())),
    )


def _build(entry: Mapping[str, Any]) -> BuildVerdict:
    fingerprint, noise = entry["fingerprint"], entry["noise"]
    return remade(
        BuildVerdict,
        entry,
        judgements=tuple(_judgement(one) for one in entry["witnesses"]),
        fingerprint=None if fingerprint is None else remade(Fingerprint, fingerprint),
        noise=None if noise is None else remade(NoiseFloor, noise),
    )


def _judgement(entry: Mapping[str, Any]) -> Judgement:
    looks = {name: _look(entry.get(name)) for name in ("clean", "changed", "placebo")}
    return remade(Judgement, entry, goal=UNTARGETED, verdict=Verdict(entry["verdict"]), **looks)


def _look(entry: Mapping[str, Any] | None) -> Look | None:
    if entry is None:
        return None
    return remade(Look, entry, margin=number(entry["margin"]), confidence=number(entry["confidence"]))
