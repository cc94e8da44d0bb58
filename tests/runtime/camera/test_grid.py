"""Cells of distance and angle, and a lens at another frame size."""

from __future__ import annotations

import pytest

from misread.errors import OptionError
from misread.runtime.camera.grid import Grid
from misread.runtime.camera.intrinsics import Intrinsics
from misread.runtime.camera.locate.sight import Sight

GRID = Grid(distances_m=(0.5, 1, 2), angles_deg=(0, 20, 60))
LENS = Intrinsics(width=640, height=480, focal_px=(600, 610), centre_px=(321, 239))


@pytest.mark.parametrize(
    ("distance_m", "angle_deg", "cell"),
    [(0.5, 0, (0, 0)), (0.99, 19.9, (0, 0)), (1.0, 20, (1, 1)), (1.9, 59, (1, 1)), (0.4, 0, None), (2.0, 0, None)],
)
def test_a_bin_holds_its_lower_edge(distance_m: float, angle_deg: float, cell: tuple[int, int] | None) -> None:
    assert GRID.cell(Sight(distance_m=distance_m, angle_deg=angle_deg, yaw_deg=0, markers_px=40)) == cell


def test_what_is_not_known_is_in_no_cell() -> None:
    assert GRID.cell(None) is None
    assert GRID.cell(Sight(distance_m=None, angle_deg=3, yaw_deg=0, markers_px=40)) is None


def test_a_cell_says_where_it_is() -> None:
    assert GRID.text((1, 1)) == "1-2 m, 20-60 deg"


@pytest.mark.parametrize("edges", [(), (1.0,), (2.0, 1.0), (0.0, float("nan")), (-1.0, 2.0), (1.0, 1.0)])
def test_edges_without_a_bin_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(OptionError, match="rising edges"):
        Grid(distances_m=edges)
    with pytest.raises(OptionError, match="rising edges"):
        Grid(angles_deg=edges)


def test_a_lens_scales_with_the_frame() -> None:
    assert LENS.scaled(1280, 960).focal_px == (1200, 1220)
    assert LENS.scaled(1280, 960).centre_px == (642, 478)
    with pytest.raises(OptionError, match="calibrate again"):
        LENS.scaled(1280, 720)


def test_a_lens_that_sees_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="above 0"):
        Intrinsics(width=640, height=480, focal_px=(0, 600), centre_px=(320, 240))
