"""A baked build under attack: gradients from the network behind its front, answers from the whole file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import pytest

from misread.attack.options import AttackOptions
from misread.attack.run import attack_to_bundle
from misread.attack.subject import card_of
from misread.attack.surrogate import load_surrogate_origin
from misread.attack.threat import Threat
from misread.bundle import read_bundle
from misread.card import ModelCard
from misread.errors import ModelError
from misread.export.bake import bake
from misread.flags import CardFlags
from misread.pixels import write_png
from misread.runtime.verdict import Verdict
from misread.runtime.verify import VerifyOptions, verify
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

    from misread.attack.space import Space

CARD: Final = ModelCard(labels=("red", "green"), size_hw=(8, 8), resize="crop", resize_px=12)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The same classifier plain and baked, and two pictures that are a little more red than green."""
    plain = graph(tmp_path / "plain.onnx", metadata=CARD.to_metadata())
    model = onnx.load(plain)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ("n", 2)))
    onnx.save(bake(model), tmp_path / "baked.onnx")
    for name, red in (("a", 104), ("b", 105)):
        pixels = np.full((16, 20, 3), 100, np.uint8)
        pixels[..., 0] = red
        (tmp_path / "data" / "red").mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "data" / "red" / f"{name}.png", pixels)
    return tmp_path


@pytest.mark.parametrize("space", ["input", "file"])
@pytest.mark.parametrize("attack", ["apgd", "square"])
def test_what_is_found_holds_on_the_baked_and_on_the_plain_build(place: Path, space: Space, attack: str) -> None:
    result = attack_to_bundle(
        AttackOptions(
            origin=str(place / "baked.onnx"),
            out=place / "bundle",
            data=place / "data",
            threat=Threat(eps=8 / 255),
            attack=attack,
            space=space,
        )
    )
    assert (result.found.hits, result.found.total) == (2, 2)
    assert read_bundle(place / "bundle").card == CARD
    assert {picture.prepared for picture in result.bundle.witnesses} == {space == "input"}
    both = (place / "baked.onnx", place / "plain.onnx")
    for build in verify(VerifyOptions(bundle=place / "bundle", builds=both)).builds:
        assert [one.verdict for one in build.judgements] == [Verdict.VERIFIED] * 2


def test_the_network_behind_the_front_is_what_gives_gradients(place: Path) -> None:
    twins = [load_surrogate_origin(place / name) for name in ("baked.onnx", "plain.onnx")]
    assert twins[0].origin.card == twins[1].origin.card
    assert card_of(place / "baked.onnx", CardFlags()).card == CARD


def test_a_front_that_is_not_there_is_said(place: Path) -> None:
    path = graph(place / "odd.onnx", metadata=replace(CARD, baked_preprocessing=True).to_metadata())
    with pytest.raises(ModelError, match="preprocessing is baked in, but the graph has no such part"):
        load_surrogate_origin(path)
