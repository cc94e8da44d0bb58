"""What `misread camera` prints."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from misread.report.text.film import bins, pairs, product
from misread.report.text.table import WIDTH, counts, facts, interval, percent, said, table, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.camera.result import CameraResult
    from misread.runtime.camera.tally import Summary

_HEAD = ("exhibit", "arm", "misread", "95 % CI", "clips", "longest run", "first")


def camera_text(result: CameraResult, *, width: int = WIDTH) -> str:
    """Return a camera run as plain text that ends with its sentence.

    Args:
        result: what was seen.
        width: of the screen, in columns.
    """
    head = [
        ("source", f"{result.source} ({_ended(result)})"),
        ("frames", f"{result.frames} in {result.seconds:.1f} s, {result.located} with a target"),
        ("lost", _lost(result)),
        ("read back", ", ".join(f"{key} {value}" for key, value in result.health.properties)),
        ("card", "; ".join(f"{name} from {', '.join(who)}" for name, who in result.card_from.items() if who)),
        ("hangs on", said(_thresholds(result))),
        ("files", _where(result.folder)),
    ]
    blocks = [facts(head, width=width)]
    # The crop that the claim names comes first; sorting keeps the order otherwise.
    ordered = sorted(result.summaries, key=lambda one: (one.crop != result.claim, one.crop, one.build))
    for (crop, build), group in groupby(ordered, key=lambda one: (one.crop, one.build)):
        shown = list(group)
        blocks.append(_group(build, crop, shown, width))
        if crop == result.claim:
            blocks += [product(shown, width), bins(shown, width)]
    blocks.append(pairs([pair for pair in result.pairs if pair.crop == result.claim], width))
    notes = [line for note in result.health.notes for line in wrapped(note, first="note: ", width=width)]
    verdicts = [
        line
        for verdict in result.claimed
        for line in wrapped(
            f"{verdict.exhibit} on {verdict.build}: {verdict.reason}", first=f"{verdict.finding}: ", width=width
        )
    ]
    blocks += [notes, verdicts, wrapped(result.sentence, width=width)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _group(build: str, crop: str, summaries: list[Summary], width: int) -> list[str]:
    rows = [
        (
            one.exhibit,
            one.arm,
            counts(one.misread) if one.label is not None else f"{one.measured} read",
            interval(one.misread) if one.label is not None else "-",
            f"{one.clips_misread}/{one.clips}" if one.label is not None else str(one.clips),
            f"{one.longest_run} {one.longest_label}" if one.longest_label else "-",
            "-" if one.first_misread_s is None else f"{one.first_misread_s:.2f} s",
        )
        for one in summaries
    ]
    title = wrapped(f"{build}, {crop} crop", width=width)
    lines = table(_HEAD, rows, right={2, 3, 4, 6}, width=width, gives=5)
    read = [line for one in summaries for line in _labels(one, width)]
    return [*title, *lines, *read]


def _labels(one: Summary, width: int) -> list[str]:
    if not one.labels:
        return wrapped(f"{one.exhibit}: found in none of {one.captured} frames", first="    ", width=width)
    most = ", ".join(f"{label} {count}" for label, count in one.labels[:3])
    return wrapped(f"{one.exhibit} read as {most}", first="    ", width=width)


def _ended(result: CameraResult) -> str:
    words = {
        "source": "it came to its end",
        "time": "the time was up",
        "clips": "all clips were seen",
        "quit": "ended by q",
        "interrupted": "interrupted",
        "lost": "it was lost",
    }
    return words.get(result.ended, result.ended)


def _lost(result: CameraResult) -> str:
    gaps = len(result.health.gaps)
    parts = [f"{result.health.dropped} frames dropped for newer ones"] if result.health.dropped else []
    parts += [f"{gaps} gaps overcome" if gaps > 1 else "1 gap overcome"] if gaps else []
    return ", ".join(parts)


def _thresholds(result: CameraResult) -> dict[str, str]:
    limits = result.thresholds
    return {
        "control": percent(limits.control),
        "placebo": percent(limits.placebo),
        "persist": percent(limits.persist),
        "at least": f"{limits.min_frames} frames",
    }


def _where(folder: Path | None) -> str:
    return "" if folder is None else str(folder)
