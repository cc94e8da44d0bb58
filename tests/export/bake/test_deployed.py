"""A baked build behind `Deployed`: the same readings as of the plain build, from the pictures themselves."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misread.card import ModelCard
from misread.errors import ModelError, OptionError
from misread.export.bake import bake
from misread.runtime.inspect import inspect
from misread.runtime.noise import jitter
from misread.runtime.session import Deployed, SessionOptions
from tests.export.bake.mirror import hard
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

CARD: Final = ModelCard(labels=("red", "green"), size_hw=(8, 8), resize="crop", resize_px=12, interpolation="bicubic")
SIZES: Final = ((20, 30), (9, 8), (20, 30), (8, 8), (64, 13), (9, 8))


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A classifier by the means of two planes, plain and baked."""
    folder = tmp_path_factory.mktemp("builds")
    return built(folder, CARD)


def built(folder: Path, card: ModelCard, batch: int | str = "n") -> tuple[Path, Path]:
    plain = graph(folder / "plain.onnx", shape=(batch, 3, *card.size_hw), metadata=card.to_metadata())
    model = onnx.load(plain)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, (batch, 2)))
    onnx.save(model, plain)
    onnx.save(bake(model), folder / "baked.onnx")
    return plain, folder / "baked.onnx"


def pictures(seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [hard(generator, *size) for size in SIZES]


def test_pictures_of_many_sizes_are_read_in_their_order(builds: tuple[Path, Path]) -> None:
    plain, baked = (Deployed.open(path) for path in builds)
    assert baked.card == replace(CARD, baked_preprocessing=True)
    assert baked.card_sources == ("misread card",)
    np.testing.assert_allclose(baked.read(pictures()).logits, plain.read(pictures()).logits, atol=1 / 255)
    assert baked.read([]).logits.shape == (0, 2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(4, 40), st.integers(4, 40)), min_size=1, max_size=6), st.integers(0, 2**31))
def test_any_pictures_are_read_alike(builds: tuple[Path, Path], sizes: list[tuple[int, int]], seed: int) -> None:
    generator = np.random.default_rng(seed)
    images = [hard(generator, *size) for size in sizes]
    plain, baked = (Deployed.open(path).read(images).logits for path in builds)
    np.testing.assert_allclose(baked, plain, atol=1 / 255)


def test_prepared_pictures_are_not_cropped_again(builds: tuple[Path, Path]) -> None:
    plain, baked = (Deployed.open(path) for path in builds)
    prepared = np.stack([hard(np.random.default_rng(seed), 8, 8) for seed in range(40)])
    np.testing.assert_allclose(baked.read_prepared(prepared).logits, plain.read_prepared(prepared).logits, atol=1e-6)
    assert np.abs(baked.read(list(prepared)).logits - baked.read_prepared(prepared).logits).max() > 0.05


def test_prepared_pictures_of_another_size_are_refused(builds: tuple[Path, Path]) -> None:
    with pytest.raises(OptionError, match=r"a prepared picture is \(8, 8, 3\) uint8 for this model, got \(9, 8, 3\)"):
        Deployed.open(builds[1]).read_prepared(np.zeros((1, 9, 8, 3), np.uint8))


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_filled_and_cut(tmp_path: Path, batch: int) -> None:
    plain, baked = (Deployed.open(path) for path in built(tmp_path, CARD, batch))
    assert baked.fixed_batch == batch
    np.testing.assert_allclose(baked.read(pictures()).logits, plain.read(pictures()).logits, atol=1 / 255)


def test_other_levels_and_threads_say_the_same(builds: tuple[Path, Path]) -> None:
    reference = Deployed.open(builds[1]).read(pictures()).logits
    for options in (SessionOptions(level="disable"), SessionOptions(level="basic"), SessionOptions(threads=2)):
        other = Deployed.open(builds[1], options=options).read(pictures()).logits
        assert jitter("", reference, other).margin < 1e-5


def test_it_is_pickled_and_copied_as_any_build(builds: tuple[Path, Path]) -> None:
    baked = Deployed.open(builds[1])
    for again in (pickle.loads(pickle.dumps(baked)), copy.copy(baked)):  # noqa: S301  our own
        np.testing.assert_array_equal(again.read(pictures()).logits, baked.read(pictures()).logits)


def test_a_card_that_claims_a_front_which_is_not_there_is_refused(tmp_path: Path) -> None:
    path = graph(tmp_path / "m.onnx", metadata=replace(CARD, baked_preprocessing=True).to_metadata())
    with pytest.raises(ModelError, match=r"takes tensor\(float\) .* that it takes pictures \(n, h, w, 3\)"):
        Deployed.open(path)


def test_inspect_says_so_and_knows_the_weights_again(builds: tuple[Path, Path]) -> None:
    from misread.report.text.inspection import inspection_text

    plain, baked = (inspect(path) for path in builds)
    assert baked.weights_sha256 == plain.weights_sha256 != ""
    assert baked.stored == plain.stored
    assert baked.precision == plain.precision
    (entry,) = baked.inputs
    assert (entry.name, entry.dtype, entry.shape) == ("picture", "uint8", ("n", "height", "width", 3))
    assert "the picture itself, uint8 RGB of any size" in inspection_text(baked)
    assert "the picture itself" not in inspection_text(plain)
