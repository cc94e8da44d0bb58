"""misread's attacks and those of other libraries on the same pictures in one run; prints ratios.

    python benchmarks/attacks.py --task cifar10 --images 1000 --peers .venv-peers/bin/python

Success is judged here, for all alike: the plain float32 network misreads the image, and the change is inside the
budget. Blocks of pictures go round the libraries in turn, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.peers import CLOCKS
from benchmarks.tasks import TASKS, Task, save
from misread.attack.base import Threat, execute
from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.gradient.pgd import Pgd
from misread.attack.minimal.nearest import Nearest
from misread.attack.speed import Prepared, prepare

if TYPE_CHECKING:
    from misread.attack.base import Attack

ROOT: Final = Path(__file__).resolve().parents[1]
OURS: Final = "misread"


@dataclass(kw_only=True)
class Entry:
    """One attack of one library, and what it did so far.

    Attributes:
        name: "library attack steps".
        seconds: Of all blocks; misread's own include making the network ready.
        forwards: Passes over all pictures.
        backwards: Those of them with a gradient.
        sizes: Of each picture's change in the norm, inf where the network still reads it right.
        kept: Pictures that are misread after rounding to 256 levels too.
    """

    name: str
    seconds: float = 0.0
    forwards: int = 0
    backwards: int = 0
    sizes: list[float] = field(default_factory=list)
    kept: int = 0

    @property
    def ours(self) -> bool:
        """Whether it is misread's."""
        return self.name.startswith(OURS)

    def found(self) -> int:
        """Pictures with a success."""
        return sum(size < float("inf") for size in self.sizes)


@dataclass(frozen=True, kw_only=True)
class Done:
    """One block by one entry: changed images (r, c, h, w), time and passes."""

    images: torch.Tensor
    seconds: float
    forwards: int
    backwards: int


def ours(kind: str, steps: list[int]) -> dict[str, Attack]:
    """What misread brings to the comparison."""
    if kind == "minimal":
        return {f"{OURS} minimal": Nearest()}
    made: dict[str, Attack] = {}
    for number in steps:
        made[f"{OURS} pgd {number}"] = Pgd(steps=number)
        made[f"{OURS} apgd {number}"] = Apgd(steps=number, loss="dlr", random_start=True)  # as the peers' is
    return made | {f"{OURS} apgd-t {steps[0]}": ApgdTargeted(steps=steps[0], targets=3)}


@dataclass(frozen=True, kw_only=True)
class Ours:
    """misread at work."""

    model: Prepared
    task: Task
    threat: Threat
    clock: Callable[[], float]

    def run(self, attack: Attack, rows: tuple[int, int]) -> Done:
        """One block."""
        images, labels = (torch.from_numpy(one[slice(*rows)]) for one in (self.task.images, self.task.labels))
        generator = torch.Generator().manual_seed(0)
        started = self.clock()
        outcome = execute(attack, self.model, images, labels, threat=self.threat, generator=generator)
        seconds = self.clock() - started
        passes = int(outcome.forwards.sum()) + 2 * len(images)  # the two by which execute measures
        return Done(images=outcome.images, seconds=seconds, forwards=passes, backwards=int(outcome.backwards.sum()))


