"""The most dangerous confusions: what is taken for what, how often, and how little is enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.content import TableView

if TYPE_CHECKING:
    from misread.bundle import Bundle
    from misread.change import Change
    from misread.runtime.verdict import Verification

SHOWN: Final = 20


@dataclass(kw_only=True, slots=True)
class _Confusion:
    witnesses: set[str] = field(default_factory=set)
    builds: set[str] = field(default_factory=set)
    sure: float = 0.0
    smallest: Change | None = None
    by: str = ""

    @property
    def size(self) -> tuple[int, float]:
        return (-len(self.witnesses), self.smallest.l2 if self.smallest else math.inf)


def confusions(found: Verification, bundle: Bundle | None) -> tuple[TableView, ...]:
    """Return a table of true label and label read, the most frequent first, then those that the least is enough for.

    Args:
        found: only witnesses misread beyond the noise are counted, each once however many builds misread it alike.
        bundle: knows how large the changes are; without it sizes are left out.
    """
    changes = {witness.id: witness.change for witness in bundle.witnesses} if bundle else {}
    known: dict[tuple[str, str], _Confusion] = {}
    for build in found.builds:
        for one in build.judgements:
            if not one.misread or not one.verdict.counts or one.changed is None:
                continue
            entry = known.setdefault((one.label, one.changed.label), _Confusion())
            entry.witnesses.add(one.witness)
            entry.builds.add(build.name)
            entry.sure = max(entry.sure, one.changed.confidence)
            change = changes.get(one.witness)
            if change is not None and (entry.smallest is None or change.l2 < entry.smallest.l2):
                entry.smallest, entry.by = change, one.witness
    if not known:
        return ()
    ordered = sorted(known.items(), key=lambda pair: (*pair[1].size, pair[0]))
    note = f"The first {SHOWN} of {words.count(len(ordered))}." if len(ordered) > SHOWN else ""
    head = ("Really", "Read as", "Witnesses", "Builds", "Highest confidence", "Smallest change")
    rows = tuple(_row(labels, entry) for labels, entry in ordered[:SHOWN])
    return (TableView(title="What is taken for what", head=head, rows=rows, note=note),)


def _row(labels: tuple[str, str], entry: _Confusion) -> tuple[str, ...]:
    smallest = words.NONE
    if entry.smallest is not None:
        smallest = f"L2 {entry.smallest.l2:.3f}, largest {entry.smallest.largest_level} of 255 (witness {entry.by})"
    builds = ", ".join(sorted(entry.builds))
    return (*labels, words.count(len(entry.witnesses)), builds, words.confidence(entry.sure), smallest)
