"""Exhibits that a reader in closed form tells apart by their colour, whatever the camera does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from misread.card import ModelCard
from misread.runtime.board import Arm, Exhibit
from misread.runtime.rig import Script
from misread.runtime.session import FunctionReader
from misread.runtime.source import SourceOptions

if TYPE_CHECKING:
    from misread.pixels import UInt8

CARD = ModelCard(labels=("red", "green", "blue"), size_hw=(16, 16))
RED, GREEN = (200, 60, 60), (60, 190, 60)


def colour_reader(name: str = "fp32") -> FunctionReader:
    """Reads the strongest channel."""
    return FunctionReader(CARD, lambda prepared: prepared.astype(np.float32).mean(axis=(1, 2)) / 20, name=name)


def exhibit(index: int, colour: tuple[int, int, int], arm: Arm, name: str = "") -> Exhibit:
    return Exhibit(index=index, name=name or arm, arm=arm, image=flat(colour), label="red")


def flat(colour: tuple[int, int, int], side: int = 16) -> UInt8:
    return np.full((side, side, 3), colour, np.uint8)


def trio(changed: tuple[int, int, int] = GREEN) -> list[Exhibit]:
    """A red sign, one that somebody painted, and a placebo."""
    return [
        exhibit(0, RED, "clean"),
        exhibit(1, changed, "adversarial"),
        exhibit(2, (180, 80, 80), "placebo"),
    ]


def feed(clips: int = 5, frames: int = 2, **options: object) -> SourceOptions:
    script = Script(clips=clips, frames_per_clip=frames, blank_frames=3, distance_m=(1.6, 2.4))
    return SourceOptions(script=script, **options)  # type: ignore[arg-type]
