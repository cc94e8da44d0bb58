"""The part of a report that a camera run fills: arms, clips and film strips, one view per build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from misread.errors import FileError
from misread.pixels import read_image
from misread.report import words
from misread.report.camera import camera_view
from misread.report.content import ReportContent, Said
from misread.report.results.source import rate, remade
from misread.report.verification import mapping_record
from misread.runtime.camera.bins import Bin
from misread.runtime.camera.judge import Persistence, Thresholds
from misread.runtime.camera.keyframes import KeyFrame
from misread.runtime.camera.observe import Readout
from misread.runtime.camera.pairs import ClipPair
from misread.runtime.camera.result import CameraResult
from misread.runtime.camera.tally import Summary
from misread.runtime.camera.votes import Voted
from misread.runtime.source import Health

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.report.content import CameraView
    from misread.report.results.source import Source

_RATES: Final = ("targeted", "runs", "runs_alike", "in_runs", "never_right", "mostly")
_STATES: Final = {"x": True, ".": False, "-": None}


class Traces:
    """The course of a run from the letters that its summary keeps; clips and seconds are counted as the run did."""

    def __init__(self, summaries: Sequence[Summary], frames: Sequence[KeyFrame]) -> None:
        self._traces: dict[tuple[str, str, str], tuple[str, ...]] = {
            (one.exhibit, one.build, one.crop): one.trace for one in summaries
        }
        self._seconds = {frame.index: frame.seconds for frame in frames}

    def clips(self, exhibit: str, build: str, crop: str) -> tuple[tuple[bool | None, ...], ...]:
        """Return the clips of an exhibit in order, frame by frame: misread, read right, or None."""
        return tuple(tuple(_STATES[letter] for letter in trace) for trace in self._traces[(exhibit, build, crop)])

    def place(self, exhibit: str, build: str, crop: str, clip: int) -> int:  # noqa: ARG002  what Timeline takes
        """Return the clip's number within the run, from 0."""
        return clip

    def seconds(self, index: int) -> float:
        """Return when a frame was taken, since the first one that was kept."""
        return self._seconds.get(index, 0.0)


def camera(source: Source) -> ReportContent:
    """Return what `misread camera` found, with the key frames that lie beside its summary.

    Raises:
        FileError: a key frame is no picture.
    """
    document = source.document
    found, lost = _result(source)
    traces = Traces(found.summaries, found.key_frames)
    builds = tuple(dict.fromkeys(summary.build for summary in found.summaries))
    warnings = [f"Of the camera: {note}." for note in found.health.notes]
    if found.ended in {"interrupted", "lost"}:
        warnings.append(f"The camera run is not a whole one: it ended as {found.ended}.")
    if lost:
        warnings.append(f"{lost} key frames do not lie beside {source.path}, so they are not shown.")
    return ReportContent(
        title="misread camera",
        headline=_headline(found),
        said=(Said(sentence=_headline(found)),),
        warnings=tuple(warnings),
        cameras=tuple(_view(found, traces, build) for build in builds),
        records=tuple(
            (f"Fingerprint of {name}, before the camera", mapping_record(values))
            for name, values in document["fingerprints"].items()
        ),
    )


def _headline(found: CameraResult) -> str:
    said = [
        f"the change {one.exhibit} {one.finding.replace('-', ' ')} on {one.build}, "
        f"misread in {words.hits(one.misread)} frames"
        for one in found.claimed
    ]
    return f"Before the camera {'; '.join(said)}." if said else f"{words.plural(found.frames, 'frame')} were filmed."


def _view(found: CameraResult, traces: Traces, build: str) -> CameraView:
    titles = {
        one.exhibit: one.exhibit if one.arm in one.exhibit else f"{one.exhibit} ({one.arm})" for one in found.summaries
    }
    filmed = f"{found.frames} frames from {found.source}, {found.seconds:.1f} s; shown is the {found.claim} crop."
    return camera_view(found, traces, build, titles, filmed=titles, source=filmed)


def _result(source: Source) -> tuple[CameraResult, int]:
    """Return the run as it was, and how many of its key frames are not at hand."""
    document = source.document
    frames = [_frame(source, entry) for entry in document["key_frames"]]
    found = remade(
        CameraResult,
        document,
        claim=document["claim"],
        health=remade(Health, document["health"], gaps=()),
        thresholds=remade(Thresholds, document["thresholds"]),
        summaries=tuple(_summary(entry) for entry in document["summaries"]),
        verdicts=tuple(remade(Persistence, one, misread=rate(one["misread"])) for one in document["verdicts"]),
        pairs=tuple(remade(ClipPair, one) for one in document.get("pairs", ())),
        key_frames=tuple(frame for frame in frames if frame is not None),
        folder=None,
        fingerprints={},
    )
    return found, frames.count(None)


def _summary(entry: Mapping[str, Any]) -> Summary:
    # Results of before runs, votes and bins were counted have none of them.
    votes = [remade(Voted, one, misread=rate(one["misread"])) for one in entry.get("votes", ())]
    bins = [remade(Bin, one, misread=rate(one["misread"])) for one in entry.get("bins", ())]
    rates = {name: None if entry.get(name) is None else rate(entry[name]) for name in _RATES}
    return remade(Summary, entry, misread=rate(entry["misread"]), votes=tuple(votes), bins=tuple(bins), **rates)


def _frame(source: Source, entry: Mapping[str, Any]) -> KeyFrame | None:
    """Read a key frame of the run's own folder; a name that leads out of it is a stranger's trick."""
    folder = source.path.parent.resolve()
    if not entry["file"]:
        return None
    path = (folder / str(entry["file"])).resolve()
    if not path.is_relative_to(folder):
        raise FileError(
            f"{source.path} names a key frame outside its folder; make the run again with misread camera -o"
        )
    if not path.is_file():
        return None
    readouts = tuple(remade(Readout, one) for one in entry["readouts"])
    return remade(KeyFrame, entry, image=read_image(path), readouts=readouts)
