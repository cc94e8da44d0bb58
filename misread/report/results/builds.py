"""The builds side by side: what each misreads, which witnesses tell them apart, the gates."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.content import BuildsView, RungView, Survival, TableView
from misread.runtime.paired import pairs_of
from misread.runtime.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.verdict import BuildVerdict, Judgement, Verification

NAMED: Final = 12
#: Readers of the plot of rates.
CHANGED: Final = "changed picture misread"
PLACEBO: Final = "placebo misread"


def builds_view(found: Verification) -> BuildsView:
    """Return rates, verdicts, patterns over the builds, pairs and gates; tables with nothing in them are left out."""
    ran = [build for build in found.builds if build.available]
    tables = [_verdicts(found.builds), _gates(found)]
    if len(ran) > 1:
        tables += [_patterns(ran), _pairs(ran)]
    return BuildsView(
        rates=tuple(_rates(build) for build in ran), tables=tuple(table for table in tables if table.rows)
    )


def said(judgement: Judgement) -> str:
    """Return a verdict in one word, as tables show it."""
    if judgement.verdict in {Verdict.EXCLUDED, Verdict.UNAVAILABLE, Verdict.CONTESTED}:
        return str(judgement.verdict)
    return "misread" if judgement.misread else "read right"


def listed(names: Sequence[str]) -> str:
    """Return some ids, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {words.count(more)} more" if more > 0 else "")


def _rates(build: BuildVerdict) -> RungView:
    survivals = [Survival(reader=CHANGED, rate=build.misread)]
    if build.placebo.total:
        survivals.append(Survival(reader=PLACEBO, rate=build.placebo))
    return RungView(name=build.name, detail=f"{words.count(build.counted)} count", survivals=tuple(survivals))


def _verdicts(builds: Sequence[BuildVerdict]) -> TableView:
    rows = [
        (
            build.name,
            words.hits(build.clean),
            *(words.count(build.count(verdict)) for verdict in Verdict),
            f"{words.hits(build.robust)}, {words.interval(build.robust)}" if build.robust.total else words.NONE,
            words.NONE if build.noise is None else f"{build.noise.margin:.2g}",
        )
        for build in builds
    ]
    head = ("Build", "Clean read right", *(str(verdict).capitalize() for verdict in Verdict))
    return TableView(
        title="Verdicts per build",
        head=(*head, "Surely not misread", "Noise of the margin"),
        rows=tuple(rows),
        note=(
            "Verified: the clean picture is read right, the changed one is not. Contested: the margin lies inside the "
            "build's own noise. Excluded: the clean picture is misread, so the changed one proves nothing."
        ),
    )


def _gates(found: Verification) -> TableView:
    rows = [(gate.gate, gate.build, "open" if gate.passed else "CLOSED", gate.sentence) for gate in found.gates]
    return TableView(title="Gates", head=("Gate", "Build", "State", "Measured"), rows=tuple(rows))


def _patterns(builds: Sequence[BuildVerdict]) -> TableView:
    """Group the witnesses by what every build made of them."""
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for judged in zip(*(build.judgements for build in builds), strict=True):
        groups[tuple(said(one) for one in judged)].append(judged[0].witness)
    ordered = Counter({pattern: len(ids) for pattern, ids in groups.items()}).most_common()
    rows = [(words.count(count), *pattern, listed(groups[pattern])) for pattern, count in ordered]
    return TableView(
        title="Which witness flips on which build",
        head=("Witnesses", *(build.name for build in builds), "Their ids"),
        rows=tuple(rows),
    )


def _pairs(builds: Sequence[BuildVerdict]) -> TableView:
    rows = [
        (
            f"{pair.first} against {pair.second}",
            words.count(pair.witnesses),
            words.count(pair.both),
            f"{words.count(len(pair.first_only))}: {listed(pair.first_only)}" if pair.first_only else "0",
            f"{words.count(len(pair.second_only))}: {listed(pair.second_only)}" if pair.second_only else "0",
            f"{pair.p_value:.2g}",
        )
        for pair in pairs_of(builds)
    ]
    return TableView(
        title="Build against build",
        head=("Builds", "Compared", "Misread by both", "By the first alone", "By the second alone", "McNemar p"),
        rows=tuple(rows),
        note="p says how often chance alone would make two equal builds differ so much (exact test, two-sided).",
    )
