"""An hour before a camera that dies again and again, as fast as it goes: no leak, no reconnection missed, whole logs.

    python benchmarks/soak.py
    python benchmarks/soak.py --frames 3000 --every 100 --seed 7

108,000 pictures are an hour at 30 a second. A process serves them over HTTP as fast as they are taken and dies at
random: it hangs up, cuts the connection, falls silent or breaks off within a picture, turns some away, and comes back
on the same port. `misread camera`'s own source and loop read them with `signs`. Exit status 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks.mortal import Visit, lives, serve
from misread.runtime.camera import FilmOptions, film
from misread.runtime.camera.log import NAME
from misread.runtime.camera.loop import Command
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.source import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.result import CameraResult
    from misread.runtime.camera.tally import Tally

FPS: Final = 30
HOUR: Final = 3600 * FPS
QUICK: Final = SourceOptions(open_timeout_s=5, read_timeout_s=0.4, retries=20, backoff_s=0.02)
WARM: Final = 0.25
"""Share of the run that is left out of the slope: allocators and pools grow until they have seen everything."""
MOST_MIB: Final = 4.0
"""That an hour may add where its interval is above 0: what is counted for each clip takes some."""
_BLOCKS: Final = 16
_T95: Final = 2.145  # of Student, 14 degrees of freedom
_WHITE: Final = 250


@dataclass(kw_only=True, slots=True)
class Meter:
    """Looks at this process, and ends the run at the white picture. A view of the loop."""

    every_s: float = 0.25
    samples: list[tuple[int, float, int, int]] = field(default_factory=list)
    grabbed: int = 0
    due_s: float = 0.0

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Take a sample when one is due."""
        del tally
        self.grabbed = observation.frame.index + 1
        if (now_s := time.monotonic()) >= self.due_s:
            self.due_s = now_s + self.every_s
            self.samples.append((self.grabbed, *usage()))
        return Command(quit=True) if observation.frame.image[::16, ::16].min() >= _WHITE else None

    def close(self) -> None:
        """Do nothing."""


def usage() -> tuple[float, int, int]:
    """Give this process's memory in MiB, open files and threads."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    threads = len(list(Path("/proc/self/task").iterdir()))
    return pages * 4096 / 2**20, len(list(Path("/proc/self/fd").iterdir())), threads


def slope(samples: Sequence[tuple[int, float, int, int]]) -> tuple[float, float, float]:
    """Give MiB an hour of film with its 95 % interval, from means of blocks, since neighbours are alike."""
    late = samples[int(len(samples) * WARM) :]
    blocks = [block for block in np.array_split(np.array(late, float), _BLOCKS) if len(block)]
    hours, mib = (np.array([block[:, column].mean() for block in blocks]) for column in (0, 1))
    hours = (hours - hours.mean()) / HOUR
    rise = float((hours * mib).sum() / (hours**2).sum())
    rest = mib - mib.mean() - rise * hours
    error = _T95 * math.sqrt(float((rest**2).sum()) / (len(blocks) - 2) / float((hours**2).sum()))
    return rise, rise - error, rise + error


def pictures(count: int = 12) -> tuple[list[bytes], bytes]:
    """Encode a few different pictures and the white one that says that all is over."""
    noise = np.random.default_rng(0)
    drawn = [cv2.resize(noise.integers(0, 200, (30, 40, 3), np.uint8), (320, 240)) for _ in range(count)]
    encoded = [cv2.imencode(".jpg", image)[1].tobytes() for image in (*drawn, np.full_like(drawn[0], 255))]
    return encoded[:-1], encoded[-1]


def watched(visits: Sequence[Visit], build: Path, out: Path) -> tuple[CameraResult, Meter, int]:
    """Read through all lives; give the result, the samples and how many pictures were sent."""
    context = multiprocessing.get_context("spawn")
    pipe, far = context.Pipe()
    server = context.Process(target=serve, args=(far, visits, *pictures()), daemon=True)
    server.start()
    try:
        url, meter = f"http://127.0.0.1:{pipe.recv()}/video", Meter()
        reader = Deployed.open(build, options=SessionOptions(threads=1))
        result = film([], [reader], FilmOptions(source=url, feed=QUICK, locate="frame", out=out), view=meter)
        return result, meter, int(pipe.recv())
    finally:
        server.kill()
        server.join()


def log_faults(path: Path, result: CameraResult, deaths: int) -> list[str]:
    """Say what is not whole in the log."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    indices = [line["index"] for line in lines if line["event"] == "frame"]
    gaps = [line for line in lines if line["event"] == "gap"]
    checks = {
        f"{len(indices)} frames in the log and {result.frames} counted": len(indices) == result.frames,
        "frames of the log are out of order": indices == sorted(set(indices)),
        f"{len(gaps)} gaps in the log and {deaths} deaths": len(gaps) == deaths,
        "a gap without reason or time": all(gap["reason"] and gap["seconds"] > 0 for gap in gaps),
        "the last line is not the end": lines[-1] == {"event": "end", "reason": "quit", "frames": result.frames},
        "lost frames are neither read nor counted as dropped": result.frames + result.health.dropped > indices[-1],
    }
    return [said for said, good in checks.items() if not good]


