"""The live picture with what was read drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.pixels import rgb_to_bgr
from misread.runtime.camera.guide_view import draw_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.pixels import UInt8
    from misread.runtime.camera.observe import Observation, Readout
    from misread.runtime.camera.tally import Summary

STRIP_PX: Final = 46  # Height of a line of the strip, at a frame width of 960.
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_DARK: Final = (24, 22, 20)
_WHITE: Final = (245, 245, 245)
_GREY: Final = (170, 170, 170)
_RIGHT: Final = (120, 200, 90)
_WRONG: Final = (80, 80, 235)
_KEYS: Final = "1 clean  2 adversarial  3 placebo  4 background  n next clip  q quit"


def draw(observation: Observation, summaries: Sequence[Summary], *, keys: bool = True) -> UInt8:
    """Draw the frame with the target outlined and a strip below: arm, label and confidence per build, running score.

    Args:
        observation: The frame and what was read.
        summaries: The score so far.
        keys: Whether to name the keys.

    Returns:
        (h + strip, w, 3) uint8 BGR, as `cv2.imshow` takes it; frames below 480 px are enlarged.

    """
    frame = rgb_to_bgr(observation.frame.image)
    scale = max(480 / frame.shape[1], 1.0)
    if scale > 1:
        enlarged = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        frame = np.asarray(enlarged, np.uint8)
    frame = np.ascontiguousarray(frame)
    shown = [readout for readout in observation.readouts if readout.crop == "raw"]
    if observation.target is not None:
        outline = np.rint(observation.target.corners * scale).astype(np.int32)
        cv2.polylines(frame, [outline], isClosed=True, color=_colour(shown), thickness=2, lineType=cv2.LINE_AA)
    if observation.prompt is not None:
        draw_prompt(frame, observation.prompt)
    size = frame.shape[1] / 960
    line = round(STRIP_PX * max(size, 0.6))
    strip = np.full((line * (1 + max(len(shown), 1)), frame.shape[1], 3), _DARK, np.uint8)
    _head(strip, observation, line, size, keys=keys)
    scores = _scores(observation, summaries)
    for row, readout in enumerate(shown, start=1):
        _row(strip[row * line : (row + 1) * line], readout, scores.get(readout.build, ""), size)
    return np.vstack([frame, strip])


def _head(strip: UInt8, observation: Observation, line: int, size: float, *, keys: bool) -> None:
    subject = observation.subject
    text = f"{subject.arm}: {subject.name}" if subject is not None else "looking for the board ..."
    status = observation.status
    text = text if status.counting else f"not counting - {text}"
    _text(strip[:line], text[:40], 0.014, size, _WHITE)
    if keys:
        _text(strip[:line], _KEYS, 0.5, size * 0.72, _GREY)
    if status.recording:
        cv2.circle(strip, (round(strip.shape[1] * 0.985), line // 2), round(line * 0.2), _WRONG, -1, cv2.LINE_AA)


def _row(area: UInt8, readout: Readout, score: str, size: float) -> None:
    line = area.shape[0]
    width = area.shape[1]
    bar = round(width * 0.2 * readout.confidence)
    left = round(width * 0.5)
    cv2.rectangle(area, (left, round(line * 0.3)), (left + round(width * 0.2), round(line * 0.7)), (60, 58, 56), -1)
    cv2.rectangle(area, (left, round(line * 0.3)), (left + bar, round(line * 0.7)), _colour([readout]), -1)
    _text(area, readout.build[:18], 0.014, size * 0.8, _GREY)
    _text(area, f"{readout.label[:22]} {readout.confidence * 100:.0f} %", 0.2, size, _colour([readout]))
    _text(area, score, 0.715, size * 0.8, _WHITE)


def _text(area: UInt8, text: str, at: float, size: float, colour: tuple[int, int, int]) -> None:
    height = 0.62 * max(size, 0.45)
    left = round(area.shape[1] * at)
    # OpenCV's fonts know ASCII only; anything else would show as question marks of another width.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(area, plain, (left, round(area.shape[0] * 0.64)), _FONT, height, colour, 1, cv2.LINE_AA)


def _colour(readouts: list[Readout]) -> tuple[int, int, int]:
    margins = [readout.margin for readout in readouts if readout.margin is not None]
    if not margins:
        return _WHITE
    return _WRONG if min(margins) < 0 else _RIGHT


def _scores(observation: Observation, summaries: Sequence[Summary]) -> dict[str, str]:
    subject = observation.subject
    if subject is None:
        return {}
    return {
        summary.build: f"misread {summary.misread.hits}/{summary.measured}, clip {summary.clips}"
        for summary in summaries
        if summary.exhibit == subject.name and summary.crop == "raw"
    }
