"""What static int8 costs in accuracy and gains in speed, with the defaults of `misread quantize`.

    python benchmarks/int8.py

Two classifiers: MobileNetV2 on ImageNet photographs, every other one to calibrate with and the rest to measure on, and
the embedded `signs` on the test photographs of GTSRB, calibrated on training photographs of other tracks. Both are
exported, quantised and measured in onnxruntime. Speed is the time of one picture a call, fp32 and int8 in turn within
one run, in pairs; the ratio is that of the medians, its interval is of the pairs. Needs the material beside the
checkout.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from misread.export.origin import Preparation
from misread.export.quantize.options import METHODS, StaticOptions
from misread.export.quantize.run import QuantizeOptions, quantize
from misread.export.quantize.target import this_machine
from misread.export.run import ExportOptions, export_builds
from misread.runtime.cpu import cpu_features, cpu_name
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARED: Final = Path(__file__).resolve().parent.parent.parent / "shared"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A classifier and its pictures.

    Attributes:
        name: as on the command line.
        export: makes the fp32 file.
        calibration: a folder of pictures.
        measured: a CSV of others, with labels.
    """

    name: str
    export: ExportOptions
    calibration: Path
    measured: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    said = _arguments(argv)
    settings = StaticOptions(method=said.method, per_channel=said.per_channel, target=said.target)
    if not (SHARED / "data").is_dir():
        sys.exit("the material is not beside the checkout")
    print(f"{cpu_name()}: {', '.join(cpu_features())}; built for {settings.text()}; here {this_machine().name}")
    results = []
    for name in said.task or tuple(TASKS):
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(TASKS[name](Path(folder)), settings, said))
    if said.json:
        said.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def measure(task: Task, settings: StaticOptions, said: argparse.Namespace) -> dict[str, Any]:
    """Export, quantise, compare and time one classifier; print a line for each figure."""
    fp32 = export_builds(task.export).builds[0].file.path
    result = quantize(
        QuantizeOptions(
            model=fp32,
            out=fp32.with_name("int8.onnx"),
            int8=settings,
            calibration_data=task.calibration,
            data=task.measured,
        )
    )
    cost = result.build.made.cost
    if cost is None:
        sys.exit("nothing was measured")
    print(f"\n{task.name}: {result.calibration} pictures to calibrate, {cost.build.total} to measure")
    print(f"  fp32 {cost.float32.text()}\n  int8 {cost.build.text()}")
    print(f"  drop {cost.drop:.2f} points, 95 % CI {cost.low:.2f} to {cost.high:.2f}; lost {cost.lost}, ", end="")
    print(f"gained {cost.gained}, McNemar p {cost.p_value:.2g}")
    found: dict[str, Any] = {
        "task": task.name,
        "settings": settings.text(),
        "fp32": cost.float32.hits,
        "int8": cost.build.hits,
        "total": cost.build.total,
        "drop": cost.drop,
        "interval": [cost.low, cost.high],
        "lost": cost.lost,
        "gained": cost.gained,
        "speed": [],
    }
    for threads in sorted({1, usable_threads()}):
        row = speed(fp32, result.build.file.path, threads, pairs=said.pairs)
        found["speed"].append(row)
        print(f"  {threads} threads: fp32 {row['fp32_ms']:.3f} ms, int8 {row['int8_ms']:.3f} ms, ", end="")
        print(f"{row['ratio']:.2f} times faster (95 % CI {row['low']:.2f} to {row['high']:.2f})")
    best = {name: min(row[name] for row in found["speed"]) for name in ("fp32_ms", "int8_ms")}
    found["best_ratio"] = best["fp32_ms"] / best["int8_ms"]
    print(f"  each at its best: fp32 {best['fp32_ms']:.3f} ms, int8 {best['int8_ms']:.3f} ms, ", end="")
    print(f"{found['best_ratio']:.2f} times faster")
    return found


def speed(fp32: Path, int8: Path, threads: int, *, pairs: int) -> dict[str, Any]:
    """Time one picture a call on both files in turn; return medians, the ratio and its interval."""
    options = SessionOptions(threads=threads)
    files = [Deployed.open(path, options=options) for path in (fp32, int8)]
    height, width = files[0].card.size_hw
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    runs = [_bare(file, picture) for file in files]
    for run in runs * 20:
        run()
    times = np.array([[_milliseconds(run) for run in runs] for _ in range(pairs)])
    medians = np.median(times, axis=0)
    generator = np.random.default_rng(0)
    draws = times[generator.integers(0, pairs, (1000, pairs))]
    middle = np.median(draws, axis=1)
    low, high = np.quantile(middle[:, 0] / middle[:, 1], (0.025, 0.975))
    return {
        "threads": threads,
        "fp32_ms": float(medians[0]),
        "int8_ms": float(medians[1]),
        "ratio": float(medians[0] / medians[1]),
        "low": float(low),
        "high": float(high),
    }


def photographs(folder: Path) -> Task:
    """Return MobileNetV2 with every other photograph to calibrate with."""
    photos = sorted((SHARED / "data" / "imagenet" / "photos").glob("*.JPEG"))
    (folder / "calibration").mkdir()
    for photo in photos[::2]:
        (folder / "calibration" / photo.name).symlink_to(photo)
    # Its output 0 is the background; the number in front of a name is that of ImageNet.
    _write_csv(folder / "measured.csv", [(str(photo), int(photo.name[:3]) + 1) for photo in photos[1::2]])
    return Task(
        name="imagenet_mobilenet_v2",
        export=ExportOptions(
            origin=f"{SHARED / 'models' / 'zoo.py'}:imagenet_mobilenet_v2",
            out=folder / "fp32.onnx",
            labels=Path("none"),
            size_hw=(224, 224),
            preparation=Preparation(resize="crop", resize_px=256),
        ),
        calibration=folder / "calibration",
        measured=folder / "measured.csv",
    )


def signs(folder: Path) -> Task:
    """Return the embedded classifier with the test photographs of GTSRB."""
    data = SHARED / "data" / "gtsrb"
    for name in ("train", "test-32"):
        with tarfile.open(data / f"{name}.tar.xz") as archive:
            archive.extractall(folder / name, filter="data")
    with (data / "test-32.csv").open(encoding="utf-8") as lines:
        rows = [(row["Filename"], row["ClassId"]) for row in csv.DictReader(lines, delimiter=";")]
    there = [(f"test-32/{name}", label) for name, label in rows if (folder / "test-32" / name).is_file()]
    _write_csv(folder / "measured.csv", there)
    return Task(
        name="signs",
        export=ExportOptions(origin="signs", out=folder / "fp32.onnx"),
        calibration=folder / "train",
        measured=folder / "measured.csv",
    )


TASKS: Final[dict[str, Callable[[Path], Task]]] = {"imagenet_mobilenet_v2": photographs, "signs": signs}


def _bare(file: Deployed, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> Callable[[], object]:
    """Return a call of the session alone: what stands before it is the same for both files."""
    from misread.pixels import to_input

    planes = to_input(picture, file.card)
    name = file.session.get_inputs()[0].name
    return lambda: file.session.run(None, {name: planes})


def _milliseconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - started)


def _write_csv(path: Path, rows: Sequence[tuple[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("file", "label"), *rows])


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=tuple(TASKS), help="may be repeated; all by default")
    parser.add_argument("--method", choices=METHODS, default=None)
    parser.add_argument("--per-channel", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--target", default=None)
    parser.add_argument("--pairs", type=int, default=400, help="calls of each file that are timed")
    parser.add_argument("--json", type=Path, default=None)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
