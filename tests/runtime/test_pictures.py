"""Pictures of several sizes, put together for builds that prepare them."""

from __future__ import annotations

import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime import pictures
from misread.runtime.pictures import by_size


def blank(height: int, width: int, level: int = 0) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_pictures_of_one_size_go_together_and_keep_their_numbers() -> None:
    images = [blank(4, 5, 0), blank(5, 4, 1), blank(4, 5, 2), blank(4, 5, 3), blank(5, 4, 4)]
    found = list(by_size(images, 2))
    assert [numbers for numbers, _ in found] == [[0, 2], [3], [1, 4]]
    for numbers, stack in found:
        assert stack[:, 0, 0, 0].tolist() == numbers
        assert stack.shape[1:] == images[numbers[0]].shape


def test_a_call_has_so_many_pixels_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_CALL_PIXELS", 50)
    assert [len(stack) for _, stack in by_size([blank(4, 5)] * 5, 32)] == [2, 2, 1]
    assert [len(stack) for _, stack in by_size([blank(10, 10)] * 2, 32)] == [1, 1]
    assert list(by_size([], 32)) == []


@pytest.mark.parametrize("odd", [np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8), np.zeros((4, 5, 3))])
def test_what_is_no_picture_is_refused(odd: np.ndarray) -> None:
    with pytest.raises(OptionError, match=r"a picture is \(height, width, 3\) uint8 RGB, got \(4, 5"):
        list(by_size([blank(4, 5), odd], 32))
