"""The resize against Pillow, OpenCV and exact fractions, on sizes from 1 to 600."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from misread.card import ModelCard
from misread.errors import InputError
from misread.pixels import fit, placement
from misread.resample import clips_between, height_goes_first, resize
from misread.taps import matrix, resize_weights, taps

UInt8 = NDArray[np.uint8]
LABELS: Final = ("a", "b")
PILLOW: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
MODES: Final = ("squash", "crop", "letterbox")
SOME: Final = 60
THOUSAND: Final = pytest.param(1000, marks=pytest.mark.slow)


def side(rng: np.random.Generator) -> int:
    """From 1 to 600; a fifth at most 8, so that extreme ratios come up."""
    if rng.random() < 0.2:
        return int(rng.integers(1, 9))
    return int(600 ** rng.random()) if rng.random() < 0.5 else int(rng.integers(1, 601))


def noise(rng: np.random.Generator, height: int, width: int) -> UInt8:
    """Values from 0 to 255, or the hardest edges: 0 and 255 alone."""
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return image if rng.random() < 0.5 else np.where(image > 127, 255, 0).astype(np.uint8)


def random_card(rng: np.random.Generator, mode: str, kernel: str) -> ModelCard:
    size = (side(rng), side(rng))
    more: dict[str, Any] = {"resize_px": max(size) + int(rng.integers(0, 40))} if mode == "crop" else {}
    return ModelCard(labels=LABELS, size_hw=size, resize=mode, interpolation=kernel, **more)  # type: ignore[arg-type]


def by_pillow(image: UInt8, card: ModelCard) -> UInt8:
    """Resize as a whole by Pillow, then paste onto grey: a crop hangs over the edges, a letterbox leaves some."""
    size, (top, left) = placement(image.shape[:2], card)
    resized = Image.fromarray(image).resize(size[::-1], PILLOW[card.interpolation])
    canvas = Image.new("RGB", card.size_hw[::-1], (card.pad_level,) * 3)
    canvas.paste(resized, (-left, -top))
    return np.asarray(canvas)


def worst(ours: UInt8, theirs: NDArray[Any]) -> float:
    return float(np.abs(ours.astype(np.float64) - theirs).max())


@pytest.mark.parametrize("count", [SOME, THOUSAND])
@pytest.mark.parametrize("kernel", PILLOW)
def test_the_resize_is_pillows_within_one_level(kernel: str, count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(count):
        image, size = noise(rng, side(rng), side(rng)), (side(rng), side(rng))
        theirs = np.asarray(Image.fromarray(image).resize(size[::-1], PILLOW[kernel]))
        ours = resize(image, size, interpolation=kernel)  # type: ignore[arg-type]
        assert worst(ours, theirs) <= (kernel != "nearest"), (image.shape, size)


@pytest.mark.parametrize("count", [SOME, THOUSAND])
@pytest.mark.parametrize("mode", MODES)
def test_a_prepared_picture_is_pillows_within_one_level(mode: str, count: int) -> None:
    rng = np.random.default_rng(count)
    done = 0
    while done < count:
        kernel = tuple(PILLOW)[done % 3]
        image, card = noise(rng, side(rng), side(rng)), random_card(rng, mode, kernel)
        if np.prod(placement(image.shape[:2], card)[0]) > 600 * 1200:
            continue  # a crop of a narrow strip: Pillow would resize all of it
        assert worst(fit(image, card), by_pillow(image, card)) <= (kernel != "nearest"), (image.shape, card)
        done += 1


@pytest.mark.parametrize("count", [SOME, THOUSAND])
@pytest.mark.parametrize(("kernel", "flag"), [("bilinear", cv2.INTER_LINEAR), ("bicubic", cv2.INTER_CUBIC)])
def test_without_antialias_it_is_opencvs_to_the_nearest_level(kernel: str, flag: int, count: int) -> None:
    # OpenCV in float, since its 8-bit path has weights of 11 bits; a half more or less may round either way.
    rng = np.random.default_rng(count)
    for _ in range(count):
        image, size = noise(rng, side(rng), side(rng)), (side(rng), side(rng))
        theirs = np.clip(cv2.resize(image.astype(np.float32), size[::-1], interpolation=flag), 0, 255)
        ours = resize(image, size, interpolation=kernel, antialias=False)  # type: ignore[arg-type]
        assert worst(ours, theirs) <= 0.53, (image.shape, size)


def covered(size_in: int, size_out: int) -> NDArray[np.float64]:
    """Weights of a mean by covered area, in fractions."""
    weights = np.zeros((size_out, size_in))
    for out in range(size_out):
        low, high = Fraction(out * size_in, size_out), Fraction((out + 1) * size_in, size_out)
        for at in range(int(low), min(size_in, int(high) + 1)):
            weights[out, at] = max(Fraction(0), min(high, Fraction(at + 1)) - max(low, Fraction(at))) / (high - low)
    return weights


def test_area_is_the_mean_of_what_is_covered() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        old, new = int(rng.integers(1, 200)), int(rng.integers(1, 200))
        np.testing.assert_allclose(resize_weights(old, new, "area", True), covered(old, new), atol=1e-6)


@pytest.mark.parametrize("factor", [(2, 2), (3, 5), (8, 1)])
def test_area_by_a_whole_factor_is_pillows_box_and_opencvs_area(factor: tuple[int, int]) -> None:
    image = noise(np.random.default_rng(0), 12 * factor[0], 17 * factor[1])
    ours = resize(image, (12, 17), interpolation="area")
    assert worst(ours, np.asarray(Image.fromarray(image).resize((17, 12), Image.Resampling.BOX))) <= 1
    assert worst(ours, cv2.resize(image, (17, 12), interpolation=cv2.INTER_AREA)) <= 1


@pytest.mark.parametrize("size_hw", [(40, 57), (20, 33), (99, 132), (1, 1)])
def test_area_that_shrinks_is_opencvs(size_hw: tuple[int, int]) -> None:
    image = noise(np.random.default_rng(0), 100, 133)
    theirs = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_AREA)
    assert worst(resize(image, size_hw, interpolation="area"), theirs) <= 1


@pytest.mark.parametrize(
    ("size_hw", "new_hw", "height_first"),
    [
        ((1080, 1920), (224, 224), False),
        ((1920, 1080), (224, 224), False),
        ((1920, 1072), (224, 224), False),  # exactly twice as many
        ((1920, 1071), (224, 224), True),
        ((100, 50), (90, 60), True),
        ((50, 100), (60, 90), False),
        ((50, 50), (50, 60), False),
    ],
)
def test_the_order_of_the_axes_is_pillow_13s(
    size_hw: tuple[int, int], new_hw: tuple[int, int], *, height_first: bool
) -> None:
    assert height_goes_first(size_hw, new_hw) is height_first
    image = noise(np.random.default_rng(1), *size_hw)
    (height, width), steps = new_hw, Image.fromarray(image)
    for step in [(size_hw[1], height), (width, height)] if height_first else [(width, size_hw[0]), (width, height)]:
        steps = steps.resize(step, Image.Resampling.BICUBIC)
    assert worst(resize(image, new_hw, interpolation="bicubic"), np.asarray(steps)) <= 1


def test_only_an_antialiased_bicubic_is_clipped_between_the_axes() -> None:
    asked = [(kernel, antialias) for kernel in (*PILLOW, "area") for antialias in (True, False)]
    clips = [pair for pair in asked if clips_between(pair[0], antialias=pair[1])]  # type: ignore[arg-type]
    assert clips == [("bicubic", True)]


@pytest.mark.parametrize("kernel", [*PILLOW, "area"])
@pytest.mark.parametrize("antialias", [True, False])
def test_a_window_is_a_part_of_the_whole(kernel: Any, *, antialias: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        image, size = noise(rng, side(rng), side(rng)), (side(rng), side(rng))
        tops, lefts = (sorted(int(at) for at in rng.choice(new + 1, 2, replace=False)) for new in size)
        windows = ((tops[0], tops[1]), (lefts[0], lefts[1]))
        part = resize(image, size, interpolation=kernel, antialias=antialias, windows=windows)
        whole = resize(image, size, interpolation=kernel, antialias=antialias)
        assert worst(part, whole[tops[0] : tops[1], lefts[0] : lefts[1]]) <= 1  # sums of another order


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_channel_is_resized_by_itself(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 31, channels), dtype=np.uint8)
    whole = resize(image, (20, 40))
    assert whole.shape == (20, 40, channels)
    for at in range(channels):
        assert worst(whole[..., at : at + 1], resize(image[..., at : at + 1], (20, 40))) <= 1


def test_a_view_of_a_larger_picture_is_resized_as_its_copy() -> None:
    image = noise(np.random.default_rng(0), 60, 80)
    for view in (image[5:50, 7:61], image[::-1], image[:, ::-1], image[..., ::-1], image.transpose(1, 0, 2)):
        assert worst(resize(view, (33, 21)), resize(view.copy(), (33, 21))) <= 1


def test_a_resize_to_the_same_size_is_the_identity_and_a_flat_picture_stays_flat() -> None:
    image = noise(np.random.default_rng(0), 17, 23)
    np.testing.assert_array_equal(resize(image, (17, 23)), image)
    for kernel in (*PILLOW, "area"):
        flat = resize(np.full((31, 17, 3), 77, np.uint8), (224, 9), interpolation=kernel)  # type: ignore[arg-type]
        assert set(np.unique(flat)) == {77}


def test_weights_sum_to_one_and_cannot_be_changed() -> None:
    axis = taps(10, 4, "bilinear", True)
    np.testing.assert_allclose(matrix(axis, 10).sum(axis=1), 1, atol=1e-6)
    assert taps(10, 4, "bilinear", True) is axis
    with pytest.raises(ValueError, match="read-only"):
        axis.weights[0, 0] = 1


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "nearest"])
def test_a_long_and_narrow_picture_takes_no_memory(kernel: Any) -> None:
    strip = np.zeros((4, 400_000, 3), np.uint8)
    card = ModelCard(labels=LABELS, size_hw=(224, 224), interpolation=kernel)
    assert fit(strip, card).shape == (224, 224, 3)
    with pytest.raises(InputError, match=r"a side of 400000 pixels, to be resized to 40000000, is too long and narrow"):
        resize(strip, (400, 40_000_000), interpolation=kernel)
    with pytest.raises(InputError, match="is too long and narrow to be read; cut it"):
        matrix(taps(400_000, 224, "bilinear", True), 400_000)
