"""Accuracy by the size of the change: what a build still reads right when the attacker may change so much."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from misread.report.content import CurvePoint, CurveView
from misread.runtime.verdict import Verdict
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.bundle import Bundle
    from misread.runtime.verdict import BuildVerdict, Verification
    from misread.stats import Rate

LEVELS: Final = 255
#: Sizes at which a curve is read off, for the norms whose size a witness holds.
BUDGETS: Final = MappingProxyType(
    {
        "linf": tuple(levels / LEVELS for levels in (0, 1, 2, 4, 8, 16, 32, 64, 128, 255)),
        "l2": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0),
    }
)
AXES: Final = MappingProxyType(
    {"linf": "largest change of a value, levels of 255", "l2": "L2 norm of the change, pixels in [0, 1]"}
)
NOTE: Final = (
    "Counted are the pictures that were attacked, less those whose clean copy the build misreads. A picture without a "
    "witness counts as read right at every size, so the curve is a bound from above: another attack may find more."
)
_ROOM: Final = 1 + 1e-6


def curve(found: Verification, bundle: Bundle) -> CurveView | None:
    """Return the curve of every build, from the sizes of the witnesses; None where they do not hold the norm's size."""
    norm = str(found.threat.get("norm"))
    if norm not in BUDGETS or not bundle.witnesses:
        return None
    sizes = {each.id: each.change.linf if norm == "linf" else each.change.l2 for each in bundle.witnesses}
    largest = max(sizes.values())
    below = [eps for eps in BUDGETS[norm] if eps * _ROOM < largest]
    budgets = BUDGETS[norm][: len(below) + 1]
    attempted = max(bundle.counts.get("attempted", 0), len(sizes))
    points = [
        CurvePoint(reader=build.name, size=size_text(norm, eps), rate=rate)
        for build in found.builds
        if build.available
        for eps, rate in zip(budgets, _rates(build, sizes, attempted, budgets), strict=True)
    ]
    if not points:
        return None
    return CurveView(title="Accuracy by the size of the change", axis=AXES[norm], points=tuple(points), note=NOTE)


def size_text(norm: str, eps: float) -> str:
    """Return a size as the axis has it: levels for linf, a length for l2."""
    return f"{eps * LEVELS:.3g}" if norm == "linf" else f"{eps:.3g}"


def _rates(build: BuildVerdict, sizes: dict[str, float], attempted: int, budgets: Sequence[float]) -> list[Rate]:
    lost = {Verdict.EXCLUDED, Verdict.UNAVAILABLE}
    total = attempted - sum(one.verdict in lost for one in build.judgements)
    flipped = [sizes[one.witness] for one in build.judgements if one.misread and one.verdict.counts]
    return [wilson(total - sum(size <= eps * _ROOM for size in flipped), total) for eps in budgets]
