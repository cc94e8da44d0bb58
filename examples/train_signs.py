"""Train and evaluate the embedded sign classifier.

python examples/train_signs.py train TRAIN.tar.xz -o signs.safetensors
python examples/train_signs.py evaluate SHARED_DATA
"""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import cv2
import numpy as np
import torch
import typer
from safetensors.torch import load_file, save
from torch import Tensor, nn

from examples.signs_batches import Batches
from examples.signs_data import Photos, read_photos, split, unpack
from examples.signs_measure import STOP, guesses, photographs, shipped_scenes, stop_tracks, street_boxes
from misread.assets import weights_path
from misread.export.signs import SignNet
from misread.files import atomic_write
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One training run."""

    training: Photos
    held_out: Photos | None
    output: Path
    steps: int
    batch: int
    rate: float


app: Final = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Train and evaluate the embedded sign classifier."""


@app.command()
def train(  # noqa: PLR0917 (a command line)
    archive: Annotated[Path, typer.Argument(help="GTSRB training photographs, .tar.xz, or a folder of them unpacked")],
    output: Annotated[Path, typer.Option("-o", "--output")],
    steps: int = 3600,
    batch: int = 128,
    seed: int = 7,
    rate: float = 3e-3,
    threads: int = 2,
    validate: Annotated[bool, typer.Option(help="Hold one track in twelve out and measure on them")] = True,  # noqa: FBT002
) -> None:
    """Train from a seed, writing the averaged weights now and then."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(seed)
    photos = _load(archive)
    training, held_out = split(photos, rng) if validate else (photos, None)
    typer.echo(f"{len(training.labels)} photographs to train on")
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)  # noqa: TID251 (a script; layers draw their first weights from it)
        plan = Plan(training=training, held_out=held_out, output=output, steps=steps, batch=batch, rate=rate)
        _fit(plan, rng)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="Folder that holds gtsrb/ and roadsigns/")],
    weights: Annotated[Path | None, typer.Option(help="Weights, instead of those in the package")] = None,
) -> None:
    """Print how well the classifier reads photographs that it was not trained on."""
    net = SignNet()
    net.load_state_dict(load_file(weights or weights_path()), strict=False)
    net.eval()
    photos = photographs(data)
    right = guesses(net, photos) == photos.labels
    stops = photos.labels == STOP
    _row("test photographs", int(right.sum()), len(right))
    _row("their stop signs", int(right[stops].sum()), int(stops.sum()))
    for name, pictures in (
        ("stop boxes in street photographs", street_boxes(data)),
        ("frames of stop tracks, 24 px or more", stop_tracks(data)),
        ("shipped scenes", shipped_scenes()),
    ):
        _row(name, int((guesses(net, pictures) == pictures.labels).sum()), len(pictures.labels))


def _row(name: str, hits: int, total: int) -> None:
    typer.echo(f"{name:40s} {wilson(hits, total).text()}")


def _load(archive: Path) -> Photos:
    if archive.is_dir():
        return read_photos(archive)
    with tempfile.TemporaryDirectory() as folder:
        return read_photos(unpack(archive, Path(folder)))


def _fit(plan: Plan, rng: np.random.Generator) -> None:
    net = SignNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, plan.steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    started = time.perf_counter()
    running = 0.0
    for step, (images, labels) in enumerate(_stream(plan, rng), start=1):
        net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(images)
        loss = loss_of(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(net)
        running = 0.98 * running + 0.02 * float(loss.detach()) if step > 1 else float(loss.detach())
        if step % 200 == 0 or step == plan.steps:
            _checkpoint(plan, average.module)
            note = _validation(plan, average.module)
            typer.echo(f"step {step}  loss {running:.3f}  {note}  {time.perf_counter() - started:.0f} s")


def _stream(plan: Plan, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    ready: queue.Queue[tuple[Tensor, Tensor]] = queue.Queue(maxsize=8)

    def produce() -> None:
        batches = Batches(plan.training, rng)
        for _ in range(plan.steps):
            images, labels = batches.draw(plan.batch)
            ready.put((to_input(images), torch.from_numpy(labels)))

    threading.Thread(target=produce, daemon=True).start()
    for _ in range(plan.steps):
        yield ready.get()


def to_input(images: NDArray[np.uint8]) -> Tensor:
    """Return uint8 (n, 48, 48, 3) as float32 (n, 3, 48, 48) in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)


def _checkpoint(plan: Plan, net: nn.Module) -> None:
    state = {name: value.detach().clone().contiguous() for name, value in net.state_dict().items()}
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    with atomic_write(plan.output) as out:
        out.write(save(state))


def _validation(plan: Plan, net: nn.Module) -> str:
    if plan.held_out is None:
        return ""
    notes = []
    net.eval()
    labels = torch.from_numpy(plan.held_out.labels)
    for through in (48, 32, 20):
        small = [cv2.resize(i, (through, through), interpolation=cv2.INTER_AREA) for i in plan.held_out.images]
        back = np.stack([cv2.resize(i, (48, 48), interpolation=cv2.INTER_LINEAR) for i in small])
        with torch.no_grad():
            guess = torch.cat([net(to_input(back[i : i + 256])).argmax(1) for i in range(0, len(back), 256)])
        notes.append(f"{through}px {float((guess == labels).float().mean()):.4f}")
    return "held-out tracks: " + "  ".join(notes)


if __name__ == "__main__":
    app()