class Peers:
    """The other interpreter."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        """Wait until it has loaded everything."""
        self._process, self._out = process, folder / "out.npy"
        self.hello = self._answer()

    def run(self, entry: str, rows: tuple[int, int]) -> Done:
        """One block by one entry there."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps({"entry": entry, "rows": rows, "out": str(self._out)}) + "\n")
            self._process.stdin.flush()
        return Done(**self._answer(), images=torch.from_numpy(np.load(self._out)))

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise SystemExit("the other interpreter ended; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def peers_of(task: Task, args: argparse.Namespace) -> Iterator[Peers | None]:
    """Start the other interpreter, where one is asked for, and end it."""
    if args.peers is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save(task, folder / "task.npz")
        command = [
            args.peers,
            str(ROOT / "benchmarks" / "peers.py"),
            str(folder / "task.npz"),
            "--factory",
            task.factory,
        ]
        command += ["--kind", args.kind, "--norm", args.norm, "--eps", repr(task.eps), "--threads", str(args.threads)]
        command += ["--clock", args.clock, "--batch", str(args.batch), "--steps", *map(str, args.steps)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                yield Peers(process, folder)
            finally:
                process.kill()


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Says what is a success, for all alike."""

    model: torch.nn.Module
    task: Task
    kind: str
    norm: str

    def add(self, entry: Entry, done: Done, rows: tuple[int, int]) -> None:
        """Add one block to an entry."""
        clean, labels = (torch.from_numpy(one[slice(*rows)]) for one in (self.task.images, self.task.labels))
        change = (done.images.double() - clean.double()).flatten(1)
        size = change.abs().amax(1) if self.norm == "linf" else change.norm(dim=1)
        with torch.no_grad():
            read, rounded = (self.model(x).argmax(1) for x in (done.images, (done.images * 255).round() / 255))
        inside = size <= (self.task.eps + 1e-6 if self.kind == "fixed" else torch.inf)
        wrong = (read != labels) & inside & torch.isfinite(done.images).flatten(1).all(1)
        entry.sizes += size.where(wrong, torch.tensor(torch.inf, dtype=size.dtype)).tolist()
        entry.kept += int((wrong & (rounded != labels)).sum())
        entry.seconds += done.seconds
        entry.forwards += done.forwards
        entry.backwards += done.backwards


def compare(task: Task, args: argparse.Namespace) -> dict[str, Any]:
    """Run everything."""
    plain, count = task.model(), len(task.images)
    levels: Literal[256] | None = None if args.real or task.optima else 256
    threat = Threat(norm=args.norm, eps=task.eps if args.kind == "fixed" else None, levels=levels)
    clock = CLOCKS[args.clock]
    started = clock()
    ready = prepare(plain, torch.from_numpy(task.images[:8]), bfloat16=args.bfloat16)
    seconds = clock() - started
    work = Ours(model=ready, task=task, threat=threat, clock=clock)
    judge = Judge(model=plain, task=task, kind=args.kind, norm=args.norm)
    runs: dict[str, Callable[[tuple[int, int]], Done]] = {
        name: partial(work.run, attack) for name, attack in ours(args.kind, args.steps).items()
    }
    with peers_of(task, args) as others:
        hello = others.hello if others else {"entries": [], "versions": {}, "batch": None}
        if others:
            runs |= {name: partial(others.run, name) for name in hello["entries"]}
        kept = {name: run for name, run in runs.items() if not args.only or any(one in name for one in args.only)}
        entries = {name: Entry(name=name, seconds=seconds * name.startswith(OURS)) for name in kept}
        for number, begin in enumerate(range(0, count, args.block)):
            rows, names = (begin, min(begin + args.block, count)), list(kept)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                judge.add(entries[name], kept[name](rows), rows)
                print(f"{name}: pictures {rows[0]} to {rows[1]}, {entries[name].seconds:.1f} s", file=sys.stderr)
    return {
        "task": task.name,
        "kind": args.kind,
        "norm": args.norm,
        "eps": task.eps,
        "images": count,
        "threads": args.threads,
        "clock": args.clock,
        "pace": asdict(ready.pace),
        "notes": ready.notes,
        "seconds_to_prepare": seconds,
        "peers": {"versions": hello["versions"], "batch": hello["batch"]},
        "entries": [measures(entry, list(entries.values()), task, args.norm) for entry in entries.values()],
        "ratios": ratios(list(entries.values())),
    }


def measures(entry: Entry, entries: list[Entry], task: Task, norm: str) -> dict[str, Any]:
    """One entry's row. Optimality is the median and the 95th percentile of size over the smallest that anyone found."""
    sizes, count = np.array(entry.sizes), len(entry.sizes)
    best = task.optima.get(norm, np.min([one.sizes for one in entries], axis=0))
    both = np.isfinite(sizes) & np.isfinite(best)
    quotients = sizes[both] / best[both] if both.any() else np.array([np.nan])
    return {
        "name": entry.name,
        "seconds": entry.seconds,
        "ms_per_pass": 1000 * entry.seconds / max(1, entry.forwards),
        "passes": entry.forwards / count,
        "gradients": entry.backwards / count,
        "success": int(np.isfinite(sizes).sum()),
        "success_256_levels": entry.kept,
        "over_best_median": float(np.median(quotients)),
        "over_best_p95": float(np.percentile(quotients, 95)),
        "best_is": "exact" if norm in task.optima else "smallest found",
    }


def ratios(entries: list[Entry]) -> list[dict[str, Any]]:
    """Misread's time over a peer's: at the same attack and steps, and to at least the same success."""
    mine, lines = [entry for entry in entries if entry.ours], []
    for peer in (entry for entry in entries if not entry.ours):
        twin = next((one for one in mine if one.name.split()[1:] == peer.name.split()[1:]), None)
        enough = [one for one in mine if one.found() >= peer.found()]
        quickest = min(enough, key=lambda one: one.seconds, default=None)
        lines.append(
            {
                "peer": peer.name,
                "equal_steps": None if twin is None else twin.seconds / peer.seconds,
                "per_pass": None
                if twin is None
                else twin.seconds / twin.forwards / (peer.seconds / max(1, peer.forwards)),
                "equal_success": None if quickest is None else quickest.seconds / peer.seconds,
                "by": None if quickest is None else quickest.name,
            }
        )
    return lines


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    pace = result["pace"]
    lines = [
        f"{result['task']}, {result['images']} pictures read right, {result['kind']} {result['norm']}"
        + (f" eps {result['eps']:.4f}" if result["kind"] == "fixed" else ""),
        f"{result['threads']} threads, {result['clock']} time",
        f"misread made ready in {result['seconds_to_prepare']:.1f} s (included)",
        f"chunks of {pace['chunk']}, channels-last {pace['channels_last']}, bfloat16 {pace['bfloat16']}",
        f"peers: {result['peers']['versions']}, batches of {result['peers']['batch']}",
        "",
        f"{'entry':26}{'s':>9}{'ms/pass':>9}{'passes':>8}{'found':>7}{'8 bit':>7}{'median':>9}{'p95':>9}",
    ]
    lines += [
        f"{row['name']:26}{row['seconds']:9.2f}{row['ms_per_pass']:9.3f}{row['passes']:8.1f}{row['success']:7}"
        f"{row['success_256_levels']:7}{row['over_best_median']:9.4f}{row['over_best_p95']:9.4f}"
        for row in result["entries"]
    ]
    if result["ratios"]:
        lines += ["", f"{'misread / peer':26}{'equal steps':>12}{'per pass':>10}{'equal success':>14}  by"]
    for row in result["ratios"]:
        equal, each, to = (_number(row[name]) for name in ("equal_steps", "per_pass", "equal_success"))
        lines.append(f"{row['peer']:26}{equal:>12}{each:>10}{to:>14}  {row['by'] or 'not reached'}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="oracle")
    parser.add_argument("--images", type=int, default=64, help="take so many of those that the network reads right")
    parser.add_argument("--kind", choices=("fixed", "minimal"), default="fixed")
    parser.add_argument("--norm", choices=("linf", "l2"), default="linf", help="l2 is for --kind minimal")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 100])
    parser.add_argument(
        "--peers",
        nargs="?",
        const=sys.executable,
        metavar="PYTHON",
        help="compare with the libraries that this interpreter has; without PYTHON, this very one",
    )
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only entries whose name holds one of these")
    parser.add_argument("--batch", type=int, default=0, help="of the peers; 0 takes what suits the plain network best")
    parser.add_argument("--block", type=int, default=250, help="pictures in a turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu counts processor time: for a busy machine")
    parser.add_argument("--bfloat16", action="store_true", help="misread's gradients in bfloat16")
    parser.add_argument("--real", action="store_true", help="no 256 levels for misread either")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there too")
    args = parser.parse_args(arguments)
    if args.kind == "fixed" and args.norm != "linf":
        parser.error("fixed budgets are compared in linf alone; add --kind minimal")
    if min(args.images, args.block, args.threads, *args.steps) < 1:
        parser.error("--images, --block, --threads and --steps are at least 1")
    return args


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and write."""
    args = parse(arguments)
    torch.set_num_threads(args.threads)
    result = compare(TASKS[args.task]().right(args.images), args)
    print(table(result))
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
