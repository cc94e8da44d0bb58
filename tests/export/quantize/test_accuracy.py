"""What a build costs: counts, flips and an interval, on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.export.pictures import Labelled
from misread.export.quantize.accuracy import cost, right
from misread.runtime.session import SessionOptions
from misread.stats import mcnemar, wilson
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path


def test_flips_are_counted_in_pairs() -> None:
    before = np.array([1, 1, 1, 1, 0, 0, 0, 1, 1, 1], bool)
    after = np.array([1, 0, 0, 0, 1, 0, 0, 1, 1, 1], bool)
    found = cost(before, after, "data/")
    assert (found.float32, found.build) == (wilson(7, 10), wilson(5, 10))
    assert (found.lost, found.gained, found.pictures) == (3, 1, "data/")
    assert found.drop == pytest.approx(20.0)
    assert found.low < 20 < found.high
    assert found.p_value == mcnemar(3, 1)


def test_pictures_are_read_by_the_file_as_it_is(tmp_path: Path) -> None:
    source, measured = plants.planted(tmp_path / "net.onnx", "none", card=False), plants.labelled(40, seed=3)
    assert right(source, measured, plants.CARD, SessionOptions(threads=1)).all()
    wrong = Labelled(pictures=measured.pictures, truth=(measured.truth + 1) % 3, found=40)
    assert not right(source, wrong, plants.CARD, SessionOptions(threads=1)).any()
