"""What a camera's frames are worth by the time they are read, and what the live loop costs over running.

    python benchmarks/camera.py
    python benchmarks/camera.py --part speed --builds net.onnx --threads 1

*Age.* Sources send 30 pictures a second to a reader that takes longer over each. The age at hand-over is the monotonic
clock less the frame's own stamp. The lag is read out of the picture, which says when it was painted: encoder,
transport, decoder and waiting are all in it; bare `cv2.VideoCapture` reads the same stream beside it, in the same run.

*Live.* The loop reads such a source with as many copies of a build as take 100 ms over a frame, beside the bare session
that runs as often: age and rate of one and the same run.

*Speed.* The loop of `misread camera --headless` takes frames that lie in memory, and then those of a film, as fast as
it can, its log written; the bare session runs on the same tensors, ready made, in turn, so that a machine that slows
down slows all. What decoding, locating and preparing cost by themselves stands beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks.clock import TRANSPORTS, ClockCamera
from benchmarks.read import exported
from misread.pixels import fit, rgb_to_bgr, to_input
from misread.runtime.camera.locate import open_locator
from misread.runtime.camera.log import FrameLog
from misread.runtime.camera.loop import Plan, watch
from misread.runtime.camera.subject import Subject
from misread.runtime.rig import Camera, Script
from misread.runtime.rig.film import Film
from misread.runtime.rig.script import plan
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.source import Frame, Health, SourceOptions, open_source
from misread.runtime.source.synthetic import drawn_exhibit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from misread.pixels import UInt8
    from misread.runtime.camera.locate import Target
    from misread.runtime.source import FrameSource
    from misread.runtime.source.live import Live

FPS: Final = 30.0
SLOW_S: Final = 0.1
MOST_COPIES: Final = 50
_WARM: Final = 5
_CLIP: Final = 10


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Give median, 95th percentile and last of some values."""
    return {"p50": float(np.median(values)), "p95": float(np.percentile(values, 95)), "last": values[-1]}


def handed_over(
    source: str, options: SourceOptions, seconds: float, work_s: float, age_ms: Callable[[UInt8], float | None]
) -> dict[str, Any]:
    """Read a live source slowly; give ages at hand-over, in intervals, and lags, in ms."""
    ages, lags = list[float](), list[float]()
    with closing(open_source(source, options)) as opened:
        started = time.monotonic()
        for number, frame in enumerate(opened.frames()):
            age_ns, lag_ms = time.monotonic_ns() - frame.time_ns, age_ms(frame.image)
            if number >= _WARM:
                ages.append(age_ns * 1e-9 * FPS)
                lags += [lag_ms] if lag_ms is not None else []
            time.sleep(work_s)
            if time.monotonic() - started > seconds:
                break
    return {"age": percentiles(ages), "lag_ms": percentiles(lags) if lags else None, "read": len(ages)}


def bare(url: str, seconds: float, work_s: float, age_ms: Callable[[UInt8], float | None]) -> dict[str, float]:
    """Read a stream slowly with OpenCV alone; give lags in ms."""
    capture, lags, started = cv2.VideoCapture(url), list[float](), time.monotonic()
    while time.monotonic() - started < seconds:
        done, picture = capture.read()
        if not done:
            break
        lag_ms = age_ms(np.asarray(picture, np.uint8))
        lags += [lag_ms] if lag_ms is not None else []
        time.sleep(work_s)
    capture.release()
    return percentiles(lags)


def ages(
    seconds: float, work_s: float, *, transports: Sequence[str] = TRANSPORTS, virtual: bool = True
) -> list[dict[str, Any]]:
    """Measure every transport, and the virtual camera, whose pictures say nothing of themselves."""
    found = list[dict[str, Any]]()
    for transport in transports:
        with ClockCamera(transport, fps=FPS) as camera:
            ours = handed_over(camera.url, SourceOptions(), seconds, work_s, camera.age_ms)
            found.append({"source": transport, **ours, "bare_ms": bare(camera.url, seconds, work_s, camera.age_ms)})
    if not virtual:
        return found
    script = Script(clips=10_000)
    ours = handed_over("virtual", SourceOptions(rig_fps=FPS, script=script), seconds, work_s, lambda _: None)
    return [*found, {"source": "virtual", **ours, "bare_ms": None}]


def show_ages(found: Sequence[dict[str, Any]]) -> None:
    """Print ages in intervals and lags in ms."""
    print(f"{'source':10}{'age p50':>9}{'p95':>7}{'lag p50':>10}{'p95':>8}{'bare p50':>11}{'p95':>8}{'last':>8}")
    for one in found:
        line = f"{one['source']:10}{one['age']['p50']:9.2f}{one['age']['p95']:7.2f}"
        if one["lag_ms"] is not None:
            line += f"{one['lag_ms']['p50']:10.0f}{one['lag_ms']['p95']:8.0f}"
            line += f"{one['bare_ms']['p50']:11.0f}{one['bare_ms']['p95']:8.0f}{one['bare_ms']['last']:8.0f}"
        print(line)


