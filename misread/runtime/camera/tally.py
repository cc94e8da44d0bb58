"""Counting as frames come in: per exhibit, build and crop; nothing of a frame is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from misread.stats import Rate, clip_rate

if TYPE_CHECKING:
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.observe import Observation, Readout
    from misread.runtime.camera.subject import Subject


MAX_TRACES: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """How one build read one exhibit in one kind of crop.

    Attributes:
        exhibit: Its name.
        arm: Its condition.
        group: What it is compared within.
        build: Who read.
        crop: From what.
        label: The right reading, or None when nobody said; then nothing counts as misread.
        target: What the attacker wanted, as text; None where any wrong label will do.
        captured: Frames in which the exhibit was before the camera, as far as can be told.
        measured: Frames in which it was found and read; the others never count as misread.
        clips: Clips with a measured frame.
        misread: Measured frames misread, with the clip-level interval.
        targeted: Measured frames read as the attacker wanted, likewise; None without a target.
        clips_misread: Clips with at least one frame misread.
        longest_run: Most frames in a row misread alike.
        longest_label: What they were read as.
        first_misread_s: Median over the clips that were misread of the time until it happened.
        first_right_s: Median over the clips that were read right at some time of the time until it happened.
        labels: What was read how often, the most frequent first.
        trace: Per clip one letter a frame: `x` misread, `.` not misread, `-` not measured; the first 2,000 clips.

    """

    exhibit: str
    arm: str
    group: str
    build: str
    crop: Crop
    label: str | None
    target: str | None
    captured: int
    measured: int
    clips: int
    misread: Rate
    targeted: Rate | None
    clips_misread: int
    longest_run: int
    longest_label: str | None
    first_misread_s: float | None
    first_right_s: float | None
    labels: tuple[tuple[str, int], ...]
    trace: tuple[str, ...] = ()

    @property
    def right(self) -> float | None:
        """Share of the measured frames read right; None of nothing."""
        return None if self.misread.share is None or self.label is None else 1 - self.misread.share


@dataclass(kw_only=True, slots=True)
class _Clip:
    start_ns: int
    frames: int = 0
    wrong: int = 0
    aimed: int = 0
    first_wrong_ns: int | None = None
    first_right_ns: int | None = None
    trace: list[str] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class _Count:
    clips: dict[int, _Clip] = field(default_factory=dict)
    captured: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    run: int = 0
    run_label: str | None = None
    longest: int = 0
    longest_label: str | None = None


class Tally:
    """Sums up observations."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Subject, str, Crop], _Count] = {}
        self.frames = 0
        self.located = 0

    def add(self, observation: Observation) -> None:
        """Count a frame."""
        self.frames += 1
        self.located += observation.target is not None
        if observation.subject is None or observation.place.clip is None:
            return
        for readout in observation.readouts:
            key = (observation.subject, readout.build, readout.crop)
            _count(self._counts.setdefault(key, _Count()), observation, readout, observation.subject)

    def summaries(self) -> tuple[Summary, ...]:
        """Give what was counted so far, in the order in which exhibits were first seen."""
        return tuple(_summary(subject, build, crop, count) for (subject, build, crop), count in self._counts.items())


def _count(count: _Count, observation: Observation, readout: Readout, subject: Subject) -> None:
    place, now_ns = observation.place, observation.frame.time_ns
    if place.clip is None:
        return
    clip = count.clips.setdefault(place.clip, _Clip(start_ns=now_ns))
    count.captured += 1 + place.bridged
    clip.frames += 1
    clip.trace.append("-" * place.bridged)
    count.labels[readout.label] += 1
    wrong = subject.label is not None and readout.label != subject.label
    clip.trace.append("x" if wrong else ".")
    clip.aimed += subject.target is not None and subject.target.reached(readout.label, subject.label or "")
    if wrong:
        clip.wrong += 1
        clip.first_wrong_ns = now_ns if clip.first_wrong_ns is None else clip.first_wrong_ns
    elif clip.first_right_ns is None and subject.label is not None:
        clip.first_right_ns = now_ns
    # A frame that was not measured might have been read right, so it breaks a run; so does a new clip.
    goes_on = wrong and not place.first and not place.bridged and readout.label == count.run_label
    count.run = count.run + 1 if goes_on else int(wrong)
    count.run_label = readout.label if wrong else None
    if count.run > count.longest:
        count.longest, count.longest_label = count.run, count.run_label


def _summary(subject: Subject, build: str, crop: Crop, count: _Count) -> Summary:
    clips = list(count.clips.values())
    frames = [clip.frames for clip in clips]
    targeted = clip_rate([clip.aimed for clip in clips], frames) if subject.target is not None else None
    return Summary(
        exhibit=subject.name,
        arm=subject.arm,
        group=subject.group,
        build=build,
        crop=crop,
        label=subject.label,
        target=None if subject.target is None else subject.target.text,
        captured=count.captured,
        measured=sum(frames),
        clips=len(clips),
        misread=clip_rate([clip.wrong for clip in clips], frames),
        targeted=targeted,
        clips_misread=sum(clip.wrong > 0 for clip in clips),
        longest_run=count.longest,
        longest_label=count.longest_label,
        first_misread_s=_median([(clip.start_ns, clip.first_wrong_ns) for clip in clips]),
        first_right_s=_median([(clip.start_ns, clip.first_right_ns) for clip in clips]),
        labels=tuple(count.labels.most_common(8)),
        trace=tuple("".join(clip.trace) for clip in clips[:MAX_TRACES]),
    )


def _median(spans: list[tuple[int, int | None]]) -> float | None:
    waits = [(end - start) * 1e-9 for start, end in spans if end is not None]
    return median(waits) if waits else None
