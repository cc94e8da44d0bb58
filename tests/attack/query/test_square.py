"""Square against the closed form: finds with room to spare, never outside, never over its budget."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal

import pytest
import torch
from torch import Tensor

from misread.attack.base import Outcome, Targeted, Threat, execute
from misread.attack.query import QUERY_ATTACKS
from misread.attack.query.square import HALVED_AT, Square, _windows, share_of
from misread.attack.selftest.oracle import Instance, two_class
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _run(attack: Square, instance: Instance, rows: Sequence[int], threat: Threat, seed: int = 1) -> Outcome:
    picked = list(rows)
    return execute(
        attack,
        instance.model(3.0),
        instance.images[picked],
        instance.labels[picked],
        threat=threat,
        generator=torch.Generator().manual_seed(seed),
    )


def test_finds_nine_of_ten_at_half_more_than_the_optimum_and_none_below_it(
    instance: Instance, optima: dict[str, Tensor]
) -> None:
    """97 % at 5,000 queries is what the reference code is measured at; here the images have at least this room."""
    eps = 0.045
    inside = (optima["linf"] * 1.5 <= eps).nonzero().flatten().tolist()
    outside = (optima["linf"] * 0.98 >= eps).nonzero().flatten().tolist()
    assert len(inside) >= 20
    assert len(outside) >= 5
    outcome = _run(Square(queries=3000), instance, inside + outside, Threat(eps=eps, levels=None))
    assert outcome.attempted == len(inside) + len(outside)
    assert int(outcome.success[: len(inside)].sum()) >= 0.9 * len(inside)
    assert not outcome.success[len(inside) :].any()
    assert (outcome.size[outcome.success] <= eps * (1 + 1e-5)).all()


@pytest.mark.parametrize(("factor", "found"), [(1.5, 1), (0.98, 0)])
def test_one_image_at_its_own_budget(factor: float, found: int, instance: Instance, optima: dict[str, Tensor]) -> None:
    eps = float(optima["linf"][0]) * factor
    assert _run(Square(queries=3000), instance, [0], Threat(eps=eps, levels=None)).found == found


def test_seven_and_a_half_levels_need_eight() -> None:
    instance = two_class(7.5)
    found = _run(Square(queries=500), instance, [0], Threat(eps=8 / 255))
    assert found.found == 1
    assert float(found.size[0]) == pytest.approx(8 / 255)
    assert _run(Square(queries=500), instance, [0], Threat(eps=7 / 255)).found == 0


@pytest.mark.parametrize("levels", [256, None])
@pytest.mark.parametrize(("queries", "restarts"), [(2, 1), (3, 1), (50, 1), (50, 4), (131, 1)])
def test_the_budget_is_spent_and_never_exceeded(levels: Literal[256] | None, queries: int, restarts: int) -> None:
    """The passes are counted at the model, each image by its own first pixel, which the mask keeps."""
    seen = torch.zeros(3, dtype=torch.int64)

    def model(x: Tensor) -> Tensor:
        seen.index_add_(0, (x[:, 0, 0, 0] * 255).round().long(), torch.ones(len(x), dtype=torch.int64))
        spread = (x - 0.5).abs().flatten(1).sum(1)
        return torch.stack([torch.full_like(spread, 100.0), spread], 1)

    images = torch.full((3, 3, 5, 4), 128 / 255)
    images[:, :, 0, 0] = torch.arange(3)[:, None] / 255
    mask = torch.ones(5, 4, dtype=torch.bool)
    mask[0, 0] = False
    outcome = execute(
        Square(queries=queries, restarts=restarts),
        model,
        images,
        torch.zeros(3, dtype=torch.int64),
        threat=Threat(eps=8 / 255, levels=levels),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert (outcome.found, outcome.attempted) == (0, 3)
    assert torch.equal(seen - 2, outcome.forwards)  # two passes measure
    spent = restarts * (queries // restarts - (levels is None))
    assert outcome.forwards.tolist() == [spent] * 3
    assert not outcome.backwards.any()


@pytest.mark.parametrize("levels", [256, None])
def test_confirming_a_find_stays_inside_the_budget(
    levels: Literal[256] | None, instance: Instance, grid_instance: Instance
) -> None:
    """A generous eps is found at the stripes: one query on the grid, and one more where rounding may move it."""
    chosen = grid_instance if levels else instance
    outcome = _run(Square(queries=2), chosen, range(24), Threat(eps=0.5, levels=levels))
    assert outcome.found > 0
    assert set(outcome.forwards[outcome.success].tolist()) <= ({1, 2} if levels else {2})
    assert int(outcome.forwards.max()) <= 2


def test_alone_or_in_company_the_result_is_the_same(grid_instance: Instance) -> None:
    model, attack = grid_instance.model().double(), Square(queries=400, restarts=2)

    def run(rows: list[int]) -> Outcome:
        return execute(
            attack,
            model,
            grid_instance.images[rows].double(),
            grid_instance.labels[rows],
            threat=Threat(eps=0.08),
            generator=torch.Generator().manual_seed(3),
        )

    rows = [0, 1, 2, 3, 4, 5]
    together, reversed_, alone = run(rows), run(rows[::-1]), run([2])
    assert together.found > 0
    assert len(set(together.forwards.tolist())) > 1  # they do not leave together
    assert torch.equal(together.images, reversed_.images.flip(0))
    assert torch.equal(together.forwards, reversed_.forwards.flip(0))
    assert torch.equal(together.images[2], alone.images[0])
    assert together.forwards[2] == alone.forwards[0]


def test_the_generator_decides_alone(grid_instance: Instance) -> None:
    model, images = grid_instance.model(), []
    for seed in (5, 5, 6):
        torch.rand(7)  # move the global state
        before = torch.get_rng_state()
        outcome = execute(
            Square(queries=300),
            model,
            grid_instance.images[:4],
            grid_instance.labels[:4],
            threat=Threat(eps=0.12),
            generator=torch.Generator().manual_seed(seed),
        )
        assert torch.equal(before, torch.get_rng_state())
        assert outcome.found > 0
        images.append(outcome.images)
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


@pytest.mark.parametrize(("height", "width"), [(5, 5), (3, 8), (8, 3), (1, 7), (7, 1), (1, 1)])
@pytest.mark.parametrize("share", [1.0, 0.8, 0.3, 0.05, 0.001])
def test_windows_reach_every_pixel_and_have_the_area_asked_for(height: int, width: int, share: float) -> None:
    """Inside a frame that begins at row 2 and column 1 of a larger image; the draws are the corners and a grid."""
    steps = torch.linspace(0, math.nextafter(1, 0), 40, dtype=torch.float64)
    draw = torch.cartesian_prod(steps, steps)
    frame = torch.tensor([2, 1, height, width]).double().expand(len(draw), 4)
    window = _windows(frame, draw, share, torch.Size((height + 4, width + 2)))
    reached = window.any(0)[0]
    assert reached[2 : 2 + height, 1 : 1 + width].all()
    assert int(reached.sum()) == height * width
    area = window.flatten(1).sum(1)
    assert int(area.min()) == int(area.max())  # none is cut at the edge
    wanted = max(1.0, share * height * width)
    assert abs(int(area[0]) - wanted) <= max(height, width, math.sqrt(wanted))


def test_the_last_row_and_column_change_in_an_image_that_is_not_square() -> None:
    """Only the last pixel decides, and the stripes reach it in half of all runs: the windows must."""
    images = torch.full((1, 3, 6, 9), 100 / 255)

    def model(x: Tensor) -> Tensor:
        corner = x[:, :, -1, -1] - 100 / 255
        up, down = corner.clamp_min(0).sum(1), corner.clamp_max(0).sum(1)
        return torch.stack([torch.zeros_like(up), torch.minimum(up, -down) - 0.031], 1)

    outcome = execute(
        Square(queries=400),
        model,
        images,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=8 / 255),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 1


def test_stays_inside_the_mask_and_asks_nothing_where_nothing_may_change(grid_instance: Instance) -> None:
    mask = torch.zeros(24, 1, 28, 28, dtype=torch.bool)
    mask[1:, :, 9:28, 3:16] = True
    outcome = execute(
        Square(queries=300),
        grid_instance.model(),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=0.5),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.success.tolist() == [False, *[True] * 23]
    assert outcome.forwards[0] == 0
    assert int(outcome.forwards.max()) < 300  # what is found is asked about no more
    assert not (outcome.images != grid_instance.images)[~mask].any()


def test_aims_at_the_target(grid_instance: Instance) -> None:
    target = (int(grid_instance.labels[0]) + 5) % 10
    outcome = execute(
        Square(queries=1000),
        grid_instance.model(),
        grid_instance.images[:1],
        grid_instance.labels[:1],
        threat=Threat(eps=float(grid_instance.optimum("linf", target)[0]) * 2),
        goal=Targeted(target),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.logits.argmax(1).tolist() == [target]


def test_crosses_the_plateaus_of_a_coarse_output(instance: Instance, optima: dict[str, Tensor]) -> None:
    """Logits in steps that no single pixel crosses; a search that refuses ties stands still there."""
    rows = (optima["linf"] * 2.2 <= 0.05).nonzero().flatten()[:4]
    plain = instance.model(1.0)
    outcome = execute(
        Square(queries=2000),
        lambda x: (plain(x) / 0.02).round() * 0.02,
        instance.images[rows],
        instance.labels[rows],
        threat=Threat(eps=0.05, levels=None),
        generator=torch.Generator().manual_seed(1),
    )
    assert outcome.found == len(rows)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_an_answer_that_is_not_finite_counts_for_nothing(poison: float) -> None:
    """The rival is poisoned wherever the first pixel falls: that is neither kept nor found, and the search goes on."""

    def sick(clean: float) -> Callable[[Tensor], Tensor]:
        def model(x: Tensor) -> Tensor:
            gain = (x - clean).flatten(1).mean(1)
            bad = x[:, 0, 0, 0] < clean
            return torch.stack([torch.zeros_like(gain), torch.where(bad, poison, gain - 7.5 / 255)], 1)

        return model

    outcome = execute(
        Square(queries=2000, p_init=0.05),
        sick(100 / 255),
        torch.full((1, 1, 4, 4), 100 / 255),
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=8 / 255),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.found == 1
    assert (outcome.images * 255).round().eq(108).all()


def test_no_query_is_spent_on_what_is_known() -> None:
    """Under a constant answer every query is kept, so each must differ from the one before."""
    asked: list[Tensor] = []

    def model(x: Tensor) -> Tensor:
        asked.append(x)
        return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)

    execute(
        Square(queries=60),
        model,
        torch.full((1, 1, 4, 4), 0.5).mul(255).round() / 255,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=8 / 255),
        generator=torch.Generator().manual_seed(0),
    )
    queries = asked[1:-1]  # the first and the last pass measure
    assert len(queries) == 60
    assert not any(torch.equal(one, after) for one, after in itertools.pairwise(queries))


def test_the_schedule_is_the_papers_and_scales_with_the_budget() -> None:
    assert [share_of(step / 10_000, 0.8) for step in (1, 10, 11, 50, 51, 8000, 8001)] == [
        0.8, 0.8, 0.4, 0.4, 0.2, 0.8 / 256, 0.8 / 512,
    ]  # fmt: skip
    assert len(HALVED_AT) == 9


@pytest.mark.parametrize(
    "options",
    [
        {"queries": 1},
        {"queries": 9, "restarts": 5},
        {"restarts": 0},
        {"p_init": 0.0},
        {"p_init": 1.1},
        {"p_init": math.nan},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=r"at least 2 queries|share of the image's area"):
        Square(**options)  # type: ignore[arg-type]


def test_asks_for_a_size_and_for_its_own_norm(grid_instance: Instance) -> None:
    with pytest.raises(OptionError, match="add for instance --eps 8/255"):
        _run(Square(), grid_instance, [0], Threat())
    with pytest.raises(OptionError, match="square knows linf and l2, got l1"):
        _run(Square(), grid_instance, [0], Threat(norm="l1", eps=1.0))
    assert [attack.name for attack in QUERY_ATTACKS] == sorted(attack.name for attack in QUERY_ATTACKS)
