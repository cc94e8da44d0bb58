"""The parts that the searches share: blocks, waves, windows of two lengths, pixels of the colour cube."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
import torch
from torch import Tensor

from misread.attack.base import Kind, Norm, Problem, Threat, execute
from misread.attack.query.blocks import frame, levels
from misread.attack.query.cosines import cosines, directions
from misread.attack.query.drive import Place, decide
from misread.attack.query.sparse import DIVISORS, SHRUNK_AT, SparseRs
from misread.attack.query.square_l2 import bump_of, search
from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.attack.selftest.oracle import Instance


def _place(channels: int = 3, height: int = 6, width: int = 9, free: Tensor | None = None) -> Place:
    clean = torch.full((channels, height, width), 0.4, dtype=torch.float64)
    free = torch.ones_like(clean, dtype=torch.bool) if free is None else free
    return Place(clean=clean, free=free, grid=False, stream=torch.Generator().manual_seed(0))


def test_blocks_are_rectangles_in_all_channels_or_in_one() -> None:
    """Never a run of the memory, which would hold one colour plane before it reached the next."""
    place = _place(3, 8, 8)
    for number, level in enumerate(islice(levels(place), 7)):
        blocks = list(level)
        assert len(blocks) == 2**number
        for block in blocks:
            assert int(block.any(0).sum()) == 64 // 2**number
            _top, _left, height, width = frame(block)
            assert height * width == int(block.any(0).sum())
            assert int(block.flatten(1).any(1).sum()) in {1, 3}
        assert torch.stack(blocks).any(1).sum(0).eq(1).all()  # together they are the picture, each pixel once


def test_blocks_keep_to_what_may_change() -> None:
    free = torch.zeros(3, 6, 9, dtype=torch.bool)
    free[1, 2:5, 3] = True
    last = list(next(islice(levels(_place(free=free)), 6, None)))
    assert 1 <= len(last) <= 3
    assert all(bool((block & free).any()) and not bool((block & ~free).any()) for block in last)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_waves_are_orthonormal(size: int) -> None:
    basis = cosines(size)
    torch.testing.assert_close(basis @ basis.T, torch.eye(size, dtype=torch.float64))
    assert torch.allclose(basis[0], torch.full((size,), size**-0.5, dtype=torch.float64))


def test_a_full_level_of_waves_spans_every_image() -> None:
    waves = torch.stack([wave.flatten() for wave in next(directions(_place(3, 6, 5)))])
    torch.testing.assert_close(waves.T @ waves, torch.eye(90, dtype=torch.float64))


def test_the_first_waves_are_the_slowest() -> None:
    place = _place(1, 32, 32)
    first = next(directions(place))
    for wave in first:
        spectrum = cosines(32) @ wave[0] @ cosines(32).T
        assert float(spectrum[:8, :8].square().sum()) == pytest.approx(1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4), (2, 2), (5, 5), (9, 4)])
def test_a_bump_has_length_1_and_two_opposite_halves(height: int, width: int) -> None:
    bump = bump_of(height, width)
    assert bump.shape == (height, width)
    assert float(bump.norm()) == pytest.approx(1)
    half = max(1, height // 2)
    assert (bump[:half] > 0).all()
    assert (bump[half:] < 0).all()
    assert float(bump[:half].max()) == float(bump[(half - 1) // 2, (width - 1) // 2])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (3, 4, 3), (3, 12, 15)])
def test_the_change_keeps_its_length_and_every_query_moves(shape: tuple[int, int, int]) -> None:
    place = _place(*shape)
    run = search(place, 0.3, 40, lambda progress: 0.3 * (1 - progress))
    image, seen = next(run), []
    for _ in range(39):
        assert float((image - place.clean).norm()) == pytest.approx(0.3)
        seen.append(image)
        image = run.send(0.0)
    if math.prod(shape) > 1:
        assert len({tuple(image.flatten().tolist()) for image in seen}) > 20
    with pytest.raises(StopIteration):
        run.send(0.0)


def test_sparse_asks_about_k_pixels_at_corners_of_the_cube_and_never_twice_the_same() -> None:
    asked: list[Tensor] = []

    def model(x: Tensor) -> Tensor:
        asked.append(x)
        return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)

    images = (torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0)) * 255).round() / 255
    images[0, :, 0, :] = 1.0  # already corners
    mask = torch.ones(1, 3, 6, 5, dtype=torch.bool)
    mask[:, 0, 3] = False  # one channel of a row stays
    execute(
        SparseRs(queries=80),
        model,
        images,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm="l0", eps=7),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    queries = asked[1:-1]
    assert len(queries) == 80
    for x in queries:
        changed = (x != images).any(1, keepdim=True)
        assert int(changed.sum()) == 7
        corner = ((x == 0) | (x == 1) | ~mask).all(1, keepdim=True)
        assert corner[changed].all()
        assert torch.equal(x[~mask], images[~mask])
    assert all(not torch.equal(one, other) for one, other in pairwise(queries))


def test_sparse_drifts_where_every_answer_is_the_same(grid_instance: Instance) -> None:
    """A search that refuses ties stands still on the plateaus of a quantised build."""
    asked: list[Tensor] = []

    def model(x: Tensor) -> Tensor:
        asked.append(x)
        return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)

    images = grid_instance.images[:1]
    execute(
        SparseRs(queries=200),
        model,
        images,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm="l0", eps=20),
        generator=torch.Generator().manual_seed(0),
    )
    first, last = (asked[place] != images for place in (1, -2))
    assert int((first & last).sum()) <= 5


def test_a_search_that_forgets_the_mask_is_shown_the_clean_values(grid_instance: Instance) -> None:
    @dataclass(frozen=True)
    class Forgets:
        name: ClassVar[str] = "forgets"
        kind: ClassVar[Kind] = "minimal"
        norms: ClassVar[tuple[Norm, ...]] = ("linf",)

        def propose(self, problem: Problem) -> Tensor:
            def search(place: Place) -> Generator[Tensor, bool, None]:
                yield 2 - place.clean

            return decide(problem, 5, search)

    asked: list[Tensor] = []
    plain = grid_instance.model()

    def model(x: Tensor) -> Tensor:
        asked.append(x)
        return cast("Tensor", plain(x))

    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[:5] = True
    execute(
        Forgets(),
        model,
        grid_instance.images[:1],
        grid_instance.labels[:1],
        threat=Threat(),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert asked[1][0, 0, :5].eq(1).all()
    assert torch.equal(asked[1][0, 0, 5:], grid_instance.images[0, 0, 5:])


def test_sparse_paints_over_where_every_pixel_is_taken() -> None:
    def model(x: Tensor) -> Tensor:
        """Reached where all six values stand at one particular corner."""
        wanted = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
        return torch.stack([torch.full((len(x),), 0.5), 1 - (x.flatten(1) - wanted).abs().sum(1)], 1)

    outcome = execute(
        SparseRs(queries=300),
        model,
        torch.full((1, 1, 2, 3), 51 / 255),
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm="l0", eps=50),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 1
    assert outcome.size[0] == 6


def test_the_schedule_of_exchanges_is_the_papers() -> None:
    assert [round(share * 10_000) for share in SHRUNK_AT] == [50, 200, 500, 1000, 2000, 4000, 6000, 8000]
    assert DIVISORS == (2, 4, 5, 6, 8, 10, 12, 15, 20)


@pytest.mark.parametrize("options", [{"queries": 1}, {"share": 0.0}, {"share": 1.5}, {"share": math.nan}])
def test_options_of_sparse_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"at least 2 queries|part of the changed pixels"):
        SparseRs(**options)
