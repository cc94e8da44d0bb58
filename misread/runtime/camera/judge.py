"""From counts to a verdict: control first, then the placebo, then the interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from misread.errors import OptionError
from misread.stats import MIN_CLIPS, Rate, clips_needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.tally import Summary

Finding = Literal["persists", "does-not-persist", "inconclusive", "invalid-control", "not-measured"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """What a verdict hangs on; printed with it.

    Attributes:
        control: Share of the clean frames that must be read right.
        placebo: Share of the placebo frames that may be misread.
        persist: Share of the changed frames that must be misread; the whole interval lies above or below it.
        min_frames: Fewest measured frames of an exhibit that say anything.

    """

    control: float = 0.95
    placebo: float = 0.05
    persist: float = 0.5
    min_frames: int = 5

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0 <= self.control <= 1 and 0 <= self.placebo <= 1 and 0 < self.persist < 1 and self.min_frames >= 1):
            raise OptionError(f"thresholds are shares from 0 to 1 and frames from 1, got {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Persistence:
    """Whether a misreading lasts under capture, for one exhibit, build and crop.

    Attributes:
        exhibit: The changed picture.
        build: Who read it.
        crop: From what.
        finding: `persists`, `does-not-persist`, `inconclusive`, `invalid-control` or `not-measured`.
        reason: Why, in words, with the threshold.
        misread: Its rate, with the clip-level interval.
        more_clips: How many more clips like those seen would settle it; None where it is settled, where clips would
            not help, or where 10,000 would not do.

    """

    exhibit: str
    build: str
    crop: Crop
    finding: Finding
    reason: str
    misread: Rate
    more_clips: int | None = None


def judge(summaries: Sequence[Summary], thresholds: Thresholds) -> tuple[Persistence, ...]:
    """Give a verdict on every adversarial exhibit, for every build and crop it was read with."""
    verdicts = []
    for summary in summaries:
        if summary.arm != "adversarial":
            continue
        beside = [
            other
            for other in summaries
            if (other.group, other.build, other.crop) == (summary.group, summary.build, summary.crop)
        ]
        finding, reason, more = _decide(summary, beside, thresholds)
        verdicts.append(
            Persistence(
                exhibit=summary.exhibit,
                build=summary.build,
                crop=summary.crop,
                finding=finding,
                reason=reason,
                misread=summary.misread,
                more_clips=more,
            )
        )
    return tuple(verdicts)


def _decide(summary: Summary, beside: Sequence[Summary], limits: Thresholds) -> tuple[Finding, str, int | None]:
    clean = [other for other in beside if other.arm == "clean"]
    wrong, seen = _pool(clean)
    right = 1 - wrong
    needed = f"at least {limits.min_frames} are needed"
    if summary.label is None or summary.measured < limits.min_frames:
        return "not-measured", f"only {summary.measured} frames could be read, {needed}", None
    if seen < limits.min_frames:
        return "not-measured", f"the clean control was read in {seen} frames, {needed}", None
    if right < limits.control:
        wanted = f"{limits.control * 100:.0f} % are needed"
        said = f"the clean control was read right in {right * 100:.1f} % of {seen} frames, {wanted}"
        return "invalid-control", said, None
    finding, reason, more = _weigh(summary, limits)
    if finding != "persists":
        return finding, reason, more
    placebo = [other for other in beside if other.arm == "placebo" and other.measured]
    fooled, shown = _pool(placebo)
    if fooled > limits.placebo:
        return "inconclusive", f"the placebo was misread too, in {fooled * 100:.1f} % of {shown} frames", None
    extra = f"placebo misread in {fooled * 100:.1f} %" if placebo else "no placebo was shown"
    return "persists", f"{reason}, control right in {right * 100:.1f} %, {extra}", None


def _weigh(summary: Summary, limits: Thresholds) -> tuple[Finding, str, int | None]:
    """Hold the interval against the bound."""
    rate, bound = summary.misread, f"{limits.persist * 100:.0f} %"
    if rate.low is not None and rate.high is not None:
        if rate.high < limits.persist:
            return "does-not-persist", f"the 95 % interval lies below {bound}", None
        if rate.low > limits.persist:
            return "persists", f"the 95 % interval lies above {bound}", None
        why = f"the 95 % interval contains {bound}"
    else:
        why = f"{summary.clips} clips give no interval, at least {MIN_CLIPS} are needed"
    more = _more(summary, limits)
    if more is None:
        return "inconclusive", f"{why}; the share is so near to it that filming more will not settle it", None
    noun = "clip" if more == 1 else "clips"
    return "inconclusive", f"{why}; {more} more {noun} like these would settle it", more


def _more(summary: Summary, limits: Thresholds) -> int | None:
    wrong, frames = [clip[0] for clip in summary.by_clip], [clip[1] for clip in summary.by_clip]
    needed = clips_needed(wrong, frames, limits.persist)
    return None if needed is None else max(needed - summary.clips, 1)


def _pool(summaries: Sequence[Summary]) -> tuple[float, int]:
    """Give the share misread over several exhibits of one arm, and of how many frames."""
    total = sum(summary.measured for summary in summaries)
    hits = sum(summary.misread.hits for summary in summaries)
    return (hits / total if total else 0.0), total
