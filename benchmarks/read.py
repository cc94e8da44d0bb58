"""What reading costs over running: `Deployed.read` on uint8 pictures beside its bare session on a ready float tensor.

    python benchmarks/read.py
    python benchmarks/read.py --builds net.onnx --threads 1

Pictures already have the input's size, so no resize is in it; all else that a reading does is: checks, uint8 to float,
scale, mean and std, the run, a copy of the answer, the check that it is finite. Both are timed in turn, so that a
machine that slows down slows both, and each reading is compared with the run beside it; both on one session, since two
of the same file differ by several hundredths, by where their memory happens to lie. Without --builds the networks
beside the checkout and `signs` are exported to a temporary folder first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.tasks import SHARED, ZOO
from misread.pixels import to_input
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCKS: Final = {"wall": perf_counter, "cpu": process_time}
PHOTOS: Final = SHARED / "data" / "imagenet" / "photos"


def exported(folder: Path) -> list[Path]:
    """Export MobileNetV2 at 224x224 and `signs` at 48x48, each in fp32 and int8."""
    from misread.export.run import ExportOptions, export_builds

    precisions = ("fp32", "int8")
    wanted = [ExportOptions(origin="signs", out=folder / "signs.onnx", precisions=precisions)]
    if PHOTOS.is_dir():
        wanted.insert(
            0,
            ExportOptions(
                origin=f"{ZOO}:imagenet_mobilenet_v2",
                out=folder / "mobilenet_v2.onnx",
                precisions=precisions,
                labels=Path("none"),
                size_hw=(224, 224),
                calibration_data=PHOTOS,
            ),
        )
    return [build.file.path for options in wanted for build in export_builds(options).builds]


def seconds(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Time one call."""
    started = clock()
    call()
    return clock() - started


def compared(
    path: Path, batch: int, rounds: int, session: SessionOptions, clock: Callable[[], float]
) -> dict[str, Any]:
    """Time readings and runs in turn; return both medians and the median of the ratios of neighbours."""
    deployed = Deployed.open(path, options=session)
    bare = deployed.session
    feed, answer = bare.get_inputs()[0].name, bare.get_outputs()[0].name
    generator = np.random.default_rng(0)
    pictures = list(generator.integers(0, 256, (batch, *deployed.card.size_hw, 3), dtype=np.uint8))
    planes = to_input(np.stack(pictures), deployed.card)
    ways = (lambda: bare.run([answer], {feed: planes}), lambda: deployed.read(pictures))
    for way in ways * 10:
        way()
    times = []
    for turn in range(rounds):
        order = (0, 1) if turn % 2 else (1, 0)
        took = {at: seconds(ways[at], clock) for at in order}
        times.append((took[0], took[1]))
    ratios = sorted(read / run for run, read in times)
    return {
        "build": path.name,
        "batch": batch,
        "run_ms": 1000 * statistics.median(run for run, _ in times),
        "read_ms": 1000 * statistics.median(read for _, read in times),
        "added_ms": 1000 * statistics.median(read - run for run, read in times),
        "ratio": statistics.median(ratios),
        "quartiles": [ratios[rounds // 4], ratios[3 * rounds // 4]],
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", nargs="+", type=Path, help="ONNX files instead of those that are exported")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a machine with other work, 1 thread")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    args = parser.parse_args()
    session, found = SessionOptions(threads=args.threads), []
    with tempfile.TemporaryDirectory() as folder:
        builds = args.builds or exported(Path(folder))
        print(f"{'build':26}{'batch':>6}{'run ms':>9}{'read ms':>9}{'added ms':>10}{'ratio':>8}  quartiles")
        for path in builds:
            for batch in args.batches:
                one = compared(path, batch, args.rounds, session, CLOCKS[args.clock])
                low, high = one["quartiles"]
                print(
                    f"{one['build']:26}{batch:6}{one['run_ms']:9.3f}{one['read_ms']:9.3f}{one['added_ms']:10.3f}"
                    f"{one['ratio']:8.3f}  {low:.3f} to {high:.3f}"
                )
                found.append(one)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
