"""Counting as frames come in: per exhibit, build and crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.runtime.camera.bins import Bin, text_of
from misread.runtime.camera.count import MAX_TRACES, Count, Counting
from misread.runtime.camera.votes import Voted
from misread.stats import Rate, clip_rate, exact, median_wait

if TYPE_CHECKING:
    from collections.abc import Iterable

    from misread.runtime.camera.count import ClipCount
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.subject import Subject


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
        first_misread_s: Kaplan and Meier's median of the time until a clip is misread, which knows that a clip may have
            ended before; None where more than half were not misread as long as they were watched.
        first_right_s: Likewise until it is read right.
        labels: What was read how often, the most frequent first.
        trace: Per clip one letter a frame: `x` misread, `.` not misread, `-` not measured; the first 2,000 clips
            and 10,000 frames of each.
        run: So many frames misread in a row make a run.
        runs: Clips with at least one run, with the exact interval.
        runs_alike: Clips with at least one run of one and the same wrong label, likewise.
        in_runs: Measured frames that belong to a run, with the clip-level interval.
        never_right: Clips without a single frame read right, with the exact interval: misread by a product that
            keeps a sign once it was read.
        mostly: Clips of which more than half of the frames were misread, with the exact interval.
        votes: What a vote over the last frames came to.
        bins: By distance and angle, or by size; sorted.
        by_clip: Per clip frames misread and frames measured.

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
    run: int = 3
    runs: Rate | None = None
    runs_alike: Rate | None = None
    in_runs: Rate | None = None
    never_right: Rate | None = None
    mostly: Rate | None = None
    votes: tuple[Voted, ...] = ()
    bins: tuple[Bin, ...] = ()
    by_clip: tuple[tuple[int, int], ...] = ()

    @property
    def right(self) -> float | None:
        """Share of the measured frames read right; None of nothing."""
        return None if self.misread.share is None or self.label is None else 1 - self.misread.share


class Tally:
    """Sums up observations."""

    def __init__(self, counting: Counting | None = None) -> None:
        self._counting = counting or Counting()
        self._counts: dict[tuple[Subject, str, Crop], Count] = {}
        self.frames = 0
        self.located = 0

    def add(self, observation: Observation) -> None:
        """Count a frame."""
        self.frames += 1
        self.located += observation.target is not None
        subject = observation.subject
        if subject is None or observation.place.clip is None:
            return
        for readout in observation.readouts:
            key = (subject, readout.build, readout.crop)
            self._counts.setdefault(key, Count(self._counting)).add(observation, readout, subject)

    def summaries(self) -> tuple[Summary, ...]:
        """Give what was counted so far, in the order in which exhibits were first seen."""
        return tuple(_summary(subject, build, crop, count) for (subject, build, crop), count in self._counts.items())


def _summary(subject: Subject, build: str, crop: Crop, count: Count) -> Summary:
    clips = list(count.clips.values())
    run, known = count.counting.run, subject.label is not None
    return Summary(
        exhibit=subject.name,
        arm=subject.arm,
        group=subject.group,
        build=build,
        crop=crop,
        label=subject.label,
        target=None if subject.target is None else subject.target.text,
        captured=count.captured,
        measured=sum(clip.frames for clip in clips),
        clips=len(clips),
        misread=_of_frames((clip.wrong, clip.frames) for clip in clips),
        targeted=None if subject.target is None else _of_frames((clip.aimed, clip.frames) for clip in clips),
        clips_misread=sum(clip.wrong > 0 for clip in clips),
        longest_run=count.longest,
        longest_label=count.longest_label,
        first_misread_s=median_wait([_wait(clip, clip.first_wrong_ns) for clip in clips]) if known else None,
        first_right_s=median_wait([_wait(clip, clip.first_right_ns) for clip in clips]) if known else None,
        labels=tuple(count.labels.most_common(8)),
        trace=tuple(clip.trace.decode("ascii") for clip in clips[:MAX_TRACES]),
        run=run,
        runs=exact(sum(clip.longest >= run for clip in clips), len(clips)) if known else None,
        runs_alike=exact(sum(clip.longest_alike >= run for clip in clips), len(clips)) if known else None,
        in_runs=_of_frames((clip.in_runs, clip.frames) for clip in clips) if known else None,
        never_right=exact(sum(clip.first_right_ns is None for clip in clips), len(clips)) if known else None,
        mostly=exact(sum(2 * clip.wrong > clip.frames for clip in clips), len(clips)) if known else None,
        votes=_votes(count, clips) if known else (),
        bins=_bins(count, clips) if known else (),
        by_clip=tuple((clip.wrong, clip.frames) for clip in clips),
    )


def _votes(count: Count, clips: list[ClipCount]) -> tuple[Voted, ...]:
    return tuple(
        Voted(
            rule=ballot.rule.text,
            misread=_of_frames((clip.votes[place][0], clip.votes[place][1]) for clip in clips),
            undecided=ballot.undecided,
            label=next((label for label, _ in ballot.wrong.most_common(1)), None),
        )
        for place, ballot in enumerate(count.ballots)
    )


def _bins(count: Count, clips: list[ClipCount]) -> tuple[Bin, ...]:
    counting = count.counting
    found = []
    for key in sorted({key for clip in clips for key in clip.bins}):
        held = [clip.bins[key] for clip in clips if key in clip.bins]
        rate = _of_frames((wrong, frames) for wrong, frames in held)
        by, row, column = key
        text, enough = text_of(key, counting.grid), rate.total >= counting.bin_frames
        found.append(Bin(by=by, row=row, column=column, text=text, misread=rate, enough=enough))
    return tuple(found)


def _of_frames(pairs: Iterable[tuple[int, int]]) -> Rate:
    counts = list(pairs)
    return clip_rate([hits for hits, _ in counts], [frames for _, frames in counts])


def _wait(clip: ClipCount, until_ns: int | None) -> tuple[float, bool]:
    end_ns = clip.end_ns if until_ns is None else until_ns
    return (end_ns - clip.start_ns) * 1e-9, until_ns is not None
