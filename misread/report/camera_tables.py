"""What a camera run counted beside frames, as a report shows it: grids, a product's view, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.content import GridCell, GridView, TableView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.runtime.camera.bins import Bin
    from misread.runtime.camera.pairs import ClipPair
    from misread.runtime.camera.tally import Summary
    from misread.stats import Rate

_BY: Final = {"sight": "by distance and angle", "size": "by size in the picture"}


def grids(summaries: Sequence[Summary], titles: Mapping[str, str]) -> tuple[GridView, ...]:
    """Return, per changed exhibit, where it and its control are misread; nothing where all lies in one bin."""
    found = []
    for one in summaries:
        if one.arm != "adversarial":
            continue
        control = next((other for other in summaries if (other.arm, other.group) == ("clean", one.group)), None)
        for by, said in _BY.items():
            sides = [[seen for seen in side.bins if seen.by == by] if side else [] for side in (control, one)]
            if len({(seen.row, seen.column) for side in sides for seen in side}) > 1:
                found.append(_grid(sides, f"{titles.get(one.exhibit, one.exhibit)}: misread {said}"))
    return tuple(found)


def product(summaries: Sequence[Summary], titles: Mapping[str, str]) -> tuple[TableView, ...]:
    """Return what a device would take of each exhibit; nothing where nobody said what is right."""
    shown = [one for one in summaries if one.runs is not None]
    if not shown:
        return ()
    run, rules = shown[0].run, [vote.rule for vote in shown[0].votes]
    head = ("Arm", f"Clips with {run} in a row", "Of one label", "Clips mostly misread", "Frames in runs")
    rows = tuple(
        (
            titles.get(one.exhibit, one.exhibit),
            *(_with_interval(rate) for rate in (one.runs, one.runs_alike, one.mostly, one.in_runs)),
            *(_with_interval(vote.misread) for vote in one.votes),
            _with_interval(one.never_right),
        )
        for one in shown
    )
    note = "Of clips with the exact interval, of frames and votes with that over clips, at 95 % each."
    votes = [f"Votes, {rule}" for rule in rules]
    return (TableView(title="As a product would take it", head=(*head, *votes, "Never right"), rows=rows, note=note),)


def differences(pairs: Sequence[ClipPair], titles: Mapping[str, str]) -> tuple[TableView, ...]:
    """Return how far arms and builds lie apart; nothing where there is nothing to compare."""
    if not pairs:
        return ()
    rows = tuple(
        (
            f"{titles.get(one.first, one.first)} \u2212 {titles.get(one.second, one.second)}",
            titles.get(one.shared, one.shared),
            f"{100 * one.difference:+.1f}",
            "no interval" if one.low is None or one.high is None else f"{100 * one.low:+.1f} to {100 * one.high:+.1f}",
            f"{one.p_value:.2g}" if one.p_value >= 0.001 else "< 0.001",
            "McNemar, paired" if one.paired else "permutation",
        )
        for one in pairs
    )
    head = ("Difference", "On", "Points misread", "95 % interval", "p", "Test, by clips")
    return (TableView(title="Arms and builds against each other", head=head, rows=rows),)


def _grid(sides: Sequence[Sequence[Bin]], title: str) -> GridView:
    # By sight a bin says `distance, angle`, by size `pixels` alone.
    names = {(seen.row, seen.column): seen.text.partition(", ") for side in sides for seen in side}
    rows = {row: name[0] for (row, _), name in sorted(names.items())}
    columns = {
        column: name[2] or "share misread" for (_, column), name in sorted(names.items(), key=lambda it: it[0][1])
    }
    cells = []
    for side in sides:
        known = {(seen.row, seen.column): GridCell(rate=seen.misread, enough=seen.enough) for seen in side}
        cells.append(tuple(tuple(known.get((row, column)) for column in columns) for row in rows))
    return GridView(title=title, rows=tuple(rows.values()), columns=tuple(columns.values()), cells=tuple(cells))


def _with_interval(rate: Rate | None) -> str:
    if rate is None or not rate.total:
        return words.NONE
    ends = "" if rate.low is None else f" ({words.interval(rate)})"
    return f"{words.hits(rate)}{ends}"
