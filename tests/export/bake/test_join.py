"""Putting a front before a build, and taking it off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from misread.card import ModelCard
from misread.errors import ModelError
from misread.export.bake import bake, is_baked, strip
from misread.export.onnx_file import read_metadata, read_model
from misread.pixels import fit, to_input
from tests.export.bake.mirror import mirror, opened, seen

if TYPE_CHECKING:
    from pathlib import Path

SQUASH: Final = ModelCard(labels=("a", "b"), size_hw=(12, 10))
CROP: Final = replace(SQUASH, resize="crop", resize_px=20, interpolation="bicubic")


def values(session: Any, name: str) -> Any:
    return next(entry for entry in session if entry.name == name)


def alike(one: onnx.ModelProto, other: onnx.ModelProto) -> bool:
    """Tell whether two models are the same but for the order of their metadata."""
    said, bare = [read_metadata(model) for model in (one, other)], [onnx.ModelProto(), onnx.ModelProto()]
    for copy, model in zip(bare, (one, other), strict=True):
        copy.CopyFrom(model)
        copy.ClearField("metadata_props")
    return said[0] == said[1] and bare[0].SerializeToString() == bare[1].SerializeToString()


@pytest.mark.parametrize("card", [SQUASH, CROP])
@pytest.mark.parametrize("batch", ["batch", "n", 1, 3])
def test_what_was_baked_comes_off_to_the_last_byte(card: ModelCard, batch: int | str) -> None:
    before = mirror(card, batch=batch)
    kept = before.SerializeToString()
    baked = bake(before)
    assert before.SerializeToString() == kept
    assert not is_baked(before)
    assert is_baked(baked)
    assert alike(strip(baked), before)


def test_it_comes_off_where_another_tool_removed_the_types_between() -> None:
    before = mirror(CROP, batch=3)
    baked = bake(before)
    baked.graph.ClearField("value_info")
    assert alike(strip(baked), before)


@pytest.mark.parametrize("opset", [15, 18, 20, 23])
def test_a_baked_build_is_valid_onnx_of_the_same_opset(opset: int) -> None:
    for card in (SQUASH, CROP):
        baked = bake(mirror(card, opset=opset))
        onnx.checker.check_model(baked, full_check=True)
        assert [(entry.domain, entry.version) for entry in baked.opset_import] == [("", opset)]
        picture = np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)
        expected = to_input(fit(picture, card)[None], card)
        assert np.abs(seen(opened(baked), picture) - expected).max() <= 1 / 255 + 1e-6


def test_the_picture_is_of_any_size_and_the_batch_is_that_of_the_network() -> None:
    for batch, wanted in (("batch", "batch"), (4, 4)):
        (entry,) = opened(bake(mirror(CROP, batch=batch))).get_inputs()
        assert (entry.name, entry.type, entry.shape) == ("picture", "tensor(uint8)", [wanted, "height", "width", 3])


def test_a_fixed_batch_runs() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 30, 41, 3), dtype=np.uint8)
    made = seen(opened(bake(mirror(SQUASH, batch=2))), *pictures)
    expected = to_input(np.stack([fit(picture, SQUASH) for picture in pictures]), SQUASH)
    assert np.abs(made - expected).max() <= 1 / 255 + 1e-6


def test_metadata_of_others_stay_and_tell_how_the_picture_is_fed() -> None:
    card = replace(SQUASH, colour="bgr", scale=1.0)
    metadata = read_metadata(bake(mirror(card)))
    assert ModelCard.from_metadata(metadata) == replace(card, baked_preprocessing=True)
    assert metadata["author"] == "a test"
    assert metadata.keys() == {"misread.card", "misread.labels_sha256", "author"}


def test_an_exported_classifier_reads_pictures(exported: Path) -> None:
    plain = read_model(exported)
    card = ModelCard.from_metadata(read_metadata(plain))
    assert card is not None
    picture = np.random.default_rng(0).integers(0, 256, (50, 33, 3), dtype=np.uint8)
    expected = opened(plain).run(None, {"input": to_input(fit(picture, card)[None], card)})[0]
    np.testing.assert_allclose(seen(opened(bake(plain)), picture), expected, atol=0.05)


def without_card(model: onnx.ModelProto) -> None:
    model.ClearField("metadata_props")


def in_bytes(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def flat(model: onnx.ModelProto) -> None:
    del model.graph.input[0].type.tensor_type.shape.dim[2:]


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, (1,)))


@pytest.mark.parametrize("change", [without_card, in_bytes, flat, second_input])
def test_what_cannot_be_baked_is_refused(change: Any) -> None:
    model = mirror(SQUASH)
    change(model)
    with pytest.raises(ModelError, match=r"a build with a card and one float32 input \(n, c, h, w\), once"):
        bake(model)


def test_nothing_is_baked_twice() -> None:
    with pytest.raises(ModelError, match="once"):
        bake(bake(mirror(SQUASH)))


def test_an_old_opset_is_refused() -> None:
    with pytest.raises(ModelError, match="baking needs opset 15 or later, the model has 14; export it again"):
        bake(mirror(SQUASH, opset=14))


@pytest.mark.parametrize("name", ["picture", "prepared", "misread.bake/1_Shape"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    model = mirror(SQUASH)
    model.graph.node[0].output[0] = model.graph.output[0].name = name
    with pytest.raises(ModelError, match=f"the graph uses the name '{name}' already"):
        bake(model)


def test_a_card_that_claims_a_front_which_is_not_there_is_refused() -> None:
    with pytest.raises(ModelError, match="the graph has no such part; export it again"):
        strip(mirror(replace(SQUASH, baked_preprocessing=True)))
