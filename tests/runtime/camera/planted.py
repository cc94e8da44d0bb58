"""Observations made by hand, so that what is counted is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from misread.runtime.camera.clips import Clips
from misread.runtime.camera.locate import Target
from misread.runtime.camera.observe import Observation, Readout
from misread.runtime.camera.subject import Subject
from misread.runtime.camera.tally import Summary, Tally
from misread.runtime.source import Frame

if TYPE_CHECKING:
    from misread.runtime.board import Arm
    from misread.runtime.camera.count import Counting
    from misread.wish import Wish

LABELS = {"s": "Stop", "4": "Speed 40", "y": "Yield"}
FRAME_NS = 100_000_000  # ten frames a second
SQUARE = np.array([[40, 20], [60, 20], [60, 40], [40, 40]], np.float32)


def subject(name: str = "sign", arm: Arm = "adversarial", target: Wish | None = None) -> Subject:
    return Subject(name=name, arm=arm, label="Stop", target=target)


def observe(who: Subject, reads: str, clips: Clips, start: int = 0) -> list[Observation]:
    """One observation a letter: what is read, or `.` when the target is lost. Each call is a clip of its own."""
    clips.cut()
    seen = []
    for number, letter in enumerate(reads, start=start):
        image = np.full((80, 100, 3), number % 256, np.uint8)
        frame = Frame(image=image, index=number, time_ns=number * FRAME_NS)
        lost = letter == "."
        place = clips.place(None if lost else who, frame.time_ns)
        label = LABELS.get(letter, "")
        margin = 1.0 if label == who.label else -1.0
        readout = Readout(build="fp32", crop="raw", label=label, confidence=0.9, margin=margin)
        seen.append(
            Observation(
                frame=frame,
                place=place,
                subject=None if lost else who,
                target=None if lost else Target(corners=SQUARE),
                crops={},
                readouts=() if lost else (readout, replace(readout, build="int8")),
            )
        )
    return seen


def tally(who: Subject, *clips_read: str, counting: Counting | None = None) -> Tally:
    counted, clips, start = Tally(counting), Clips(), 0
    for reads in clips_read:
        for observation in observe(who, reads, clips, start):
            counted.add(observation)
        start += len(reads)
    return counted


def summary(who: Subject, *clips_read: str) -> Summary:
    return tally(who, *clips_read).summaries()[0]
