"""What it costs to prepare a picture inside the graph, beside numpy, and beside ONNX's own Resize.

    python benchmarks/bake.py
    python benchmarks/bake.py --picture 3024x4032 --size 384 --threads 2

All ways take the same picture in turn, several times, and the quickest time of each counts. `levels` is the largest
difference to numpy's path, in levels of 255.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from misread.card import Interpolation, ModelCard, Resize
from misread.export.bake import bake
from misread.pixels import fit, to_input

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx
    from numpy.typing import NDArray

OPERATOR: Final = {"bilinear": "linear", "bicubic": "cubic"}


def mirror(card: ModelCard) -> onnx.ModelProto:
    """A network that returns its input, behind the front of a card."""
    shape = ("n", card.channels, *card.size_hw)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "seen")]
    graph = helper.make_graph([helper.make_node("Identity", ["input"], ["seen"])], "mirror", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, card.to_metadata())
    return bake(model)


def operator(card: ModelCard) -> onnx.ModelProto:
    """The same by ONNX's Resize; only squash, with antialias."""
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [4], [1, *card.size_hw, 3])
    attributes: dict[str, Any] = {
        "mode": OPERATOR[card.interpolation],
        "antialias": 1,
        "exclude_outside": 1,
        "cubic_coeff_a": -0.5,
    }
    nodes = [
        helper.make_node("Resize", ["picture", "", "", "sizes"], ["resized"], **attributes),
        helper.make_node("Cast", ["resized"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["cast"], ["seen"], perm=[0, 3, 1, 2]),
    ]
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, (1, "h", "w", 3))
    seen = helper.make_tensor_value_info("seen", TensorProto.FLOAT, (1, 3, *card.size_hw))
    graph = helper.make_graph(nodes, "operator", [picture], [seen], [sizes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def opened(model: onnx.ModelProto, threads: int) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Open a model; return what runs it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen: NDArray[np.float32] = session.run(None, {"picture": picture[None]})[0]
        return seen

    return run


def measured(card: ModelCard, picture: NDArray[np.uint8], args: argparse.Namespace) -> list[tuple[str, float, float]]:
    """(way, milliseconds, levels from numpy) of every way to prepare a picture for a card."""
    ways = {"numpy": lambda image: to_input(fit(image, card)[None], card), "graph": opened(mirror(card), args.threads)}
    if card.resize == "squash" and card.antialias and card.interpolation in OPERATOR:
        ways["Resize"] = opened(operator(card), args.threads)
    truth = ways["numpy"](picture)
    found = [(name, float(np.abs(run(picture) - truth).max())) for name, run in ways.items()]
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(args.repeats):
        for name, run in ways.items():
            started = time.perf_counter()
            run(picture)
            best[name] = min(best[name], 1000 * (time.perf_counter() - started))
    return [(name, best[name], levels) for name, levels in found]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", default="1080x1920", help="height x width")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    height, width = (int(side) for side in args.picture.split("x"))
    picture = np.random.default_rng(0).integers(0, 2, (height, width, 3), dtype=np.uint8) * np.uint8(255)
    print(f"{args.picture} to {args.size}, {args.threads} threads")
    print(f"  {'':34}{'ms':>8}{'of numpy':>10}{'levels':>8}")
    for resize in get_args(Resize):
        for kernel in get_args(Interpolation):
            card = ModelCard(labels=("a", "b"), size_hw=(args.size, args.size), scale=1.0, interpolation=kernel)
            crop = round(args.size * 8 / 7) if resize == "crop" else None
            rows = measured(replace(card, resize=resize, resize_px=crop), picture, args)
            for name, cost, levels in rows:
                print(f"  {f'{resize}, {kernel}, {name}':34}{cost:8.2f}{cost / rows[0][1]:10.2f}{levels:8.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
