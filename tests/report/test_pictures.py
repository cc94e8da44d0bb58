from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misread.errors import OptionError
from misread.pixels import decode_image
from misread.report import pictures


def test_the_difference_is_signed_and_amplified_around_grey() -> None:
    clean = np.full((1, 3, 3), 100, np.uint8)
    changed = clean + np.array([0, 2, 0], np.uint8)[None, :, None]
    changed[0, 2] -= 2
    assert pictures.difference(clean, changed, 40)[0, :, 0].tolist() == [127, 207, 47]


@given(st.integers(0, 255), st.integers(0, 255))
def test_the_chosen_factor_never_clips_unless_it_is_one(a: int, b: int) -> None:
    clean, changed = np.full((1, 1, 3), a, np.uint8), np.full((1, 1, 3), b, np.uint8)
    factor = pictures.amplification(clean, changed)
    assert factor == 1 or factor * abs(a - b) <= pictures.MID_GREY + 1
    shown = int(pictures.difference(clean, changed, factor)[0, 0, 0]) - pictures.MID_GREY
    assert np.sign(shown) == np.sign(b - a)


def test_a_difference_of_unlike_pictures_is_refused() -> None:
    with pytest.raises(OptionError, match="one size"):
        pictures.difference(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8), 2)
    with pytest.raises(OptionError, match="1 or more"):
        pictures.difference(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8), 0)


def test_uris_hold_the_picture() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(decode_image(base64.b64decode(pictures.png_uri(image).split(",")[1]), "uri"), image)
    film = decode_image(base64.b64decode(pictures.film_uri(image).split(",")[1]), "uri")
    assert film.shape == image.shape


def test_thumbnails_shrink_and_never_grow() -> None:
    assert pictures.thumbnail(np.zeros((300, 100, 3), np.uint8), 60).shape == (60, 20, 3)
    small = np.zeros((30, 10, 3), np.uint8)
    assert pictures.thumbnail(small, 60) is small


def test_a_large_figure_becomes_a_fine_jpeg_and_a_small_one_stays_exact() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 480, 3)).astype(np.uint8)
    assert pictures.figure_uri(noise).startswith("data:image/jpeg;")
    small = noise[:200, :200]
    assert pictures.figure_uri(small) == pictures.png_uri(small)
    assert len(pictures.list_uri(small)) < len(pictures.png_uri(small)) / 2


def test_single_values_are_taken_where_a_mean_would_drown_them() -> None:
    board = np.indices((128, 96)).sum(axis=0) % 2 * 255
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    taken = pictures.sampled(image, 64)
    assert taken.shape == pictures.thumbnail(image, 64).shape == (64, 48, 3)
    assert set(np.unique(taken)) <= {0, 255}
    assert np.array_equal(pictures.sampled(image, 200), image)
