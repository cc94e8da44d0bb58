"""What is attacked: pictures, labels, a network and a budget."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import torch

from benchmarks.peers import load
from misread.attack.selftest.oracle import instance_b

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

SHARED: Final = Path(__file__).resolve().parents[2] / "shared"
ZOO: Final = SHARED / "models" / "zoo.py"
SCALE: Final = 3.0
"""Of the closed-form network's logits: small enough for a cross-entropy to have a gradient."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One comparison.

    Attributes:
        name: Of the network.
        factory: As `benchmarks.peers.load` takes it.
        images: (n, c, h, w) float32 in [0, 1].
        labels: (n,) int64.
        eps: Linf budget.
        more: Arrays that the factory needs.
        optima: Norm -> exact smallest sizes (n,), where they are known.
    """

    name: str
    factory: str
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    eps: float
    more: dict[str, NDArray[np.float64]]
    optima: dict[str, NDArray[np.float64]]

    def model(self) -> nn.Module:
        """The plain network, frozen."""
        return load(self.factory, self.more).requires_grad_(requires_grad=False)

    def right(self, count: int) -> Task:
        """The first pictures that the network reads right."""
        model, keep = self.model(), []
        with torch.no_grad():
            for begin in range(0, len(self.images), 100):
                said = model(torch.from_numpy(self.images[begin : begin + 100])).argmax(1).numpy()
                keep.extend((begin + np.flatnonzero(said == self.labels[begin : begin + 100])).tolist())
                if len(keep) >= count:
                    break
        rows = keep[:count]
        optima = {norm: sizes[rows] for norm, sizes in self.optima.items()}
        return Task(**{**vars(self), "images": self.images[rows], "labels": self.labels[rows], "optima": optima})


def cifar10() -> Task:
    """1,000 test pictures, a hundred of each class; every tenth picture is of another class."""
    found: dict[str, list[NDArray[np.uint8]]] = {}
    with tarfile.open(SHARED / "data" / "cifar10" / "cifar10_test_jpeg_100perclass.tar") as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            stored = archive.extractfile(member) if member.isfile() else None
            if stored is not None:
                picture = cv2.imdecode(np.frombuffer(stored.read(), np.uint8), cv2.IMREAD_COLOR_RGB)
                found.setdefault(Path(member.name).parent.name, []).append(np.asarray(picture, np.uint8))
    pictures = np.stack([found[name][at] for at in range(100) for name in sorted(found)])
    return Task(
        name="cifar10_resnet20",
        factory=f"{ZOO}:cifar10_resnet20",
        images=_unit(pictures.transpose(0, 3, 1, 2)),
        labels=np.arange(len(pictures)) % len(found),
        eps=8 / 255,
        more={},
        optima={},
    )


def mnist() -> Task:
    """The test set, in its own order."""
    folder = SHARED / "data" / "mnist"
    pictures, labels = (
        np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=offset)
        for name, offset in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    return Task(
        name="mnist_trades",
        factory=f"{ZOO}:mnist_trades",
        images=_unit(pictures.reshape(-1, 1, 28, 28)),
        labels=labels.astype(np.int64),
        eps=0.3,
        more={},
        optima={},
    )


def _unit(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.divide(np.ascontiguousarray(pictures), 255, dtype=np.float32)


def oracle() -> Task:
    """A linear network whose exact optima are known; Linf budget 1.1 times the median optimum."""
    instance = instance_b()
    optima = {norm: instance.optimum(norm) for norm in ("linf", "l2")}
    return Task(
        name="oracle",
        factory="linear",
        images=instance.images.numpy(),
        labels=instance.labels.numpy(),
        eps=1.1 * float(np.median(optima["linf"])),
        more={"weight": SCALE * instance.weight, "bias": SCALE * instance.bias},
        optima=optima,
    )


TASKS: Final[dict[str, Callable[[], Task]]] = {"cifar10": cifar10, "mnist": mnist, "oracle": oracle}


def save(task: Task, path: Path) -> None:
    """Write what the other interpreter needs."""
    buffer = io.BytesIO()
    np.savez(buffer, images=task.images, labels=task.labels, **task.more)  # type: ignore[arg-type]
    path.write_bytes(buffer.getvalue())
