"""How far each stage carries a change to classifiers that it was not made for.

MI-FGSM (arXiv 1710.06081) with 10 steps inside Linf 16/255 on the float MobileNetV2, alone and through the stages of
`misread.attack.transfer`; the last image of each run is shown to two ONNX files in onnxruntime that other people
trained and exported: a SqueezeNet in fp16 and a MobileNetV2 in int8.

    python benchmarks/transfer.py --images 64

Needs the classifiers and the photographs beside the checkout. The denominator of all rates is the photographs that all
three read right.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from misread.attack.execute import execute
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.threat import Threat
from misread.attack.transfer.bsr import Bsr
from misread.attack.transfer.diversity import Diversity
from misread.attack.transfer.scale import Scale
from misread.attack.transfer.translation import Translation
from misread.attack.transfer.wrap import Transfer
from misread.card import ModelCard
from misread.export.origin import Preparation, load_origin
from misread.pixels import fit, read_image
from misread.runtime.session import Deployed, SessionOptions
from misread.stats import wilson

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Attack
    from misread.attack.transfer.stage import Stage

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
IMAGENET = SHARED / "data" / "imagenet"
CHUNK = 8


def main() -> None:
    """Attack through each choice of stages and print what the other two misread."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    if not IMAGENET.is_dir():
        sys.exit("the photographs are not beside the checkout")
    labels = tuple(str(number - 1) for number in range(1001))  # the surrogate's output 0 is background
    names = Path(arguments.labels)
    names.write_text("\n".join(labels))
    crop = Preparation(resize="crop", resize_px=256)
    name = f"{SHARED / 'models' / 'zoo.py'}:imagenet_mobilenet_v2"
    origin = load_origin(name, labels=names, size_hw=(224, 224), preparation=crop)
    model = origin.twin
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # which torch knows and its types do not
    victims = _victims(arguments.threads)
    images, truth = _photos(origin.card, arguments.images)
    with torch.no_grad():
        right = torch.cat([model(chunk) for chunk in torch.split(images, CHUNK)]).argmax(1) == truth + 1
    for victim in victims:
        right &= _read(victim, images) == truth
    images, truth = images[right], truth[right]
    print(f"{len(images)} photographs read right by all three; Linf 16/255, {arguments.steps} steps")
    for label, stages in _choices(arguments.shuffles).items():
        started = time.perf_counter()
        found = _attack(model, images, truth + 1, stages, arguments.steps)
        rates = []
        for victim in victims:
            hits = int((_read(victim, found) != truth).sum())
            rates.append(f"{Path(victim.name).stem} {wilson(hits, len(images)).text()}")
        print(f"{label:12} {'; '.join(rates)}; {time.perf_counter() - started:.0f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--shuffles", type=int, default=20, help="copies of BSR")
    parser.add_argument("--labels", default="transfer-labels.txt", help="a scratch file")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def _choices(shuffles: int) -> dict[str, tuple[Stage, ...]]:
    return {
        "mi": (Scale(copies=1),),  # changes nothing, but lets the attack run to its end as the others do
        "mi+di": (Diversity(),),
        "mi+ti": (Translation(),),
        "mi+si": (Scale(),),
        "mi+di+ti+si": (Diversity(), Translation(), Scale()),
        "mi+bsr": (Bsr(copies=shuffles),),
        "mi+bsr+di": (Bsr(copies=shuffles), Diversity()),
    }


def _victims(threads: int) -> tuple[Deployed, ...]:
    thousand = tuple(str(number) for number in range(1000))
    common = {"labels": thousand, "size_hw": (224, 224), "resize": "crop", "resize_px": 256}
    squeezenet = ModelCard(
        **common,  # type: ignore[arg-type]
        colour="bgr",
        scale=1.0,
        mean=(103.94, 116.78, 123.68),
        output="probabilities",
    )
    mobilenet = ModelCard(**common, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))  # type: ignore[arg-type]
    options = SessionOptions(threads=threads)
    return (
        Deployed.open(IMAGENET / "squeezenet_fp16.onnx", card=squeezenet, options=options),
        Deployed.open(IMAGENET / "mobilenet_v2_dynamic_int8.onnx", card=mobilenet, options=options),
    )


def _photos(card: ModelCard, count: int) -> tuple[Tensor, Tensor]:
    """Return photographs spread over all classes, (n, 3, 224, 224) in [0, 1], and their classes out of 1,000."""
    paths = sorted((IMAGENET / "photos").glob("*.JPEG"))
    paths = [paths[at] for at in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)]
    pixels = np.stack([fit(read_image(path), card) for path in paths])
    classes = [int(path.name.split("_")[0]) for path in paths]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, torch.tensor(classes)


def _read(victim: Deployed, images: Tensor) -> Tensor:
    levels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return torch.from_numpy(victim.read_prepared(levels).classes)


def _attack(model: torch.nn.Module, images: Tensor, labels: Tensor, stages: tuple[Stage, ...], steps: int) -> Tensor:
    attack = cast("Attack", Transfer(attack=MiFgsm(steps=steps, loss="ce"), stages=stages))
    found = [
        execute(
            attack,
            model,
            chunk.contiguous(memory_format=torch.channels_last),
            truth,
            threat=Threat(eps=16 / 255),
            generator=torch.Generator().manual_seed(0),
        ).images
        for chunk, truth in zip(torch.split(images, CHUNK), torch.split(labels, CHUNK), strict=True)
    ]
    return torch.cat(found)


if __name__ == "__main__":
    main()
