"""What a replay prints: how far device and host lie apart, and the witnesses that they see differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.builds import size_text
from misread.report.text.table import WIDTH, facts, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.runtime.replay import Disagreement, PackResult, Replay

SHOWN: Final = 10


def replay_lines(replays: Sequence[Replay], width: int = WIDTH) -> list[str]:
    """Return one line for each packed build, then what differs."""
    if not replays:
        return []
    head = ("build", "logit diff", "median", "margin", "noise", "")
    rows = [_row(replay) for replay in replays]
    lines = wrapped("REPLAY: what the packed builds say here against what they said on the host", width=width)
    lines += table(head, rows, right=range(1, 5), width=width)
    for replay in replays:
        for note in _notes(replay):
            lines += wrapped(f"{replay.build}: {note}", first="  ", width=width)
    return lines


def pack_text(result: PackResult, *, width: int = WIDTH) -> str:
    """Return what was packed as plain text that ends with what to type on the device."""
    pairs = [("bundle", f"{result.bundle} ({result.witnesses} witnesses)"), ("added", size_text(result.size_bytes))]
    rows = [
        (one.name, one.file.path, one.file.sha256[:12], f"{one.noise.margin:.2g}" if one.noise else "")
        for one in result.builds
    ]
    lines = [*facts(pairs, width=width), "", *table(("build", "packed as", "sha256", "noise"), rows, width=width)]
    return "\n".join([*lines, "", *wrapped(result.sentence, width=width)]) + "\n"


def _row(replay: Replay) -> tuple[str, ...]:
    if replay.reason:
        return replay.build, "", "", "", "", "not compared"
    numbers = (replay.largest, replay.median, replay.margin, replay.noise)
    if not replay.pictures:
        return replay.build, "", "", "", "", "not compared" if replay.agrees else "DISAGREES"
    close = "agrees" if replay.within_noise else "agrees, beyond noise"
    return replay.build, *(f"{number:.2g}" for number in numbers), close if replay.agrees else "DISAGREES"


def _notes(replay: Replay) -> Iterator[str]:
    if replay.reason:
        yield f"could not run here, {replay.reason}"
    for one in replay.disagreements[:SHOWN]:
        yield _said(one)
    left = len(replay.disagreements) - SHOWN
    if left > 0:
        yield f"{left} more witnesses are seen differently; --json lists all"
    for field in replay.differing:
        yield f"{field.field.replace('_', ' ')}: {field.host} on the host, {field.device} here"


def _said(one: Disagreement) -> str:
    labels = "; ".join(f"{kind} picture read as {host} there and {here} here" for kind, host, here in one.labels)
    verdict = f"{one.host} on the host, {one.device} here" if one.verdict_changed else f"{one.device} on both"
    return f"witness {one.witness} {verdict}" + (f" ({labels})" if labels else "")
