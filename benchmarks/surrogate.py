"""Gradients of the int8 file against gradients of the float twin, both judged by onnxruntime on the int8 file.

A static int8 export of MobileNetV2 (quantisation-aware weights, 1,001 classes) is attacked three ways inside Linf:

- twin: Auto-PGD (arXiv 2003.01690) on the float twin until the twin misreads, hoping that the build does too;
- twin, build asked: the same, and the search goes on until the build itself misreads;
- surrogate: the same attack on the build's own graph as a torch module, rounding passed straight through.

    python benchmarks/surrogate.py --images 48
    python benchmarks/surrogate.py --images 48 --target 921

An undefended network falls to either gradient when any label will do; with a target, which leaves the float twin's
successes close to a boundary that the build has elsewhere, the two part.

Needs the classifier and the photographs beside the checkout. The denominator of all rates is the photographs that twin
and build both read right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from misread.attack.execute import execute
from misread.attack.goal import Targeted, Untargeted
from misread.attack.gradient.apgd import Apgd
from misread.attack.surrogate import load_surrogate_origin
from misread.attack.threat import Threat
from misread.export.origin import Preparation, load_origin
from misread.export.run import ExportOptions, export_builds
from misread.pixels import fit, read_image
from misread.runtime.session import Deployed, SessionOptions
from misread.stats import wilson

if TYPE_CHECKING:
    from torch import Tensor, nn

    from misread.attack.goal import Goal
    from misread.attack.problem import Confirm
    from misread.export.origin import Origin

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
PHOTOS = SHARED / "data" / "imagenet" / "photos"
CHUNK = 8
CLASSES = 1001


def main() -> None:
    """Attack three ways at each size and print what the build misreads."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        origin, build = _export(Path(folder), arguments.threads)
        deployed = Deployed.open(build, options=SessionOptions(threads=arguments.threads))
        surrogate = load_surrogate_origin(build).origin.twin
        images, labels = _photos(origin, arguments.images)
        right = _labels(deployed, images) == labels
        with torch.no_grad():
            right &= torch.cat([origin.twin(chunk) for chunk in torch.split(images, CHUNK)]).argmax(1) == labels
        right &= labels != (-1 if arguments.target is None else arguments.target)
        images, labels = images[right], labels[right]
        goal = Untargeted() if arguments.target is None else Targeted(arguments.target)
        print(f"{len(images)} photographs read right by twin and build; {goal.name}")
        for levels in arguments.levels:
            threat = Threat(norm="linf", eps=levels / 255)
            for name, model, asked in (
                ("twin", origin.twin, None),
                ("twin, build asked", origin.twin, deployed),
                ("surrogate", surrogate, None),
            ):
                started = time.perf_counter()
                found = _attack(model, images, labels, threat, goal, arguments.steps, asked)
                hits = int(_reached(goal, _labels(deployed, found), labels).sum())
                seconds = time.perf_counter() - started
                print(f"Linf {levels}/255  {name:18} {wilson(hits, len(images)).text()}  {seconds:.0f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 2], help="sizes in levels of 255")
    parser.add_argument("--steps", type=int, default=30, help="gradient passes per image")
    parser.add_argument("--target", type=int, help="a class that all are to be read as; 921 is traffic light")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def _export(folder: Path, threads: int) -> tuple[Origin, Path]:
    if not PHOTOS.is_dir():
        sys.exit("the photographs are not beside the checkout")
    labels = folder / "labels.txt"
    labels.write_text("\n".join(str(number) for number in range(CLASSES)))
    name = f"{SHARED / 'models' / 'zoo.py'}:imagenet_mobilenet_v2"
    crop = Preparation(resize="crop", resize_px=256)
    origin = load_origin(name, labels=labels, size_hw=(224, 224), preparation=crop)
    options = ExportOptions(
        origin=name,
        out=folder / "mobilenet.onnx",
        precisions=("int8",),
        calibration_data=PHOTOS,
        calibration_pictures=64,
        parity_pictures=16,
        session=SessionOptions(threads=threads),
    )
    return origin, export_builds(options, origin=origin).builds[0].file.path


def _photos(origin: Origin, count: int) -> tuple[Tensor, Tensor]:
    """Return photographs spread over all classes, (n, 3, 224, 224) in [0, 1], and their classes; 0 is background."""
    paths = sorted(PHOTOS.glob("*.JPEG"))
    paths = [paths[at] for at in np.linspace(0, len(paths) - 1, count).astype(int)]
    pixels = np.stack([fit(read_image(path), origin.card) for path in paths])
    classes = [int(path.name.split("_")[0]) + 1 for path in paths]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, torch.tensor(classes)


def _labels(deployed: Deployed, images: Tensor) -> Tensor:
    """Return what the build reads, each picture by itself, (n,)."""
    levels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    found = [int(deployed.run(picture[None]).argmax()) for picture in levels]
    return torch.tensor(found, dtype=torch.int64)


def _attack(  # noqa: PLR0917 - one private caller
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    threat: Threat,
    goal: Goal,
    steps: int,
    asked: Deployed | None,
) -> Tensor:
    """Return the changed pictures; clean ones where nothing was found."""
    found = []
    for at in range(0, len(images), CHUNK):
        clean, truth = images[at : at + CHUNK], labels[at : at + CHUNK]
        outcome = execute(
            Apgd(steps=steps),
            model,
            clean,
            truth,
            threat=threat,
            goal=goal,
            generator=torch.Generator().manual_seed(at),
            confirm=None if asked is None else _confirm(asked, truth, goal),
        )
        found.append(outcome.images)
    return torch.cat(found)


def _confirm(deployed: Deployed, labels: Tensor, goal: Goal) -> Confirm:
    def misread(images: Tensor, places: Tensor) -> Tensor:
        return _reached(goal, _labels(deployed, images), labels[places])

    return misread


def _reached(goal: Goal, found: Tensor, labels: Tensor) -> Tensor:
    """Say for which pictures the label that was found is one that the goal wants, (n,) bool."""
    return goal.wanted(labels, CLASSES).gather(1, found[:, None])[:, 0]


if __name__ == "__main__":
    main()