def grown(meter: Meter, before: tuple[float, int, int]) -> list[str]:
    """Say which of open files and threads grew, by the most at a time, and how many the run has left behind."""
    quarter, faults = max(len(meter.samples) // 4, 1), list[str]()
    for name, column in (("open files", 2), ("threads", 3)):
        early, late = (max(one[column] for one in part) for part in (meter.samples[:quarter], meter.samples[-quarter:]))
        if late > early:
            faults.append(f"{name} grew from {early} to {late}")
        if (left := usage()[column - 1]) > before[column - 1]:
            faults.append(f"{left - before[column - 1]} {name} were left behind")
    return faults


def signs(folder: Path) -> Path:
    """Export `signs` in a process of its own, so that torch is no part of what is measured."""
    path = folder / "signs.onnx"
    command = [sys.executable, "-m", "misread", "export", "signs", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    return path


def report(result: CameraResult, meter: Meter, planned: Sequence[Visit], seconds: float) -> dict[str, Any]:
    """Put figures together."""
    rise, low, high = slope(meter.samples)
    return {
        "sent": sum(visit.frames for visit in planned),
        "grabbed": meter.grabbed,
        "read": result.frames,
        "dropped": result.health.dropped,
        "deaths": len(planned) - 1,
        "reconnected": len(result.health.gaps),
        "attempts": sum(gap.attempts for gap in result.health.gaps),
        "mib_per_hour": [rise, low, high],
        "last": list(meter.samples[-1]),
        "seconds": seconds,
    }


def soak(build: Path, frames: int, every: int, seed: int, *, steady: bool) -> tuple[dict[str, Any], list[str]]:
    """Run once; give the figures and what missed its aim. Memory counts in a run that is long enough to be `steady`."""
    planned = lives(frames, every=every, seed=seed)
    resource_tracker.ensure_running()  # it stays, and is none of ours
    before, started = usage(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run"
        result, meter, _ = watched(planned, build, out)
        found = report(result, meter, planned, time.monotonic() - started)
        faults = log_faults(out / NAME, result, found["deaths"])
    if found["reconnected"] != found["deaths"]:
        faults.append(f"{found['deaths']} deaths and {found['reconnected']} reconnections")
    rise, low, high = found["mib_per_hour"]
    if steady and low > 0 and high > MOST_MIB:
        faults.append(f"memory grew by {rise:.1f} MiB an hour ({low:.1f} to {high:.1f})")
    return found, faults + grown(meter, before)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and say whether the aims were reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=HOUR)
    parser.add_argument("--every", type=int, default=600, help="pictures in a life on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", type=Path, help="an ONNX file instead of signs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        build = args.build or signs(Path(name))
        found, faults = soak(build, args.frames, args.every, args.seed, steady=args.frames >= HOUR // 4)
    rise, low, high = found["mib_per_hour"]
    hours, took = found["grabbed"] / HOUR, found["seconds"]
    print(f"{found['grabbed']} frames, {hours:.2f} h at {FPS} a second, {found['read']} of them read, in {took:.0f} s")
    print(f"{found['deaths']} deaths, {found['reconnected']} reconnections after {found['attempts']} attempts")
    print(f"memory {rise:+.2f} MiB an hour of film (95 % CI {low:+.2f} to {high:+.2f})")
    print("at the end {1:.0f} MiB, {2} open files, {3} threads".format(*found["last"]))
    for fault in faults:
        print(f"missed: {fault}")
    if args.json:
        args.json.write_text(json.dumps(found | {"missed": faults}, indent=1) + "\n", encoding="utf-8")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
