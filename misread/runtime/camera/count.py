"""The counters of one exhibit, build and crop; nothing of a frame is kept but a letter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.runtime.camera.bins import key_of
from misread.runtime.camera.grid import Grid
from misread.runtime.camera.votes import Ballot, Vote

if TYPE_CHECKING:
    from misread.runtime.camera.bins import Key
    from misread.runtime.camera.observe import Observation, Readout
    from misread.runtime.camera.subject import Subject

MAX_TRACES: Final = 2000
MAX_TRACE: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """What is counted besides frames.

    Attributes:
        run: So many frames misread in a row make a run.
        votes: The rules by which a product might vote.
        grid: Bins of distance and angle.
        bin_frames: Fewest frames of a bin that say anything.

    """

    run: int = 3
    votes: tuple[Vote, ...] = (Vote(needed=3, of=5), Vote(needed=5, of=9))
    grid: Grid = field(default_factory=Grid)
    bin_frames: int = 10

    def __post_init__(self) -> None:
        """Refuse runs and bins of nothing."""
        if self.run < 1 or self.bin_frames < 1:
            raise OptionError(f"a run and a bin have at least 1 frame, got {self.run} and {self.bin_frames}")


@dataclass(kw_only=True, slots=True)
class ClipCount:
    """One clip: its frames, those misread, those read as the target, and times."""

    start_ns: int
    end_ns: int
    frames: int = 0
    wrong: int = 0
    aimed: int = 0
    in_runs: int = 0
    longest: int = 0
    longest_alike: int = 0
    first_wrong_ns: int | None = None
    first_right_ns: int | None = None
    votes: list[list[int]] = field(default_factory=list)
    bins: dict[Key, list[int]] = field(default_factory=dict)
    trace: bytearray = field(default_factory=bytearray)

    def follow(self, letters: str) -> None:
        """Note what happened, as far as a trace reaches."""
        self.trace += letters[: MAX_TRACE - len(self.trace)].encode("ascii")


class Count:
    """Takes frame by frame what one build read of one exhibit in one crop."""

    def __init__(self, counting: Counting) -> None:
        self.counting = counting
        self.clips: dict[int, ClipCount] = {}
        self.captured = 0
        self.labels: Counter[str] = Counter()
        self.longest = 0
        self.longest_label: str | None = None
        self.ballots = [Ballot(rule) for rule in counting.votes]
        self._run = self._alike = 0
        self._label: str | None = None

    def add(self, observation: Observation, readout: Readout, subject: Subject) -> None:
        """Take a frame; one outside of any clip is left out."""
        place, now_ns = observation.place, observation.frame.time_ns
        if place.clip is None:
            return
        clip = self.clips.get(place.clip) or self._begin(place.clip, now_ns)
        self.captured += 1 + place.bridged
        clip.frames += 1
        clip.end_ns = now_ns
        self.labels[readout.label] += 1
        wrong = subject.label is not None and readout.label != subject.label
        if len(self.clips) <= MAX_TRACES:
            clip.follow("-" * place.bridged + ("x" if wrong else "."))
        clip.wrong += wrong
        clip.aimed += subject.target is not None and subject.target.reached(readout.label, subject.label or "")
        if wrong and clip.first_wrong_ns is None:
            clip.first_wrong_ns = now_ns
        if not wrong and subject.label is not None and clip.first_right_ns is None:
            clip.first_right_ns = now_ns
        self._follow(clip, readout.label, wrong=wrong, whole=not place.first and not place.bridged)
        for counts, ballot in zip(clip.votes, self.ballots, strict=True):
            against, all_votes = ballot.cast(readout.label, subject.label)
            counts[0] += against
            counts[1] += all_votes
        key = key_of(observation.target, self.counting.grid)
        if key is not None:
            binned = clip.bins.setdefault(key, [0, 0])
            binned[0] += wrong
            binned[1] += 1

    def _begin(self, number: int, now_ns: int) -> ClipCount:
        for ballot in self.ballots:
            ballot.begin()
        clip = ClipCount(start_ns=now_ns, end_ns=now_ns, votes=[[0, 0] for _ in self.ballots])
        self.clips[number] = clip
        return clip

    def _follow(self, clip: ClipCount, label: str, *, wrong: bool, whole: bool) -> None:
        """Go on with the runs. A frame that was not measured might have been read right, so it breaks them."""
        self._alike = self._alike + 1 if wrong and whole and label == self._label else int(wrong)
        self._run = self._run + 1 if wrong and whole else int(wrong)
        self._label = label if wrong else None
        clip.longest, clip.longest_alike = max(clip.longest, self._run), max(clip.longest_alike, self._alike)
        if self._alike > self.longest:
            self.longest, self.longest_label = self._alike, self._label
        if self._run >= self.counting.run:
            clip.in_runs += self.counting.run if self._run == self.counting.run else 1