def filmed(folder: Path, frames: int) -> dict[str, str]:
    """Film a drawn sign once: as a folder of JPEG pictures and as a Motion JPEG film."""
    script = Script(clips=max(frames // _CLIP, 1), frames_per_clip=_CLIP, blank_frames=0)
    film_of = Film(script, [drawn_exhibit("Stop")], Camera())
    pictures, film = folder / "pictures", folder / "film.avi"
    pictures.mkdir()
    fourcc, size = cv2.VideoWriter.fourcc(*"MJPG"), (Camera().width, Camera().height)
    writer = cv2.VideoWriter(str(film), cv2.CAP_OPENCV_MJPEG, fourcc, FPS, size)
    for number, shot in enumerate(plan(script, 1)):
        picture = rgb_to_bgr(film_of.render(shot))
        cv2.imwrite(str(pictures / f"{number:05d}.jpg"), picture)
        writer.write(picture)
    writer.release()
    return {"folder": str(pictures), "film": str(film)}


class Memory:
    """Frames that lie ready: the loop without any decoding."""

    def __init__(self, images: Sequence[UInt8]) -> None:
        self._images = images

    def frames(self) -> Iterator[Frame]:
        """Hand them out, 30 to a second."""
        for index, image in enumerate(self._images):
            yield Frame(image=image, index=index, time_ns=round(index * 1e9 / FPS))

    def health(self) -> Health:
        """Say nothing."""
        return Health()

    def close(self) -> None:
        """Do nothing."""


class Aged:
    """A live source that is looked at: how old each frame is, in intervals, when it is handed over."""

    def __init__(self, url: str) -> None:
        self._source, self.ages = cast("Live", open_source(url)), list[float]()
        self.ready, self.health, self.close = self._source.ready, self._source.health, self._source.close

    def frames(self) -> Iterator[Frame]:
        """Hand frames on."""
        for frame in self._source.frames():
            self.ages.append((time.monotonic_ns() - frame.time_ns) * 1e-9 * FPS)
            yield frame


def live(deployed: Deployed, frames: int, log: Path) -> dict[str, Any] | None:
    """Read a live source with so many copies of a build that they take longer than a frame lasts; None above 32."""
    with ClockCamera("mjpeg", fps=FPS) as camera:
        with closing(open_source(camera.url)) as source:
            crop = fit(next(iter(source.frames())).image, deployed.card)
        feed, answers = deployed.session.get_inputs()[0].name, [deployed.session.get_outputs()[0].name]
        bare = partial(deployed.session.run, answers, {feed: to_input(crop[None], deployed.card)})
        before_s = timed([bare] * 100)
        copies = math.ceil(SLOW_S / before_s)
        if copies > MOST_COPIES:
            return None
        aged = Aged(camera.url)
        loop_s = looped([deployed] * copies, aged, "centre", log, seconds=frames / FPS)
    run_s = (before_s + timed([bare] * 100)) / 2
    age = percentiles(aged.ages[_WARM:])
    return {
        "build": deployed.name,
        "copies": copies,
        "loop_fps": 1 / loop_s,
        "bare_fps": 1 / (run_s * copies),
        "share": run_s * copies / loop_s,
        "age": age,
    }


def looped(
    readers: Sequence[Deployed], source: FrameSource, locate: str, log: Path, *, seconds: float | None = None
) -> float:
    """Run the loop of the command once, its log written; give the seconds a frame took, the first ones left out."""
    times = list[float]()
    log.unlink(missing_ok=True)
    with closing(source), FrameLog(log) as lines:
        plan = Plan(
            readers=readers,
            locator=open_locator(locate, {0: 1.0}),
            subjects={0: Subject(name="sign", arm="clean", label=None)},
            shown=Subject(name="shown", arm="clean", label=None),
            log=lines,
            seconds=seconds,
            key_frames=8,
        )
        watch(source, plan, on_frame=lambda _: times.append(time.perf_counter()))
    late = times[min(_WARM, len(times) // 2) :]
    return (late[-1] - late[0]) / max(len(late) - 1, 1)


def timed(calls: Sequence[Callable[[], Any]]) -> float:
    """Give the mean seconds of a call."""
    started = time.perf_counter()
    for call in calls:
        call()
    return (time.perf_counter() - started) / len(calls)


class Steps:
    """What a frame goes through, step by step, on frames that lie ready in memory."""

    def __init__(self, deployed: Deployed, source: str, locate: str) -> None:
        self._deployed, self._source, self._locate = deployed, source, locate
        self.images = self._decoded()
        locator = open_locator(locate, {0: 1.0})
        targets = [(frame, locator.locate(frame)) for frame in self.images]
        self._found = [(frame, target) for frame, target in targets if target is not None]
        self._planes = [self._prepared(frame, target) for frame, target in self._found]
        bare = deployed.session
        feed, answers = bare.get_inputs()[0].name, [bare.get_outputs()[0].name]
        self._runs = [partial(bare.run, answers, {feed: planes}) for planes in self._planes]

    def run(self) -> float:
        """Give the seconds of a bare run."""
        return timed(self._runs)

    def others(self) -> dict[str, float]:
        """Give the seconds of decoding, locating, and cutting out and preparing."""
        locator = open_locator(self._locate, {0: 1.0})
        started = time.perf_counter()
        decoded = len(self._decoded())
        return {
            "decode": (time.perf_counter() - started) / decoded,
            "locate": timed([partial(locator.locate, frame) for frame in self.images]),
            "prepare": timed([partial(self._prepared, frame, target) for frame, target in self._found]),
        }

    def _decoded(self) -> list[UInt8]:
        with closing(open_source(self._source)) as opened:
            return [frame.image for frame in opened.frames()]

    def _prepared(self, frame: UInt8, target: Target) -> Any:
        card = self._deployed.card
        return to_input(np.stack([fit(crop, card) for crop in target.crops(frame).values()]), card)


def speed(deployed: Deployed, source: str, locate: str, rounds: int, log: Path) -> list[dict[str, Any]]:
    """Time the loop, from memory and from the file, and the bare session in turn; give what each came to."""
    steps = Steps(deployed, source, locate)
    steps.run()
    ways: dict[str, Callable[[], float]] = {
        "bare": steps.run,
        "memory": lambda: looped([deployed], Memory(steps.images), locate, log),
        "folder" if Path(source).is_dir() else "film": lambda: looped([deployed], open_source(source), locate, log),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            took[name].append(ways[name]())
    bare_s = statistics.median(took["bare"])
    parts = {name: 1000 * seconds for name, seconds in steps.others().items()}
    return [
        {
            "build": deployed.name,
            "source": name,
            "locate": locate,
            "loop_fps": 1 / statistics.median(took[name]),
            "bare_fps": 1 / bare_s,
            "share": statistics.median(bare / loop for bare, loop in zip(took["bare"], took[name], strict=True)),
            "ms": {"loop": 1000 * statistics.median(took[name]), "run": 1000 * bare_s, **parts},
        }
        for name in list(ways)[1:]
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("age", "live", "speed"), nargs="+", default=["age", "live", "speed"])
    parser.add_argument("--seconds", type=float, default=12, help="of each stream")
    parser.add_argument("--work-ms", type=float, default=120, help="that the slow reader takes over a frame")
    parser.add_argument("--builds", nargs="+", type=Path, help="ONNX files instead of those that are exported")
    parser.add_argument("--locate", nargs="+", default=["centre", "fiducials"])
    parser.add_argument("--frames", type=int, default=300, help="of the film")
    parser.add_argument("--source", choices=("film", "folder"), default="film", help="beside frames in memory")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    args = parser.parse_args(argv)
    found: dict[str, Any] = {}
    if "age" in args.part:
        found["ages"] = ages(args.seconds, args.work_ms / 1000)
        show_ages(found["ages"])
    if {"live", "speed"} & set(args.part):
        with tempfile.TemporaryDirectory() as name:
            found |= paces(args, Path(name))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def paces(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure the builds, and print."""
    session, found = SessionOptions(threads=args.threads), dict[str, Any]()
    opened = [Deployed.open(build, options=session) for build in args.builds or exported(folder)]
    if "live" in args.part:
        slow = [live(one, args.frames, folder / "frames.jsonl") for one in opened]
        found["live"] = [one for one in slow if one is not None]
        show_live(found["live"])
    if "speed" in args.part:
        found["speeds"] = speeds(opened, args, folder)
    return found


def show_live(found: Sequence[dict[str, Any]]) -> None:
    """Print shares and ages."""
    print(f"{'live':24}{'copies':>8}{'loop/s':>8}{'bare/s':>8}{'share':>7}{'age p50':>9}{'p95':>7}")
    for one in found:
        print(
            f"{one['build']:24}{one['copies']:8}{one['loop_fps']:8.1f}{one['bare_fps']:8.1f}{one['share']:7.2f}", end=""
        )
        print(f"{one['age']['p50']:9.2f}{one['age']['p95']:7.2f}")


def speeds(opened: Sequence[Deployed], args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Measure every build with every locator, and print."""
    found = []
    columns = ("loop", "run", "decode", "locate", "prepare")
    sources = filmed(folder, args.frames)
    print(f"{'build':24}{'locate':11}{'source':8}{'loop/s':>8}{'bare/s':>8}{'share':>7}", end="")
    print("".join(f"{column + ' ms':>12}" for column in columns))
    for deployed in opened:
        for locate in args.locate:
            for one in speed(deployed, sources[args.source], locate, args.rounds, folder / "frames.jsonl"):
                print(f"{one['build']:24}{one['locate']:11}{one['source']:8}", end="")
                print(f"{one['loop_fps']:8.1f}{one['bare_fps']:8.1f}{one['share']:7.2f}", end="")
                print("".join(f"{one['ms'][column]:12.2f}" for column in columns))
                found.append(one)
    return found


if __name__ == "__main__":
    sys.exit(main())
