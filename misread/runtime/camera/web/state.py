"""What the page is told of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from misread.text import printable

if TYPE_CHECKING:
    from misread.runtime.camera.guide import Prompt
    from misread.runtime.camera.observe import Observation, Readout
    from misread.runtime.camera.tally import Summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """What one picture of the page is made of.

    Attributes:
        observation: The frame and what was read.
        frames: That were counted so far.
        dropped: That the source threw away, because newer ones came.
        summaries: The score.

    """

    observation: Observation
    frames: int
    dropped: int
    summaries: tuple[Summary, ...]


def state(shot: Shot) -> dict[str, Any]:
    """Give the page's document; every text in it is printable, and the page sets it as text."""
    observation, prompt = shot.observation, shot.observation.prompt
    sight = observation.target.sight if observation.target else None
    subject, target, status = observation.subject, observation.target, observation.status
    return {
        "frames": shot.frames,
        "dropped": shot.dropped,
        "index": observation.frame.index,
        "clip": observation.place.clip,
        "exhibit": printable(subject.name) if subject else None,
        "arm": subject.arm if subject else None,
        "label": printable(subject.label) if subject and subject.label is not None else None,
        "named": status.arm,
        "counting": status.counting,
        "recording": status.recording,
        "size_px": round(target.size_px) if target else None,
        "by_markers": target is not None and target.exhibit is not None,
        "readouts": [_readout(readout) for readout in observation.readouts],
        "scores": [_score(summary) for summary in shot.summaries],
        "age_ms": None if status.age_ms is None else round(status.age_ms),
        "distance_m": None if sight is None or sight.distance_m is None else round(sight.distance_m, 2),
        "angle_deg": None if sight is None else round(sight.angle_deg),
        "hint": None if prompt is None else printable(prompt.text),
        "grid": None if prompt is None else _grid(prompt),
    }


def _grid(prompt: Prompt) -> dict[str, Any]:
    return {
        "distances": prompt.distances,
        "angles": prompt.angles,
        "filled": prompt.filled,
        "here": prompt.here,
        "wanted": prompt.wanted,
        "missing": prompt.missing,
    }


def _readout(readout: Readout) -> dict[str, Any]:
    return {
        "build": printable(readout.build),
        "crop": readout.crop,
        "label": printable(readout.label),
        "right": None if readout.margin is None else readout.margin >= 0,
        "top": [[printable(label), round(share, 4)] for label, share in readout.top],
    }


def _score(summary: Summary) -> dict[str, Any]:
    rate = summary.misread
    return {
        "exhibit": printable(summary.exhibit),
        "arm": summary.arm,
        "build": printable(summary.build),
        "crop": summary.crop,
        "judged": summary.label is not None,
        "misread": rate.hits,
        "measured": summary.measured,
        "low": rate.low,
        "high": rate.high,
        "clips": summary.clips,
        "clips_misread": summary.clips_misread,
    }
