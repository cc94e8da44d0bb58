"""The fixed suite against a published figure: TRADES on MNIST, Linf 0.3.

The classifier is that of arXiv 1901.08573. AutoAttack (arXiv 2003.01690) leaves 92.81 % of the whole test set standing,
the best published attack 92.46 %. On the first 200 images AutoAttack standard leaves 182, after about 27 minutes on two
cores.

    python benchmarks/published.py --images 200

Needs the classifier and the test set beside the checkout. Values are real here, as in the published figures; `misread
assess` itself always keeps to 256 levels.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from misread.attack.assess.run import stage_results
from misread.attack.assess.suite import SKIPPED, STANDS, Suite
from misread.attack.speed import prepare
from misread.attack.threat import Threat
from misread.stats import wilson

if TYPE_CHECKING:
    from torch import Tensor

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
CHUNK = 200


def main() -> None:
    """Run the suite and print what stands after each stage."""
    arguments = _arguments()
    images, labels = _mnist(arguments.start, arguments.images)
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    suite = Suite(threat=Threat(norm="linf", eps=arguments.eps, levels=256 if arguments.levels else None))
    model = prepare(_zoo().mnist_trades(), images[:32])
    standing = clean = 0
    for at in range(0, len(images), CHUNK):
        fallen = suite.run(model, images[at : at + CHUNK], labels[at : at + CHUNK], seed=arguments.seed)
        clean += int((fallen.by != SKIPPED).sum())
        standing += int((fallen.by == STANDS).sum())
        print(f"{at + len(fallen.by)} images, {standing} stand, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    stages = stage_results(suite.tallies, clean, len(images))
    seconds = time.perf_counter() - started
    if arguments.json:
        said = [{"name": stage.name, "standing": stage.standing.hits, "seconds": stage.seconds} for stage in stages]
        print(json.dumps({"images": len(images), "clean": clean, "standing": standing, "s": seconds, "stages": said}))
        return
    print(f"{len(images)} images, {clean} read right clean; {model.pace}")
    for stage in stages:
        print(f"  {stage.name:12} {stage.standing.hits:5} stand {stage.passes:7.0f} passes {stage.seconds:7.1f} s")
    print(f"{wilson(standing, len(images)).text()} stand after {seconds:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--start", type=int, default=0, help="first image")
    parser.add_argument("--eps", type=float, default=0.3)
    parser.add_argument("--levels", action="store_true", help="keep to 256 levels")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _zoo() -> Any:
    spec = importlib.util.spec_from_file_location("zoo", SHARED / "models" / "zoo.py")
    if spec is None or spec.loader is None or not (SHARED / "models" / "zoo.py").is_file():
        sys.exit("the classifier is not beside the checkout")
    module = importlib.util.module_from_spec(spec)
    sys.modules["zoo"] = module
    spec.loader.exec_module(module)
    return module


def _mnist(start: int, count: int) -> tuple[Tensor, Tensor]:
    folder = SHARED / "data" / "mnist"
    pixels, labels = (
        np.frombuffer(gzip.decompress(next(folder.glob(f"t10k-{kind}*.gz")).read_bytes()), np.uint8, offset=offset)
        for kind, offset in (("images", 16), ("labels", 8))
    )
    images = pixels.reshape(-1, 1, 28, 28)[start : start + count].astype(np.float32) / 255
    return torch.from_numpy(images), torch.from_numpy(labels[start : start + count].astype(np.int64))


if __name__ == "__main__":
    main()
