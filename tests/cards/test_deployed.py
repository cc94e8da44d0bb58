from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from misread.card import CARD_KEY, ModelCard
from misread.cards import GIVEN, GRAPH, OWN
from misread.errors import ModelError
from misread.runtime.session import Deployed

OTHERS = {"names": "{0: 'dark', 1: 'bright'}", "task": "classify", "author": "Ultralytics", "imgsz": "[8, 8]"}


def classifier(folder: Path, metadata: dict[str, str]) -> Path:
    """Two outputs: the mean of the picture, and one half; 8x8 RGB."""
    graph = onnx.parser.parse_graph("""
        g (float[n, 3, 8, 8] input) => (float[n, 2] output)
        <int64[3] axes = {1, 2, 3}, float[1] half = {0.5}, int64[2] flat = {-1, 1}>
        {
            mean = ReduceMean <keepdims = 1> (input, axes)
            bright = Reshape (mean, flat)
            zero = Sub (bright, bright)
            dark = Add (zero, half)
            output = Concat <axis = 1> (dark, bright)
        }""")
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.helper.set_model_props(model, metadata)
    path = folder / "net.onnx"
    onnx.save_model(model, path)
    return path


def test_a_file_by_others_opens_without_flags(tmp_path: Path) -> None:
    deployed = Deployed.open(classifier(tmp_path, OTHERS))
    assert deployed.card_sources == ("ultralytics keys",)
    assert (deployed.card.labels, deployed.card.size_hw, deployed.card.output) == (
        ("dark", "bright"),
        (8, 8),
        "probabilities",
    )


def test_flags_fill_what_a_file_leaves_open(tmp_path: Path, card: ModelCard) -> None:
    path = classifier(tmp_path, {"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"})
    with pytest.raises(ModelError, match=r"add --labels FILE, --resize squash .*, --output"):
        Deployed.open(path)
    deployed = Deployed.open(path, card=card)
    assert deployed.card_sources == ("ONNX image keys", GRAPH, GIVEN)
    assert (deployed.card.colour, deployed.card.scale) == ("bgr", 1.0)


def test_misread_s_own_card_and_flags_alone(tmp_path: Path, card: ModelCard) -> None:
    own = card.to_metadata()
    assert Deployed.open(classifier(tmp_path, OTHERS | {CARD_KEY: own[CARD_KEY]})).card_sources == (OWN,)
    assert Deployed.open(classifier(tmp_path, {}), card=card).card_sources == (GIVEN,)
    with pytest.raises(ModelError, match="carries no card"):
        Deployed.open(classifier(tmp_path, {"unknown": "key"}))
