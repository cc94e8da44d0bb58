"""What a camera run counted beside frames: a product's view, bins, and pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report.text.table import counts, percent, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.camera.bins import Bin
    from misread.runtime.camera.pairs import ClipPair
    from misread.runtime.camera.tally import Summary
    from misread.stats import Rate

_NOTHING = "-"


def product(summaries: Sequence[Summary], width: int) -> list[str]:
    """Say what a device would take of each exhibit: clips with runs, votes, signs never read right.

    Args:
        summaries: of one build and crop; those without a right label are left out.
        width: of the screen, in columns.
    """
    shown = [one for one in summaries if one.runs is not None]
    if not shown:
        return []
    run, rules = shown[0].run, [vote.rule for vote in shown[0].votes]
    head = ("exhibit", f"run of {run}", "alike", "in runs", *rules, "never right")
    rows = [
        (
            one.exhibit,
            _counted(one.runs),
            _counted(one.runs_alike),
            _share(one.in_runs),
            *(_share(vote.misread) for vote in one.votes),
            _counted(one.never_right),
        )
        for one in shown
    ]
    title = f"As a product would take it: clips with {run} frames in a row misread, and alike; share of frames in "
    title += "such runs; share of votes misread; clips never read right"
    return [*wrapped(title, width=width), *table(head, rows, right=range(1, len(head)), width=width)]


def bins(summaries: Sequence[Summary], width: int) -> list[str]:
    """Say where changed pictures and controls are misread, bin by bin; nothing where neither ever is.

    Args:
        summaries: of one build and crop.
        width: of the screen, in columns.
    """
    lines: list[str] = []
    for one in summaries:
        control = next((other for other in summaries if other.arm == "clean" and other.group == one.group), None)
        fooled = [seen for side in (control, one) if side is not None for seen in side.bins if seen.misread.hits]
        if one.arm != "adversarial" or len(one.bins) < 2 or not fooled:
            continue
        clean = {(seen.by, seen.row, seen.column): seen for seen in (control.bins if control is not None else ())}
        changed = {(seen.by, seen.row, seen.column): seen for seen in one.bins}
        rows = []
        for key in sorted({*clean, *changed}):
            pair = clean.get(key), changed.get(key)
            text = next(seen.text for seen in pair if seen is not None)
            rows.append((text, *_bin(pair[0]), *_bin(pair[1])))
        title = f"{one.exhibit}: frames misread by where it is seen from; in brackets where they are too few"
        lines += wrapped(title, width=width)
        lines += table(("seen from", "control", "", "changed", ""), rows, right={1, 2, 3, 4}, width=width)
    return lines


def pairs(found: Sequence[ClipPair], width: int) -> list[str]:
    """Say how far arms and builds lie apart.

    Args:
        found: of one crop.
        width: of the screen, in columns.
    """
    if not found:
        return []
    rows = [
        (
            f"{one.first} - {one.second}",
            one.shared,
            f"{100 * one.difference:+.1f}",
            _NOTHING if one.low is None or one.high is None else f"{100 * one.low:+.1f} to {100 * one.high:+.1f}",
            (f"{one.p_value:.2g}" if one.p_value >= 0.001 else "<0.001") + ("" if one.paired else "*"),
        )
        for one in found
    ]
    title = "Differences of the share misread, in points; p by McNemar on pairs of clips"
    title += "" if all(one.paired for one in found) else ", with * by a permutation of clips"
    head = ("difference", "on", "points", "95 % CI", "p")
    return [*wrapped(title, width=width), *table(head, rows, right={2, 3, 4}, width=width)]


def _counted(rate: Rate | None) -> str:
    return _NOTHING if rate is None else counts(rate)


def _share(rate: Rate | None) -> str:
    return _NOTHING if rate is None else percent(rate.share)


def _bin(seen: Bin | None) -> tuple[str, str]:
    if seen is None:
        return _NOTHING, ""
    return (counts(seen.misread), percent(seen.misread.share)) if seen.enough else (f"({counts(seen.misread)})", "")
