"""Attacking what reads: a function, and an ONNX file in onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from misread.attack.base import Threat, execute
from misread.attack.gradient.pgd import Pgd
from misread.attack.query.reader import ReaderModel
from misread.attack.query.square import Square
from misread.card import ModelCard
from misread.errors import InputError, OptionError
from misread.runtime.session import Deployed, FunctionReader, SessionOptions
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.session import Reader


def _pictures(levels: tuple[int, int, int], count: int = 2) -> torch.Tensor:
    return (torch.tensor(levels) / 255).view(1, 3, 1, 1).expand(count, 3, 8, 8).contiguous()


def _attack(reader: Reader, images: torch.Tensor, levels: int) -> tuple[int, torch.Tensor]:
    outcome = execute(
        Square(queries=600),
        ReaderModel(reader),
        images,
        torch.zeros(len(images), dtype=torch.int64),
        threat=Threat(eps=levels / 255),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.attempted == len(images)
    assert int(outcome.forwards.max()) <= 600
    return outcome.found, outcome.images


def test_a_function_is_attacked_through_its_readings(brightness: FunctionReader) -> None:
    """The mean is 120: 7.5 levels are missing, and a search gets there with 9."""
    found, images = _attack(brightness, _pictures((120, 120, 120)), 9)
    assert found == 2
    pictures = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert brightness.read_prepared(pictures).labels == ("bright", "bright")
    assert _attack(brightness, _pictures((120, 120, 120)), 7)[0] == 0


@pytest.mark.parametrize("batch", ["n", 1])
def test_an_onnx_file_itself_is_attacked(tmp_path: Path, batch: str | int) -> None:
    """Red leads green by 10 levels: 5 each are a tie and count for nothing, 6 are enough."""
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    path = graph(tmp_path / "m.onnx", shape=(batch, 3, 8, 8))
    build = Deployed.open(path, card=card, options=SessionOptions(threads=1))
    found, images = _attack(build, _pictures((110, 100, 50)), 6)
    assert found == 2
    written = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert build.read(list(written)).labels == ("green", "green")
    assert _attack(build, _pictures((110, 100, 50)), 4)[0] == 0


def test_the_logits_are_the_readers_own(brightness: FunctionReader) -> None:
    levels = torch.arange(2 * 3 * 64).view(2, 3, 8, 8) % 256
    expected = brightness.read_prepared(levels.permute(0, 2, 3, 1).numpy().astype(np.uint8)).logits
    x = levels / 255
    for moved in (x, x + 0.4 / 255, (x - 0.4 / 255).double()):  # below half a level nothing moves
        np.testing.assert_array_equal(ReaderModel(brightness)(moved).numpy(), expected)


def test_grey_pictures_reach_a_reader_as_three_equal_planes(brightness: FunctionReader) -> None:
    x = torch.full((1, 1, 8, 8), 200 / 255)
    assert torch.equal(ReaderModel(brightness)(x), ReaderModel(brightness)(x.expand(1, 3, 8, 8)))


def test_a_gradient_is_refused(brightness: FunctionReader) -> None:
    with pytest.raises(OptionError, match=r"brightness gives answers and no gradients; .* such as square"):
        execute(
            Pgd(steps=1),
            ReaderModel(brightness),
            _pictures((120, 120, 120)),
            torch.zeros(2, dtype=torch.int64),
            threat=Threat(eps=8 / 255),
            generator=torch.Generator().manual_seed(0),
        )


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 4, 8, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...], brightness: FunctionReader) -> None:
    with pytest.raises(InputError, match=r"expected pictures \(n, 3, h, w\)"):
        ReaderModel(brightness)(torch.zeros(shape))
