"""Small linear classifiers on disk, for which robust accuracy has a closed form: as a factory and as an ONNX file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from misread.attack.selftest.oracle import Instance
from misread.card import ModelCard
from misread.pixels import encode_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 6
CLASSES = 5
LABELS = tuple(f"class-{index}" for index in range(CLASSES))
CARD = ModelCard(labels=LABELS, size_hw=(SIDE, SIDE), colour="grey", mean=(0.0,), std=(1.0,))

FACTORY = """
from pathlib import Path

import numpy as np
import torch


def make():
    weights = np.load(Path(__file__).with_suffix(".npz"))
    layer = torch.nn.Linear(*weights["weight"].shape[::-1])
    layer.weight.data, layer.bias.data = torch.from_numpy(weights["weight"]), torch.from_numpy(weights["bias"])
    return torch.nn.Sequential(torch.nn.Flatten(), layer)
"""


def classifier(count: int = 12, lean: float = 0.0) -> Instance:
    """A linear classifier and images on the grid, each read right.

    Args:
        count: Of images.
        lean: Makes the weights of later classes larger, so that other margins hold for the same images.
    """
    random = np.random.default_rng(5)
    weight = random.normal(size=(CLASSES, SIDE * SIDE))
    weight /= np.linalg.norm(weight, axis=1, keepdims=True)
    labels = np.arange(count) % CLASSES
    pixels = np.clip(0.5 + 0.2 * random.normal(size=(count, SIDE * SIDE)) + 0.5 * weight[labels], 0, 1)
    images = torch.from_numpy(np.round(pixels * 255) / 255).float().view(count, 1, SIDE, SIDE)
    bias = -0.5 * weight.sum(1)
    read = (images.flatten(1).double().numpy() @ weight.T + bias).argmax(1)
    return Instance(weight * (1 + lean * np.arange(CLASSES)[:, None]), bias, images, torch.from_numpy(read))


def write_pictures(instance: Instance, folder: Path) -> Path:
    """PNG files and a CSV that labels them."""
    folder.mkdir(parents=True)
    rows: list[tuple[str, str]] = [("file", "label")]
    for at, (image, label) in enumerate(zip(instance.images, instance.labels.tolist(), strict=True)):
        pixels: NDArray[np.uint8] = np.rint(image.numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
        (folder / f"{at:03d}.png").write_bytes(encode_png(np.repeat(pixels, 3, axis=2)))
        rows.append((f"{at:03d}.png", LABELS[label]))
    with (folder / "labels.csv").open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return folder / "labels.csv"


def write_factory(instance: Instance, folder: Path) -> tuple[str, Path]:
    """A Python file that makes the classifier, and the file of its labels."""
    (folder / "net.py").write_text(FACTORY)
    np.savez(folder / "net.npz", weight=instance.weight.astype(np.float32), bias=instance.bias.astype(np.float32))
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    return f"{folder / 'net.py'}:make", folder / "labels.txt"


def write_onnx(instance: Instance, path: Path, *, operator: str = "Flatten") -> Path:
    """The classifier as an ONNX file with a card inside; another operator in front makes the surrogate give up."""
    weight, bias = instance.weight.astype(np.float32), instance.bias.astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"], transB=1),
    ]
    if operator != "Flatten":
        nodes.insert(0, helper.make_node(operator, ["input"], ["same"]))
        nodes[1].input[0] = "same"
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, CARD.to_metadata())
    onnx.save(model, path)
    return path
