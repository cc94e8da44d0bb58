"""What one gradient step costs: the plain network, the same prepared for attacks, and in bfloat16.

    python benchmarks/step.py
    python benchmarks/step.py --models cifar10_resnet20 --threads 1 --clock cpu

All ways are timed in turn, several times, and the quickest time of each counts. Needs the networks beside the checkout.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.peers import CLOCKS, load
from benchmarks.tasks import ZOO
from misread.attack.speed import prepare
from misread.attack.speed.passes import slopes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SHAPES: Final = {
    "mnist_trades": (1, 28, 28),
    "cifar10_resnet20": (3, 32, 32),
    "gtsrb_simplecnn": (3, 32, 32),
    "imagenet_mobilenet_v2": (3, 224, 224),
}


class Chunked:
    """A model that is differentiated so many pictures at a time."""

    def __init__(self, model: Callable[[Tensor], Tensor], chunk: int) -> None:
        """Wrap the model."""
        self.model, self.chunk = model, chunk

    def __call__(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.model(x)


def step(model: Callable[[Tensor], Tensor], images: Tensor, clock: Callable[[], float]) -> float:
    """Milliseconds per picture."""
    places = torch.arange(len(images))
    with torch.no_grad():
        classes = model(images[:1]).shape[1]
    started = clock()
    slopes(model, images, places, classes, lambda logits: logits.logsumexp(1))
    return 1000 * (clock() - started) / len(images)


def costs(name: str, args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds per picture by way of running."""
    plain = load(f"{ZOO}:{name}", {}).requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(args.images, *SHAPES[name], generator=generator)
    ready, rough = (prepare(plain, images[:4], bfloat16=half) for half in (False, True))
    ways: dict[str, Callable[[Tensor], Tensor]] = {f"plain, {n} at a time": Chunked(plain, n) for n in args.batches}
    ways[f"prepared, {ready.chunk} at a time"] = ready
    if rough.rough:
        ways[f"bfloat16, {rough.chunk} at a time"] = rough
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(args.repeats):
        for way, model in ways.items():
            best[way] = min(best[way], step(model, images, CLOCKS[args.clock]))
    for note in (*ready.notes, *rough.notes[len(ready.notes) :]):
        print(f"  {note}")
    return best


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 8], help="of the plain network")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in args.models:
        print(f"{name}, {args.threads} threads, {args.clock} time, ms per picture")
        found = costs(name, args)
        first = next(iter(found.values()))
        for way, cost in found.items():
            print(f"  {way:28}{cost:9.3f}{cost / first:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
