"""How far a change gets through a window, H.264 and a socket into `misread camera`: a real path, not optics.

    python benchmarks/xvfb.py
    python benchmarks/xvfb.py --clips 5 --threat sign

For each threat `misread physical signs --digital` makes a witness over simulated captures, and one without. `misread
rig --transport window` shows the boards, posed in their street, on an Xvfb; `misread relay screen:` grabs that screen
and serves it as H.264 in MPEG-TS over TCP on loopback; `misread camera` decodes, finds the markers and reads fp32 and
int8. There is no lens and no light in it: resampling, H.264 at 4:2:0, time and threads are real.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

THREATS: Final = {"sign": ("--eps", "16/255"), "stickers": ("--area", "0.15")}
SIZE: Final = "960x540"
EXHIBITS: Final = 5  # clean, and for each of two witnesses itself and its placebo
FRAMES: Final = 6
MISREAD: Final = (sys.executable, "-m", "misread")


def run(*arguments: str, folder: Path, display: str = "") -> str:
    """Run a command to its end; give its standard output."""
    done = subprocess.run(  # noqa: S603  our own commands
        [*MISREAD, *arguments], cwd=folder, env=environment(display), check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def environment(display: str) -> dict[str, str]:
    """Give this process's own, with the screen; a checkout is importable from any folder."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "DISPLAY": display, "PYTHONPATH": paths, "QT_LOGGING_RULES": "*=false"}


@contextlib.contextmanager
def started(*arguments: str, begins: str, folder: Path, display: str) -> Iterator[str]:
    """Run a command while the block runs; give its first line, which begins so."""
    command = [*MISREAD, *arguments]
    with subprocess.Popen(  # noqa: S603  our own commands
        command, cwd=folder, env=environment(display), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            first = cast("IO[str]", process.stdout).readline().strip()
            if not first.startswith(begins):
                raise SystemExit(f"misread {' '.join(arguments)} did not begin; see what it says above")
            yield first
        finally:
            process.terminate()


@contextlib.contextmanager
def screen(folder: Path) -> Iterator[str]:
    """Start an Xvfb that keeps its pixels in a file; give the display's name."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{SIZE}x24", "-fbdir", str(folder), "-noreset"]
    command += ["-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True) as server:  # noqa: S603
        try:
            yield ":" + cast("IO[str]", server.stdout).readline().strip()
        finally:
            server.terminate()


def lit(folder: Path) -> bool:
    """Whether anything but black is on the screen within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any((folder / "Xvfb_screen0").read_bytes()[100_000:]):  # past header and colours
            return True
        time.sleep(0.2)
    return False


def filmed(folder: Path, bundle: str, clips: int, fps: int) -> dict[str, Any]:
    """Send the bundle through window, screen and stream; give what the camera says.

    OpenCV's Qt without a window manager leaves a window black now and then: such a one is started again.
    """
    show = ["rig", bundle, "--transport", "window", "--fps", str(fps), "--clips", str(clips + 1)]
    show += ["--frames-per-clip", str(FRAMES)]
    seconds = (clips + 1) * EXHIBITS * (FRAMES + FRAMES // 2) / fps
    for _ in range(7):
        with screen(folder) as display, started(*show, begins="showing", folder=folder, display=display):
            if not lit(folder):
                continue
            relay = ("relay", f"screen:{display}", "--fps", str(fps))
            with started(*relay, begins="serving ", folder=folder, display=display) as said:
                camera = ["camera", "-m", "signs.onnx", "-m", "signs_int8.onnx", "--bundle", bundle, "--json"]
                camera += ["--source", said.removeprefix("serving "), "--headless", "--seconds", f"{seconds:.0f}"]
                document: dict[str, Any] = json.loads(run(*camera, folder=folder))
                return document
    raise SystemExit("seven windows, and no picture on the screen")


def table(threat: str, document: dict[str, Any]) -> None:
    """Print arms, builds and crops."""
    findings = {(v["exhibit"], v["build"]): v["finding"] for v in document["verdicts"] if v["crop"] == "raw"}
    print(f"\n{threat}: {document['frames']} frames, {document['located']} with the board")
    print(f"{'exhibit':16} {'build':16} {'crop':10} {'misread':>9} {'95 % CI':>12} {'clips':>6}  verdict")
    for one in document["summaries"]:
        rate, crop = one["misread"], one["crop"]
        interval = "-" if rate["low"] is None else f"{100 * rate['low']:.1f}-{100 * rate['high']:.1f}"
        finding = findings.get((one["exhibit"], one["build"]), "") if crop == "raw" else ""
        share = f"{rate['hits']}/{rate['total']}"
        print(f"{one['exhibit']:16} {one['build']:16} {crop:10} {share:>9} {interval:>12} {one['clips']:6}  {finding}")


def main(argv: Sequence[str] | None = None) -> None:
    """Make the witnesses, film them, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threat", action="append", choices=tuple(THREATS), help="may be repeated; default: both")
    parser.add_argument("--clips", type=int, default=20, help="of each exhibit")
    parser.add_argument("--fps", type=int, default=12)
    parser.add_argument("--steps", type=int, default=120, help="of each search")
    parser.add_argument("--work", type=Path, help="folder that is kept, with witnesses that are not made again")
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "signs.onnx").exists():
            run("export", "signs", "-o", "signs.onnx", "--precision", "fp32", "--precision", "int8", folder=folder)
        for threat in options.threat or THREATS:
            if not (folder / threat).exists():
                size = [*THREATS[threat], "--steps", str(options.steps)]
                run("physical", "signs", "-o", threat, "--threat", threat, *size, "--digital", folder=folder)
            table(threat, filmed(folder, threat, options.clips, options.fps))


if __name__ == "__main__":
    main()
