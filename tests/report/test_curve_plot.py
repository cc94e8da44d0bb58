from __future__ import annotations

import re

from misread.report.curve_plot import curve_plot
from misread.stats import Rate, wilson


def drawn(curves: list[list[Rate | None]], sizes: tuple[str, ...] = ("0", "1", "2")) -> str:
    return curve_plot(sizes, curves, title="T", axis="<axis>", description="<spoken>")


def test_a_curve_has_a_mark_and_whiskers_at_every_size_and_lines_between() -> None:
    plot = drawn([[wilson(4, 4), wilson(2, 4), wilson(0, 4)]])
    assert plot.count('class="mark s0"') == 3
    assert plot.count('class="whisker s0"') == 3
    # 220 pixels from 100 % at 10 to 0 % at 230, evenly from 3 % to 95 % of the width.
    lines = re.findall(r'<line x1="([^"]*)" x2="([^"]*)" y1="([^"]*)" y2="([^"]*)" class="course s0"/>', plot)
    assert lines == [("3.000%", "49.000%", "10", "120"), ("49.000%", "95.000%", "120", "230")]


def test_readers_stand_side_by_side_and_gaps_stay_open() -> None:
    plot = drawn([[wilson(4, 4), None, wilson(0, 0)], [wilson(4, 4), wilson(4, 4), wilson(4, 4)]])
    assert plot.count('class="mark s0"') == 1
    assert plot.count('class="course s0"') == 0
    assert 'x="2.450%"' in plot
    assert 'x="3.550%"' in plot


def test_an_interval_that_nobody_can_give_has_no_whiskers() -> None:
    plot = drawn([[Rate(hits=1, total=2, low=None, high=None)]], sizes=("1",))
    assert "whisker" not in plot
    assert "&lt;axis&gt;" in plot
    assert "&lt;spoken&gt;" in plot
