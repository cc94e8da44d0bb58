"""What `misread assess` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from misread.report.text.table import WIDTH, facts, said, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence


def assess_text(result: Any, *, width: int = WIDTH) -> str:
    """Return an assessment as plain text: the figures, the suite stage by stage, each build, the warnings.

    Args:
        result: a `misread.attack.assess.result.Assessment`; its module needs torch, this one does not.
        width: of the screen, in columns.
    """
    pairs = [
        ("model", result.model),
        ("card", f"from {', '.join(result.card_from)}" if result.card_from else ""),
        ("threat", said(result.threat)),
        ("pictures", f"{result.pictures}" + ("" if result.labels_given else ", labelled by what the model reads")),
        ("clean", result.clean.text()),
        ("robust", result.robust.text()),
        *((f"robust on {build.name}", build.robust.text()) for build in result.builds),
        ("spent", f"{result.seconds:.1f} s"),
    ]
    blocks = [
        facts(pairs, width=width),
        _stages("attack", result.stages, width),
        *(_build(build, width) for build in result.builds),
        _warnings(result.warnings, width),
        [f"the misread copies are in {result.bundle}"] if result.bundle else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _stages(title: str, stages: Sequence[Any], width: int) -> list[str]:
    rows = [
        (
            stage.name,
            str(stage.attempted),
            str(stage.found),
            "-" if stage.standing.share is None else f"{100 * stage.standing.share:.1f} %",
            f"{stage.passes:.0f}",
            f"{stage.seconds:.1f}",
        )
        for stage in stages
        if stage.attempted
    ]
    if not rows:
        return []
    heads = (title, "tried on", "broke", "still stand", "passes", "s")
    return table(heads, rows, right={1, 2, 3, 4, 5}, width=width, gives=0)


def _build(build: Any, width: int) -> list[str]:
    pairs = [
        ("build", build.name),
        ("card", f"from {', '.join(build.card_from)}" if build.card_from else ""),
        ("clean", build.clean.text()),
        ("broken by the same copies", build.transferred.text()),
        ("robust", build.robust.text()),
    ]
    if build.surrogate:
        pairs.append(("only queries", build.surrogate))
    stages = _stages("attack", build.stages, width)
    return [*facts(pairs, width=width), *(["", *stages] if stages else [])]


def _warnings(warnings: Sequence[Any], width: int) -> list[str]:
    return [line for finding in warnings for line in wrapped(f"warning: {finding.text}", width=width)]
