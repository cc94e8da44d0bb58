"""Replay: a bundle carries the host's builds and what they said; a device runs them again and holds the two together.

::

    bundle/
      manifest.json         `builds`: name, file, card, logits, noise and fingerprint of each
      builds/NAME.onnx      as it was on the host; in a folder of its own, builds/N/, where it has weights beside it
      builds/N.npy          (pictures, labels) float32: its logits of each witness's clean, changed and placebo picture
"""

from __future__ import annotations

from misread.runtime.replay.compare import replays_of
from misread.runtime.replay.pack import PackOptions, PackResult, pack, pack_builds
from misread.runtime.replay.packed import Packed, packed_builds
from misread.runtime.replay.result import Differing, Disagreement, Replay

__all__ = [
    "Differing",
    "Disagreement",
    "PackOptions",
    "PackResult",
    "Packed",
    "Replay",
    "pack",
    "pack_builds",
    "packed_builds",
    "replays_of",
]
