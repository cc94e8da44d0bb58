"""The other libraries at work, in an interpreter of their own; benchmarks/attacks.py starts this and talks to it.

It needs torch and whichever of foolbox, torchattacks and adv-lib are installed, never misread. Each line on standard
input is a job, {"entry": name, "rows": [from, to], "out": file}; each answer is one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from types import ModuleType

Run = Callable[[nn.Module, Tensor, Tensor, float], Tensor]
"""(model, images, labels, eps) -> changed images; a minimal attack pays no heed to eps."""
BATCHES = (32, 64, 128, 256)
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Counter(nn.Module):
    """Counts pictures that go in, and those whose gradient is wanted."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.forwards, self.backwards = model, 0, 0

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        self.forwards += len(x)
        self.backwards += len(x) * x.requires_grad
        return self.model(x)  # type: ignore[no-any-return]


def load(factory: str, data: Any) -> nn.Module:
    """`linear`, whose weights lie with the pictures, or FILE.py:FACTORY."""
    if factory == "linear":
        layer = nn.Linear(*data["weight"].shape[::-1])
        layer.load_state_dict({name: torch.from_numpy(data[name]).float() for name in ("weight", "bias")})
        return nn.Sequential(nn.Flatten(), layer).eval()
    path, _, name = factory.rpartition(":")
    spec = importlib.util.spec_from_file_location("benchmarked", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: nn.Module = getattr(module, name)()
    return model.eval()


def entries(kind: str, norm: str, steps: list[int]) -> dict[str, Run]:
    """What the installed libraries offer: "library attack steps" -> how to run it."""
    found: dict[str, Run] = {}
    for package, offers in (("foolbox", _foolbox), ("torchattacks", _torchattacks), ("adv_lib.attacks", _adv_lib)):
        try:
            library = importlib.import_module(package)
        except ImportError:
            continue
        found |= offers(library, kind, norm, steps)
    return found


def _foolbox(library: ModuleType, kind: str, norm: str, steps: list[int]) -> dict[str, Run]:
    def run(attack: Any) -> Run:
        def one(model: nn.Module, images: Tensor, labels: Tensor, eps: float) -> Tensor:
            wrapped = library.PyTorchModel(model, bounds=(0, 1), device="cpu")
            changed: Tensor = attack(wrapped, images, labels, epsilons=eps if kind == "fixed" else None)[1]
            return changed

        return one

    attacks = library.attacks
    if kind == "fixed":
        made = {f"pgd {n}": attacks.LinfPGD(steps=n, rel_stepsize=2.5 / n) for n in steps}
    elif norm == "l2":
        made = {"ddn 100": attacks.DDNAttack(steps=100), "fmn 1000": attacks.L2FMNAttack(steps=1000)}
    else:
        made = {"fmn 1000": attacks.LInfFMNAttack(steps=1000)}
    return {f"foolbox {name}": run(attack) for name, attack in made.items()}


def _torchattacks(library: ModuleType, kind: str, norm: str, steps: list[int]) -> dict[str, Run]:
    def pgd(number: int, model: nn.Module, images: Tensor, labels: Tensor, eps: float) -> Tensor:
        changed: Tensor = library.PGD(model, eps=eps, alpha=2.5 * eps / number, steps=number)(images, labels)
        return changed

    def deepfool(model: nn.Module, images: Tensor, labels: Tensor, _eps: float) -> Tensor:
        changed: Tensor = library.DeepFool(model)(images, labels)
        return changed

    if kind == "fixed":
        return {f"torchattacks pgd {n}": partial(pgd, n) for n in steps}
    return {"torchattacks deepfool 50": deepfool} if norm == "l2" else {}


def _adv_lib(library: ModuleType, kind: str, norm: str, steps: list[int]) -> dict[str, Run]:
    order = {"l2": 2, "linf": float("inf")}[norm]

    def pgd(number: int, model: nn.Module, images: Tensor, labels: Tensor, eps: float) -> Tensor:
        changed: Tensor = library.pgd_linf(model, images, labels, eps, steps=number, relative_step_size=2.5 / number)
        return changed

    def apgd(number: int, model: nn.Module, images: Tensor, labels: Tensor, eps: float) -> Tensor:
        changed: Tensor = library.apgd(model, images, labels, eps, norm=order, n_iter=number)
        return changed

    def minimal(
        name: str, options: dict[str, Any], model: nn.Module, images: Tensor, labels: Tensor, _e: float
    ) -> Tensor:
        changed: Tensor = getattr(library, name)(model, images, labels, **options)
        return changed

    if kind == "fixed":
        pairs = (("pgd", pgd), ("apgd", apgd))
        return {f"adv-lib {name} {n}": partial(run, n) for name, run in pairs for n in steps}
    made: dict[str, Run] = {"adv-lib fmn 1000": partial(minimal, "fmn", {"norm": order, "steps": 1000})}
    if norm == "l2":
        made |= {"adv-lib ddn 100": partial(minimal, "ddn", {"levels": None})}
        made |= {"adv-lib sdf 100": partial(minimal, "sdf", {})}
    return made


def best_batch(model: nn.Module, images: Tensor) -> int:
    """How many pictures at a time suit the plain network best; the libraries are given so many."""
    times = {}
    for size in BATCHES:
        point = images[torch.arange(size) % len(images)].clone().requires_grad_()
        taken = []
        for _ in range(3):
            started = time.process_time()
            torch.autograd.grad(model(point).logsumexp(1).sum(), point)
            taken.append(time.process_time() - started)
        times[size] = min(taken) / size
    return min(times, key=lambda size: times[size])


def serve(jobs: Any, say: Any, args: argparse.Namespace) -> None:
    """Run jobs until the input ends."""
    torch.set_num_threads(args.threads)
    data = np.load(args.task, allow_pickle=False)
    images, labels = torch.from_numpy(data["images"]).float(), torch.from_numpy(data["labels"])
    model = load(args.factory, data).requires_grad_(requires_grad=False)
    clock = CLOCKS[args.clock]
    offered = entries(args.kind, args.norm, args.steps)
    batch = args.batch or best_batch(model, images)
    versions = {name: version(name) for name in ("torch", "foolbox", "torchattacks", "adv-lib") if _has(name)}
    say({"entries": list(offered), "batch": batch, "versions": versions})
    for line in jobs:
        job = json.loads(line)
        torch.default_generator.manual_seed(0)  # the libraries draw from the global one
        counter, made = Counter(model), []
        started = clock()
        first, last = job["rows"]
        for begin in range(first, last, batch):
            some = slice(begin, min(begin + batch, last))
            made.append(offered[job["entry"]](counter, images[some].clone(), labels[some].clone(), args.eps).detach())
        seconds = clock() - started
        np.save(job["out"], torch.cat(made).numpy())
        say({"seconds": seconds, "forwards": counter.forwards, "backwards": counter.backwards})


def _has(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


def main() -> None:
    """Read the arguments that benchmarks/attacks.py gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", type=Path)
    parser.add_argument("--factory", required=True)
    parser.add_argument("--kind", choices=("fixed", "minimal"), required=True)
    parser.add_argument("--norm", choices=("linf", "l2"), required=True)
    parser.add_argument("--eps", type=float, required=True)
    parser.add_argument("--steps", type=int, nargs="+", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--batch", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    # What the libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # A torchvision built for another torch lacks its compiled operators and will not load; nobody here calls them.
    if importlib.util.find_spec("torchvision") is not None:
        try:
            importlib.import_module("torchvision")
        except RuntimeError:
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            stand_in = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
            for name in ("nms", "qnms"):
                stand_in.define(f"{name}(Tensor a, Tensor b, float c) -> Tensor")  # type: ignore[no-untyped-call]
            main.keep = stand_in  # type: ignore[attr-defined]  # dropped, it would take the operators with it
    serve(sys.stdin, lambda answer: print(json.dumps(answer), file=answers, flush=True), args)


if __name__ == "__main__":
    main()
