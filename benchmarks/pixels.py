"""What preparing a picture costs beside Pillow: the same picture, the same kernel, the same size, in one run.

    python benchmarks/pixels.py
    python benchmarks/pixels.py --repeats 200 --json pixels.json

Both start from a uint8 array in memory and end with one. They take turns, and the quickest time of each counts. Each
case runs on one thread, then on as many as the libraries take by themselves (Pillow never takes more than one).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from PIL import Image

from misread.card import ModelCard
from misread.pixels import fit, placement
from misread.resample import blocks_of
from misread.taps import taps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.pixels import UInt8

CROP: Final = {"resize": "crop", "resize_px": 256}
#: Name, height and width of the picture, what the card says, and whether weights are made anew each time.
CASES: Final[tuple[tuple[str, tuple[int, int], dict[str, Any], bool], ...]] = (
    ("1080p, squash, bilinear", (1080, 1920), {}, False),
    ("1080p, crop from 256, bilinear", (1080, 1920), CROP, False),
    ("1080p, letterbox, bilinear", (1080, 1920), {"resize": "letterbox"}, False),
    ("1080p, squash, bicubic", (1080, 1920), {"interpolation": "bicubic"}, False),
    ("1080p, crop from 256, bicubic", (1080, 1920), {"interpolation": "bicubic", **CROP}, False),
    ("1080p, squash, bilinear, first of its size", (1080, 1920), {}, True),
    ("1080p upright, squash, bilinear", (1920, 1080), {}, False),
    ("2160p, crop from 256, bilinear", (2160, 3840), CROP, False),
    ("375 x 500, crop from 256, bilinear", (375, 500), CROP, False),
    ("48 x 64, squash, bilinear", (48, 64), {}, False),
)
KERNELS: Final = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
ONE: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def by_pillow(image: UInt8, card: ModelCard) -> UInt8:
    """Prepare as torchvision does: resize all of it by Pillow, then cut, or paste onto grey."""
    size, (top, left) = placement(image.shape[:2], card)
    resized = Image.fromarray(image).resize(size[::-1], KERNELS[card.interpolation])
    if card.resize == "crop":
        resized = resized.crop((left, top, left + card.size_hw[1], top + card.size_hw[0]))
    elif card.resize == "letterbox":
        canvas = Image.new("RGB", card.size_hw[::-1], (card.pad_level,) * 3)
        canvas.paste(resized, (-left, -top))
        resized = canvas
    return np.asarray(resized)


def quickest(ways: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Milliseconds of each, in turn so often."""
    best = [float("inf")] * len(ways)
    for _ in range(repeats):
        for at, way in enumerate(ways):
            started = time.perf_counter()
            way()
            best[at] = min(best[at], 1000 * (time.perf_counter() - started))
    return best


def forget() -> None:
    """Let the next resize make its weights anew."""
    taps.cache_clear()
    blocks_of.cache_clear()


def measure(repeats: int) -> list[dict[str, Any]]:
    """Time every case in this process."""
    rows = []
    for name, size_hw, said, cold in CASES:
        card = ModelCard(labels=("a", "b"), size_hw=(224, 224), **said)
        image = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
        ours, theirs = fit(image, card), by_pillow(image, card)
        forget()

        def mine(image: UInt8 = image, card: ModelCard = card, *, cold: bool = cold) -> object:
            if cold:
                forget()
            return fit(image, card)

        def pillows(image: UInt8 = image, card: ModelCard = card) -> object:
            return by_pillow(image, card)

        mine_ms, pillow_ms = quickest((mine, pillows), repeats)
        off = int(np.abs(ours.astype(int) - theirs).max())
        rows.append({"case": name, "ms": mine_ms, "pillow_ms": pillow_ms, "ratio": mine_ms / pillow_ms, "off": off})
    return rows


def run(*, threads: int | None, repeats: int) -> list[dict[str, Any]]:
    """Time every case in a process of its own, since BLAS reads its threads when it is loaded."""
    argv = [sys.executable, __file__, "--repeats", str(repeats), "--here", str(threads or 0)]
    environment = os.environ | (ONE if threads == 1 else {})
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment)  # noqa: S603  itself
    return [{"threads": threads or "default"} | row for row in json.loads(done.stdout)]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as text."""
    lines = [f"{'':44}{'threads':>9}{'misread':>10}{'Pillow':>10}{'ratio':>8}{'off by':>8}"]
    for row in rows:
        numbers = f"{row['ms']:7.2f} ms{row['pillow_ms']:7.2f} ms{row['ratio']:8.2f}{row['off']:8}"
        lines.append(f"{row['case']:44}{row['threads']:>9}{numbers}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.here is not None:
        if args.here:
            cv2.setNumThreads(args.here)
        print(json.dumps(measure(args.repeats)))
        return 0
    rows = [row for threads in (1, None) for row in run(threads=threads, repeats=args.repeats)]
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
