"""What `misread eval` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.table import WIDTH, counts, facts, interval, percent, table, wrapped

if TYPE_CHECKING:
    from misread.runtime.evaluate.result import Calibration, Evaluation

_NAMED: Final = 5


def evaluation_text(result: Evaluation, *, rows: int = 12, width: int = WIDTH) -> str:
    """Return an evaluation as plain text: the figures, the classes read worst, the confusions, the sentence.

    Args:
        result: what came of it.
        rows: how many classes and how many confusions are listed; the JSON document has all.
        width: of the screen, in columns.
    """
    blocks = [
        facts(_figures(result), width=width),
        _classes(result, rows, width),
        _confusions(result, rows, width),
        wrapped(result.sentence, width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _figures(result: Evaluation) -> list[tuple[str, str]]:
    run = result.fingerprint
    return [
        ("model", result.model),
        ("card", f"from {', '.join(result.card_from)}" if result.card_from else ""),
        ("data", f"{result.data}, {result.pictures} pictures"),
        ("top-1", result.top1.text()),
        ("top-5", result.top5.text() if result.top5 else ""),
        ("confidence", _confidence(result.calibration)),
        ("unreadable", _unreadable(result)),
        ("no pictures", _absent(result)),
        ("ran on", f"onnxruntime {run.onnxruntime}, {run.threads} threads, {run.cpu}" if run else ""),
        ("lines", str(result.out) if result.out else ""),
    ]


def _confidence(found: Calibration) -> str:
    points, bins = f"{100 * found.error:.1f} points", f"{len(found.bins)} bins of equal width"
    return f"mean {percent(found.confidence)}, calibration error {points} (ECE, {bins})"


def _unreadable(result: Evaluation) -> str:
    if not result.unreadable:
        return ""
    named = "; ".join(f"{one.name}: {one.reason}" for one in result.unreadable_named[:_NAMED])
    left = result.unreadable - min(_NAMED, len(result.unreadable_named))
    return f"{result.unreadable}, in no figure: {named}" + (f"; and {left} more" if left else "")


def _absent(result: Evaluation) -> str:
    absent = result.absent
    if not absent:
        return ""
    shown = ", ".join(absent[:_NAMED]) + (f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else "")
    return f"of {len(absent)} of {len(result.classes)} classes: {shown}"


def _classes(result: Evaluation, limit: int, width: int) -> list[str]:
    present = [score for score in result.classes if score.right.total]
    worst = sorted(present, key=lambda score: (score.right.share or 0.0, -score.right.total))[:limit]
    rows = [
        (score.label, counts(score.right), percent(score.right.share), interval(score.right), str(score.read_as))
        for score in (present if len(present) <= limit else worst)
    ]
    title = "CLASSES" if len(present) <= limit else f"THE {len(rows)} OF {len(present)} CLASSES READ WORST"
    return [title, *table(("class", "right", "share", "95 % CI", "read as it"), rows, right={1, 2, 3, 4}, width=width)]


def _confusions(result: Evaluation, limit: int, width: int) -> list[str]:
    if not result.confusions:
        return []
    shown = [(pair.truth, pair.read, str(pair.times)) for pair in result.confusions[:limit]]
    lines = ["MISREADINGS", *table(("shows", "read as", "times"), shown, right={2}, width=width)]
    left = len(result.confusions) - len(shown)
    return [*lines, f"  and {left} more pairs; --json lists them"] if left else lines
