"""What a camera run found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from misread.files import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from misread.runtime.camera.judge import Persistence, Thresholds
    from misread.runtime.camera.keyframes import KeyFrame
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.pairs import ClipPair
    from misread.runtime.camera.tally import Summary
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.source import Health

KIND: Final = "misread-camera"
SUMMARY: Final = "summary.json"
INTERRUPTED: Final = 130
_SETTLED: Final = ("persists", "does-not-persist")


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraResult:
    """The outcome of a run before the camera.

    `exit_code` is 0 when the question was answered: with adversarial exhibits when each of them `persists` or
    `does-not-persist` on every build in the crop that the claim names; with only an expected label when it was read in
    at least the control share of the frames; with neither always. Otherwise it is 1: a verdict could not be given
    (`invalid-control`, `inconclusive`, `not-measured`), or the expected label was not read. After Ctrl-C it is 130:
    what was seen is written, and the run is not a whole one.

    Attributes:
        source: What was opened.
        claim: The crop that verdicts and the sentence speak of.
        frames: Frames that reached the loop.
        located: Frames in which a target was found.
        seconds: From the first to the last frame, on the source's clock.
        ended: Why the run ended: `source`, `time`, `quit` or `interrupted`, or `lost` with the source gone.
        health: Frames dropped, gaps, and what the source read back.
        thresholds: What the verdicts hang on.
        summaries: Per exhibit, build and crop.
        verdicts: Per adversarial exhibit, build and crop.
        key_frames: For a film strip.
        folder: Where log, summary and key frames lie, or None.
        fingerprints: Of the builds, by name.
        card_from: Per build, who said how it is fed.
        pairs: Changed exhibits against control and placebo, and builds against each other.

    """

    source: str
    claim: Crop
    frames: int
    located: int
    seconds: float
    ended: str
    health: Health
    thresholds: Thresholds
    summaries: tuple[Summary, ...]
    verdicts: tuple[Persistence, ...]
    key_frames: tuple[KeyFrame, ...]
    folder: Path | None = None
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)
    card_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[ClipPair, ...] = ()

    @property
    def claimed(self) -> tuple[Persistence, ...]:
        """The verdicts in the crop that the claim names."""
        return tuple(verdict for verdict in self.verdicts if verdict.crop == self.claim)

    @property
    def exit_code(self) -> int:
        """0 when the question was answered, 1 when not, 130 after Ctrl-C; see the class."""
        if self.ended == "interrupted":
            return INTERRUPTED
        if any(summary.arm != "clean" for summary in self.summaries):
            return 0 if self.claimed and all(verdict.finding in _SETTLED for verdict in self.claimed) else 1
        controls = [summary for summary in self._shown() if summary.label is not None]
        if not controls:
            return 0 if self.summaries or self.located else 1
        return 0 if all((summary.right or 0.0) >= self.thresholds.control for summary in controls) else 1

    @property
    def sentence(self) -> str:
        """Say what happened in numbers."""
        if not self._shown():
            return f"{self.frames} frames from {self.source}: nothing to read was found in any of them"
        parts = [f"{verdict.exhibit} {_said(verdict)}" for verdict in self.claimed]
        parts += [_control(summary) for summary in self._shown() if summary.arm == "clean"]
        return f"From the {self.claim} crop of {self.frames} frames: {'; '.join(parts)}."

    def document(self) -> dict[str, Any]:
        """Give the result for JSON: everything but the pictures."""
        names = ("source", "claim", "frames", "located", "seconds", "ended", "health", "thresholds", "card_from")
        document: dict[str, Any] = {name: jsonable(getattr(self, name)) for name in names}
        document |= {"summaries": jsonable(self.summaries), "verdicts": jsonable(self.verdicts)}
        document["pairs"] = jsonable(self.pairs)
        document["key_frames"] = [_without_picture(frame) for frame in self.key_frames]
        document["fingerprints"] = jsonable(self.fingerprints)
        document |= {"sentence": self.sentence, "exit_code": self.exit_code}
        return document

    def _shown(self) -> tuple[Summary, ...]:
        return tuple(summary for summary in self.summaries if summary.crop == self.claim)


def _said(verdict: Persistence) -> str:
    finding = verdict.finding.replace("-", " ")
    return f"misread by {verdict.build} in {verdict.misread.text()} frames: {finding} ({verdict.reason})"


def _control(summary: Summary) -> str:
    if summary.label is None:
        counts = ", ".join(f"{label} {count}" for label, count in summary.labels[:3])
        return f"{summary.build} read {counts}"
    right = summary.measured - summary.misread.hits
    return f"{summary.exhibit} read right by {summary.build} in {right}/{summary.measured}"


def _without_picture(frame: KeyFrame) -> Mapping[str, Any]:
    names = ("exhibit", "arm", "clip", "index", "seconds", "file", "readouts")
    return {name: jsonable(getattr(frame, name)) for name in names}
