"""Two builds with two cards: what differs in effect is named, what differs on paper or by right is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

pytest.importorskip("PIL")

from misread.data import find_samples
from misread.errors import ModelError
from misread.runtime.compare import CompareOptions, Comparison, compare
from misread.runtime.compare.path import compare_cards
from misread.runtime.session import Deployed, FunctionReader
from tests.runtime.compare.builds import CARD, plain, read_in_this_process, write_build
from tests.runtime.compare.foreign import write_scenes

if TYPE_CHECKING:
    from pathlib import Path

    from misread.card import ModelCard


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards are what is looked at here."""
    read_in_this_process(monkeypatch)


def run(tmp_path: Path, folder: Path, a: ModelCard, b: ModelCard, **more: Any) -> Comparison:
    one = Deployed.open(write_build(tmp_path / "a.onnx", a))
    other = Deployed.open(write_build(tmp_path / "b.onnx", b, **more))
    return compare(one, other, CompareOptions(data=folder, noise_pictures=1))


def named(found: Comparison) -> list[tuple[str, str]]:
    return [(change.stage, change.found) for change in found.paths[0].culprits]


PLANTED: Final[tuple[tuple[str, dict[str, Any], list[tuple[str, str]]], ...]] = (
    ("bgr", {"colour": "bgr"}, [("colour", "bgr")]),
    ("no antialias", {"antialias": False}, [("antialias", "off")]),
    ("bicubic", {"interpolation": "bicubic"}, [("kernel", "bicubic")]),
    ("crop fraction", {"resize_px": 80}, [("crop", "crop from 80 px")]),
    ("squash for crop", {"resize": "squash", "resize_px": None}, [("resize", "squash")]),
    ("letterbox for crop", {"resize": "letterbox", "resize_px": None}, [("resize", "letterbox on 114")]),
    ("0..255 for 0..1", {"scale": 1.0}, [("scale", "0..255")]),
    ("wrong std", {"std": (0.3, 0.3, 0.3)}, [("std", "0.3")]),
    ("wrong mean", {"mean": (0.5, 0.5, 0.5)}, [("mean", "0.5")]),
    ("bgr and wrong std", {"colour": "bgr", "std": (0.3, 0.3, 0.3)}, [("colour", "bgr"), ("std", "0.3")]),
    ("squash, bicubic", {"resize": "squash", "resize_px": None, "interpolation": "bicubic"},
     [("resize", "squash"), ("kernel", "bicubic")]),
)  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
@pytest.mark.parametrize("noise", [0.0, 0.02], ids=["same weights", "other precision"])
def test_a_wrong_card_is_named_and_nothing_else(
    tmp_path: Path, folder: Path, changed: dict[str, Any], expected: list[tuple[str, str]], noise: float
) -> None:
    found = run(tmp_path, folder, CARD, replace(CARD, **changed), noise=noise)
    assert named(found) == expected, found.sentence
    assert found.paths[0].culprits[0].text in found.sentence
    assert all(effect.levels.mean > 0.3 for effect in found.paths[0].effects)


@pytest.mark.parametrize("noise", [0.0, 0.02], ids=["same weights", "other precision"])
def test_a_clean_pair_has_no_culprit(tmp_path: Path, folder: Path, noise: float) -> None:
    found = run(tmp_path, folder, CARD, CARD, noise=noise)
    assert found.paths[0].effects == ()
    said = "the model, not the path, is the difference" if noise else "their outputs agree up to noise"
    assert said in found.sentence


def test_the_same_arithmetic_in_other_fields_is_the_same(tmp_path: Path, folder: Path) -> None:
    other = replace(CARD, scale=1.0, mean=tuple(255 * m for m in CARD.mean), std=tuple(255 * s for s in CARD.std))
    found = run(tmp_path, folder, CARD, other)
    assert found.paths[0].effects == ()
    assert found.agreement.share == 1


def test_a_graph_that_normalises_by_itself_is_fed_right(tmp_path: Path, folder: Path) -> None:
    found = run(tmp_path, folder, CARD, plain(CARD), inside=CARD)
    assert found.agreement.share == 1
    assert named(found) == []
    assert {effect.change.stage for effect in found.paths[0].effects} == {"scale", "mean", "std"} or found.paths[
        0
    ].effects
    assert all("each model needs its own" in effect.why for effect in found.paths[0].effects)
    assert "their outputs agree up to noise" in found.sentence


def test_beside_a_difference_by_right_a_mistake_is_named(tmp_path: Path, folder: Path) -> None:
    found = run(tmp_path, folder, CARD, replace(plain(CARD), colour="bgr", antialias=False), inside=CARD)
    assert named(found) == [("antialias", "off"), ("colour", "bgr")], found.sentence


def test_models_of_other_sizes_are_compared_without_blame(tmp_path: Path, folder: Path) -> None:
    found = run(tmp_path, folder, CARD, replace(CARD, size_hw=(128, 128), resize_px=144))
    assert named(found) == []
    (effect,) = found.paths[0].effects
    assert (effect.change.stage, effect.why) == ("size", "the models take different sizes")
    wrong = run(tmp_path, folder, CARD, replace(CARD, size_hw=(128, 128), resize_px=144, colour="bgr"))
    assert named(wrong) == [("colour", "bgr")]


def test_grey_and_colour_are_compared_without_blame(folder: Path) -> None:
    grey = replace(CARD, colour="grey", mean=(0.5,), std=(0.5,))
    found = compare_cards(CARD, grey, find_samples(folder, CARD.labels), what="x")
    assert found.culprits == ()
    assert [effect.change.stage for effect in found.effects] == ["colour"]


def test_a_reader_that_is_no_build_is_tried_before_its_input(folder: Path) -> None:
    def means(prepared: Any) -> Any:
        return prepared[:, ::3, ::5].reshape(len(prepared), -1, 3).std(axis=1)

    card = replace(CARD, labels=("a", "b", "c"))
    one, other = (
        FunctionReader(card, means, name="one"),
        FunctionReader(replace(card, antialias=False), means, name="other"),
    )
    found = compare(one, other, CompareOptions(data=folder))
    assert named(found) == [("antialias", "off")]


def test_what_the_cards_word_differently_and_pictures_cannot_show_is_said(tmp_path: Path, folder: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    from PIL import Image

    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.convert("L").convert("RGB").save(flat / path.name)
    even = replace(CARD, mean=(0.5,) * 3, std=(0.5,) * 3)
    found = run(tmp_path, flat, even, replace(even, colour="bgr"))
    assert named(found) == []
    assert found.paths[0].unseen == ("colour order: the pictures are grey",)


def test_a_build_fed_by_another_card_is_the_same_session(tmp_path: Path) -> None:
    build = Deployed.open(write_build(tmp_path / "a.onnx"))
    picture = np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    before = build.read_prepared(picture).logits
    turned = replace(CARD, colour="bgr", mean=CARD.mean[::-1], std=CARD.std[::-1])
    swapped = build.fed_by(turned)
    assert swapped.session is build.session
    assert (swapped.card, swapped.name) == (turned, build.name)
    assert not np.allclose(swapped.read_prepared(picture).logits, before)
    np.testing.assert_array_equal(build.read_prepared(picture).logits, before)
    with pytest.raises(ModelError, match="takes"):
        build.fed_by(replace(CARD, size_hw=(32, 32), resize_px=40))
