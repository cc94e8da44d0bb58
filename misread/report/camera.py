"""What a camera run shows in a report: arms with their counts, clips over time, film strips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from misread.report import words
from misread.report.camera_tables import differences, grids, product
from misread.report.content import ArmView, CameraView, FilmFrame, Read

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from misread.runtime.camera.keyframes import KeyFrame
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.result import CameraResult
    from misread.runtime.camera.tally import Summary


class Course(Protocol):
    """What happened frame by frame: a `Timeline`, or what a summary remembers of it."""

    def clips(self, exhibit: str, build: str, crop: str) -> tuple[tuple[bool | None, ...], ...]:
        """Return the clips of an exhibit in order, frame by frame: misread, read right, or None."""

    def place(self, exhibit: str, build: str, crop: str, clip: int) -> int:
        """Return the number to show for a clip, from 0."""

    def seconds(self, index: int) -> float:
        """Return when a frame was taken."""


class Timeline:
    """Remembers of every frame whether it was misread, and when; give `see` to a run as its `on_frame`."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, str], dict[int, list[bool | None]]] = {}
        self._starts: dict[int, int] = {}
        self._seconds: dict[int, float] = {}

    def see(self, observation: Observation) -> None:
        """Take one frame; frames lost inside a clip count as not measured."""
        subject, place = observation.subject, observation.place
        if subject is None or place.clip is None:
            return
        start = self._starts.setdefault(place.clip, observation.frame.time_ns)
        self._seconds[observation.frame.index] = (observation.frame.time_ns - start) * 1e-9
        for readout in observation.readouts:
            clips = self._states.setdefault((subject.name, readout.build, readout.crop), {})
            wrong = subject.label is not None and readout.label != subject.label
            clips.setdefault(place.clip, []).extend([*[None] * place.bridged, wrong])

    def clips(self, exhibit: str, build: str, crop: str) -> tuple[tuple[bool | None, ...], ...]:
        """Return the clips of an exhibit in order, frame by frame: misread, read right, or None."""
        return tuple(tuple(states) for _, states in sorted(self._states.get((exhibit, build, crop), {}).items()))

    def place(self, exhibit: str, build: str, crop: str, clip: int) -> int:
        """Return which of the exhibit's clips a clip of the run is, from 0."""
        return sorted(self._states[(exhibit, build, crop)]).index(clip)

    def seconds(self, index: int) -> float:
        """Return how long into its clip a frame was taken."""
        return self._seconds.get(index, 0.0)


def camera_view(
    result: CameraResult,
    timeline: Course,
    build: str,
    titles: Mapping[str, str],
    *,
    filmed: Collection[str] = (),
    source: str = "",
    note: str = "",
) -> CameraView:
    """Return one build's view of a run, from the crop that the run's claim names.

    Args:
        result: what was counted.
        timeline: what it saw frame by frame.
        build: whose readings to show.
        titles: what to call the exhibits, in the order in which to show them; the others are left out.
        filmed: exhibits that get a film strip.
        source: a sentence on what was filmed, and how.
        note: anything else to know.

    """
    known = {one.exhibit: one for one in result.summaries if one.build == build and one.crop == result.claim}
    arms = tuple(
        _arm(result, timeline, known[exhibit], title, with_film=exhibit in filmed)
        for exhibit, title in titles.items()
        if exhibit in known
    )
    verdicts = [verdict for verdict in result.claimed if verdict.build == build]
    said = "; ".join(
        f"{titles.get(one.exhibit, one.exhibit)}: {one.finding.replace('-', ' ')} ({one.reason})" for one in verdicts
    )
    passed, gate = _gate(result, tuple(known.values()))
    shown = [known[exhibit] for exhibit in titles if exhibit in known]
    pairs = [pair for pair in result.pairs if pair.crop == result.claim and build in {pair.shared, pair.first}]
    return CameraView(
        reader=build,
        source=source,
        verdict=said,
        gate=gate,
        gate_passed=passed,
        arms=arms,
        note=note,
        grids=grids(shown, titles),
        tables=(*product(shown, titles), *differences(pairs, titles)),
    )


def _gate(result: CameraResult, summaries: tuple[Summary, ...]) -> tuple[bool, str]:
    clean = [summary for summary in summaries if summary.arm == "clean"]
    needed = f"{100 * result.thresholds.control:.0f}{words.NBSP}% needed"
    right = sum(summary.measured - summary.misread.hits for summary in clean)
    measured = sum(summary.measured for summary in clean)
    passed = bool(clean) and all((summary.right or 0.0) >= result.thresholds.control for summary in clean)
    return passed, f"clean signs read right in {words.count(right)} of {words.plural(measured, 'frame')} ({needed})"


def _arm(result: CameraResult, timeline: Course, summary: Summary, title: str, *, with_film: bool) -> ArmView:
    frames = [frame for frame in result.key_frames if frame.exhibit == summary.exhibit] if with_film else []
    return ArmView(
        arm=summary.arm,
        title=title,
        rate=summary.misread,
        clips=timeline.clips(summary.exhibit, summary.build, summary.crop),
        film=tuple(_frame(timeline, frame, summary) for frame in frames),
        longest_run=summary.longest_run,
        first_misread_s=summary.first_misread_s,
        most_read=summary.labels[0][0] if summary.labels else words.NONE,
    )


def _frame(timeline: Course, frame: KeyFrame, summary: Summary) -> FilmFrame:
    readout = next(one for one in frame.readouts if (one.build, one.crop) == (summary.build, summary.crop))
    return FilmFrame(
        image=frame.image,
        read=Read(
            reader=readout.build,
            label=readout.label,
            confidence=readout.confidence,
            expected=summary.label or readout.label,
        ),
        clip=timeline.place(summary.exhibit, summary.build, summary.crop, frame.clip),
        time_s=timeline.seconds(frame.index),
    )
