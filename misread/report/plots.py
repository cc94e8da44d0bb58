"""Plots as inline SVG that keep their letters readable at every width: positions in per cent, sizes in pixels.

Colours come from the style sheet as `s0` to `s5` (Okabe and Ito's palette), and every series has its own mark too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.markup import Markup, join, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.stats import Rate

SERIES: Final = 6
_LINE_PX: Final = 17
_NAME_PX: Final = 20
_GAP_PX: Final = 12
_AXIS_PX: Final = 26
_PLOT_SHARE: Final = 70
_CLIP_PX: Final = 9
_TICKS: Final = (0, 25, 50, 75, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A rate of one series, drawn as a mark with its interval as whiskers."""

    series: int
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the plot: a name, a word on what it is, a point per series."""

    name: str
    detail: str
    points: tuple[Point, ...]


def mark(series: int, x: str, y: float) -> Markup:
    """Return the mark of a series: circle, square, diamond, triangle and so on, centred on (x, y)."""
    shapes = (
        tag("circle", r=5),
        tag("rect", x=-4.5, y=-4.5, width=9, height=9),
        tag("path", d="M0-6 6 0 0 6-6 0Z"),
        tag("path", d="M0-6 5.5 4.5-5.5 4.5Z"),
        tag("path", d="M0 6 5.5-4.5-5.5-4.5Z"),
        tag("path", d="M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"),
    )
    # A nested svg takes a position in per cent, which no transform does.
    return tag("svg", shapes[series % SERIES], x=x, y=y, class_=f"mark s{series % SERIES}", overflow="visible")


def legend(names: Sequence[str]) -> Markup:
    """Return the key to the marks."""
    entries = [
        tag("li", tag("svg", mark(index, "8", 8), width=16, height=16, aria_hidden="true"), " ", name)
        for index, name in enumerate(names)
    ]
    return tag("ul", *entries, class_="legend")


def interval_plot(rows: Sequence[Row], *, title: str, description: str) -> Markup:
    """Return rates between 0 and 100 % as marks with 95 % whiskers, one row per name.

    Args:
        rows: From top to bottom.
        title: The accessible name.
        description: What a reader who cannot see it should know.

    """
    body: list[Markup] = []
    y = 0
    for row in rows:
        body.append(_row_name(row, y))
        lines = [_point_line(point, y + _NAME_PX + index * _LINE_PX) for index, point in enumerate(row.points)]
        body.append(join(lines))
        y += _NAME_PX + len(row.points) * _LINE_PX + _GAP_PX
    grid = tag("svg", *(_tick(value, y) for value in _TICKS), width=f"{_PLOT_SHARE}%", overflow="visible")
    return tag(
        "svg",
        tag("title", title),
        tag("desc", description),
        tag("svg", grid, x="8"),
        *body,
        role="img",
        width="100%",
        height=y + _AXIS_PX,
        class_="plot",
    )


def _row_name(row: Row, y: int) -> Markup:
    return tag(
        "text",
        tag("tspan", row.name, class_="name"),
        tag("tspan", f"  {row.detail}", class_="detail") if row.detail else "",
        x=0,
        y=y + 14,
    )


def _tick(value: int, foot: int) -> Markup:
    anchor = {0: "start", 100: "end"}.get(value, "middle")
    x = f"{value}%"
    return join(
        [
            tag("line", x1=x, x2=x, y1=_NAME_PX - 2, y2=foot - 4, class_="grid"),
            tag("text", f"{value}{words.NBSP}%", x=x, y=foot + 12, text_anchor=anchor, class_="tick"),
        ]
    )


def _point_line(point: Point, top: int) -> Markup:
    rate, y = point.rate, top + _LINE_PX / 2
    if rate.share is None:
        return tag("text", "nothing to count", x=8, y=y + 4, class_="detail")
    drawn = [tag("line", x1="0", x2="100%", y1=y, y2=y, class_="rail")]
    if rate.low is not None and rate.high is not None:
        ends = {"x1": f"{100 * rate.low:.2f}%", "x2": f"{100 * rate.high:.2f}%"}
        drawn.append(tag("line", **ends, y1=y, y2=y, class_=f"whisker s{point.series % SERIES}"))
    drawn.append(mark(point.series, f"{100 * rate.share:.2f}%", y))
    figures = f"{words.hits(rate)} · {words.share(rate.share)}"
    return join(
        [
            tag("svg", tag("svg", *drawn, width=f"{_PLOT_SHARE}%", overflow="visible"), x="8", overflow="visible"),
            tag("text", figures, x="100%", y=y + 4, text_anchor="end", class_="figures"),
        ]
    )


def clip_plot(clips: Sequence[Sequence[bool | None]], *, title: str) -> Markup:
    """Return one bar per clip with time to the right: misread, read right, not measured.

    Args:
        clips: Per clip and frame, whether the sign was misread; None where nothing was measured.
        title: The accessible name.

    """
    longest = max((len(clip) for clip in clips), default=0)
    bars = [_clip_bar(clip, longest, index * _CLIP_PX) for index, clip in enumerate(clips)]
    return tag(
        "svg", tag("title", title), *bars, role="img", width="100%", height=_CLIP_PX * len(clips), class_="clips"
    )


def _clip_bar(clip: Sequence[bool | None], longest: int, y: int) -> Markup:
    runs: list[Markup] = []
    start = 0
    for state, group in groupby(clip):
        length = len(list(group))
        kind = {True: "misread", False: "right", None: "lost"}[state]
        x, width = f"{100 * start / longest:.3f}%", f"{100 * length / longest:.3f}%"
        runs.append(tag("rect", x=x, y=y, width=width, height=_CLIP_PX - 2, class_=kind))
        start += length
    return join(runs)
