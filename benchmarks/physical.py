"""What a search over simulated captures gains over one for the perfect capture, on a channel that neither has seen.

    python benchmarks/physical.py
    python benchmarks/physical.py --pictures 1 --seeds 1 --clips 8 --steps 60

For some of the shipped stop signs, seeds, and both threats, `misread physical --digital` makes a witness each way; the
virtual camera films clean, both changes and both placebos through the test channel, and the deployed builds read the
raw crop. The difference is that of frames misread, its interval from pairs of clips with the same poses and noise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

import misread
from misread.assets import scenes
from misread.attack.printed import PrintedOptions, physical_to_bundle
from misread.runtime.camera import CameraOptions, run_camera
from misread.stats import clip_rate, paired_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.camera.tally import Summary

THREATS: Final[dict[str, dict[str, Any]]] = {"sign": {"eps": 16 / 255}, "stickers": {"area": 0.15}}
FRAMES: Final = 6
Clips = list[tuple[int, int]]


def made(folder: Path, threat: str, picture: Path, seed: int, steps: int) -> Path:
    """Make both witnesses; give the bundle."""
    bundle = folder / f"{threat}-{picture.stem}-{seed}"
    options = PrintedOptions(
        origin="signs", out=bundle, picture=picture, threat=threat, digital=True, steps=steps, seed=seed,
        clips=5, frames=2, **THREATS[threat],
    )  # fmt: skip
    physical_to_bundle(options)
    return bundle


def filmed(bundle: Path, builds: Sequence[Path], profile: str, clips: int, seed: int) -> tuple[Summary, ...]:
    """Give what the builds read of the bundle, from the raw crop."""
    options = CameraOptions(
        builds=tuple(builds), bundle=bundle, headless=True, profile=profile, clips=clips, frames_per_clip=FRAMES,
        seed=seed,
    )  # fmt: skip
    return tuple(one for one in run_camera(options).summaries if one.crop == "raw")


def line(name: str, clips: Clips) -> str:
    """Say a rate with its interval over clips."""
    return f"  {name:18} {clip_rate([hit for hit, _ in clips], [total for _, total in clips]).text()}"


def main(argv: Sequence[str] | None = None) -> None:
    """Search, film, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=3, help="shipped stop signs")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--clips", type=int, default=20, help="of each exhibit, for each picture and seed")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--profile", action="append", help="of the test channel; may be repeated")
    options = parser.parse_args(argv)
    pictures = [scene.path for scene in scenes() if scene.label == "Stop"][: options.pictures]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        misread.export_builds("signs", folder / "signs.onnx", precisions=["fp32", "int8"])
        builds = (folder / "signs.onnx", folder / "signs_int8.onnx")
        for threat in THREATS:
            bundles = [
                made(folder, threat, path, seed, options.steps) for path in pictures for seed in range(options.seeds)
            ]
            for profile in options.profile or ["webcam-outdoor"]:
                report(
                    threat,
                    profile,
                    [filmed(one, builds, profile, options.clips, seed) for seed, one in enumerate(bundles)],
                )


def report(threat: str, profile: str, runs: Sequence[tuple[Summary, ...]]) -> None:
    """Print rates over all witnesses and the paired difference, for each build."""
    for build in dict.fromkeys(one.build for one in runs[0]):
        arms: dict[str, Clips] = {}
        for run in runs:
            for one in run:
                if one.build == build:
                    arms.setdefault(one.exhibit, []).extend(one.by_clip)
        print(f"\n{threat}, {profile}, {build}: {len(runs)} witnesses of each kind")
        for name, exhibit in (
            ("clean", "0000 clean"), ("EOT", "0000"), ("EOT placebo", "0000 placebo"), ("digital", "0001"),
            ("digital placebo", "0001 placebo"),
        ):  # fmt: skip
            print(line(name, arms[exhibit]))
        eot, digital = arms["0000"], arms["0001"]
        gain = sum(hit for hit, _ in eot) / sum(n for _, n in eot) - sum(h for h, _ in digital) / sum(
            n for _, n in digital
        )
        paired = len(eot) == len(digital)
        ends = paired_difference(eot, digital, np.random.default_rng(0)) if paired else None
        interval = "" if ends is None else f" (95 % CI {100 * ends[0]:.1f} to {100 * ends[1]:.1f}, paired by clip)"
        print(f"  EOT less digital   {100 * gain:+.1f} points{interval}")


if __name__ == "__main__":
    main()
