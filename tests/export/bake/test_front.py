"""What the graph makes of a picture, against the numpy path and against Pillow, in levels of 255."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
import pytest
from PIL import Image

from misread.card import Interpolation, ModelCard, Resize
from misread.pixels import fit, to_input
from tests.export.bake.mirror import front_of, hard, mirror, opened, seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS: Final = ModelCard(labels=("a", "b"), size_hw=(24, 17), scale=1.0)
LEVEL_NAMES: Final = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")
SIZES: Final = ((24, 17), (33, 40), (96, 96))
PICTURES: Final = 16
"""Of each output size; with 24 ways to prepare a picture that makes 1,152 random sizes."""


def ways() -> list[ModelCard]:
    return [
        replace(LEVELS, resize=resize, interpolation=kernel, antialias=antialias)
        for resize in get_args(Resize)
        if resize != "crop"
        for kernel in get_args(Interpolation)
        for antialias in (True, False)
    ] + [
        replace(LEVELS, resize="crop", resize_px=24, interpolation=kernel, antialias=antialias)
        for kernel in get_args(Interpolation)
        for antialias in (True, False)
    ]


def name_of(card: ModelCard) -> str:
    return f"{card.resize}-{card.interpolation}-{'antialias' if card.antialias else 'plain'}"


def of_size(card: ModelCard, size_hw: tuple[int, int], extra: int) -> ModelCard:
    return replace(card, size_hw=size_hw, resize_px=max(size_hw) + extra if card.resize == "crop" else None)


def sized(generator: np.random.Generator, size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return a random size, now and then with a side that is the input's own, and seldom a long and narrow one."""
    height, width = (int(side) for side in generator.integers(1, 200, 2))
    kind = generator.integers(0, 8)
    return ((height, size_hw[1]), (size_hw[0], width), (height, 900))[kind] if kind < 3 else (height, width)


def difference(made: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(made - expected).max())


@pytest.mark.parametrize("way", ways(), ids=name_of)
def test_every_way_is_numpys_within_one_level_at_random_sizes(way: ModelCard) -> None:
    generator = np.random.default_rng(sum(name_of(way).encode()))
    for size_hw in SIZES:
        card = of_size(way, size_hw, int(generator.integers(0, 30)))
        session = front_of(card)
        for _ in range(PICTURES):
            picture = hard(generator, *sized(generator, size_hw))
            made = seen(session, picture)
            expected = to_input(fit(picture, card)[None], card)
            assert made.shape == expected.shape
            assert difference(made, expected) <= (0 if card.interpolation == "nearest" else 1), picture.shape
            assert (made != expected).mean() < 0.05


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "nearest"])
def test_the_resize_is_pillows_within_one_level(kernel: str) -> None:
    generator = np.random.default_rng(3)
    resample = Image.Resampling[kernel.upper()]
    session = front_of(replace(LEVELS, interpolation=kernel))  # type: ignore[arg-type]
    for _ in range(60):
        picture = hard(generator, *sized(generator, LEVELS.size_hw))
        theirs = np.asarray(Image.fromarray(picture).resize(LEVELS.size_hw[::-1], resample))
        made = seen(session, picture)[0].transpose(1, 2, 0)
        assert difference(made, theirs.astype(np.float32)) <= 1, picture.shape


@pytest.mark.parametrize("resize", get_args(Resize))
def test_photographs_of_a_phone_become_the_input_of_a_network(resize: Any) -> None:
    card = replace(LEVELS, size_hw=(224, 224), resize=resize, resize_px=256 if resize == "crop" else None)
    session = front_of(card)
    for shape in ((1080, 1920), (1920, 1080)):
        picture = hard(np.random.default_rng(0), *shape)
        assert difference(seen(session, picture), to_input(fit(picture, card)[None], card)) <= 1


@pytest.mark.parametrize("way", [ways()[0], ways()[8], ways()[-8], ways()[-6]], ids=name_of)
@pytest.mark.parametrize("shape", [(4, 20_000), (20_000, 4), (1, 1)])
def test_a_picture_may_be_long_and_narrow(way: ModelCard, shape: tuple[int, int]) -> None:
    picture = hard(np.random.default_rng(7), *shape)
    assert difference(seen(front_of(way), picture), to_input(fit(picture, way)[None], way)) <= 1


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        {"colour": "bgr", "scale": 1.0, "mean": (104.0, 117.0, 123.0)},
        {"colour": "grey", "scale": 1 / 255, "mean": (0.1307,), "std": (0.3081,)},
        {"colour": "grey", "scale": 1 / 127.5, "mean": (1.0,), "std": (1.0,)},
        {"scale": 1 / 128, "std": (2.0, 3.0, 0.5)},
    ],
)
def test_colour_order_and_normalisation_are_to_input_to_the_bit(changed: dict[str, Any]) -> None:
    card = replace(LEVELS, interpolation="nearest", **changed)
    picture = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(seen(front_of(card), picture), to_input(fit(picture, card)[None], card))


def test_every_grey_is_the_grey_of_to_input() -> None:
    """The largest sum, of white, is 2^24 less 32768: the last whole numbers that float32 holds."""
    card = replace(LEVELS, size_hw=(64, 64), colour="grey", mean=(0.0,), std=(1.0,))
    session, generator = front_of(card), np.random.default_rng(2)
    for picture in (np.full((64, 64, 3), 255, np.uint8), generator.integers(0, 256, (64, 64, 3), dtype=np.uint8)):
        np.testing.assert_array_equal(seen(session, picture), to_input(picture[None], card))


@pytest.mark.parametrize("way", [ways()[0], ways()[2], ways()[8], ways()[-8]], ids=name_of)
def test_a_batch_is_its_pictures_one_by_one(way: ModelCard) -> None:
    session, generator = front_of(way), np.random.default_rng(4)
    pictures = [hard(generator, 70, 45) for _ in range(3)]
    singly = np.concatenate([seen(session, picture) for picture in pictures])
    np.testing.assert_allclose(seen(session, *pictures), singly, atol=1e-4)


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_a_prepared_picture_is_not_cropped_again_at_any_level(level: str) -> None:
    from misread.export.bake import bake

    card = replace(LEVELS, resize="crop", resize_px=40, interpolation="bicubic")
    session, generator = opened(bake(mirror(card)), level), np.random.default_rng(5)
    picture = generator.integers(0, 256, (*card.size_hw, 3), dtype=np.uint8)
    np.testing.assert_array_equal(seen(session, picture, prepared=True), to_input(picture[None], card))
    cropped = to_input(fit(picture, card)[None], card)
    assert difference(seen(session, picture), cropped) <= 1
    assert difference(cropped, to_input(picture[None], card)) > 20
    assert [entry.name for entry in session.get_inputs()] == ["picture"]
    assert [entry.name for entry in session.get_overridable_initializers()] == ["prepared"]


@pytest.mark.parametrize("resize", ["squash", "letterbox"])
def test_where_nothing_is_cropped_a_prepared_picture_stays_what_it_is(resize: Any) -> None:
    for way in (way for way in ways() if way.resize == resize):
        picture = np.random.default_rng(6).integers(0, 256, (*way.size_hw, 3), dtype=np.uint8)
        session = front_of(way)
        np.testing.assert_array_equal(seen(session, picture), to_input(picture[None], way))
        assert session.get_overridable_initializers() == []
