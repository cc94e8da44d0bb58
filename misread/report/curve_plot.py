"""A curve as inline SVG that keeps its letters readable at every width: sizes across, shares from 0 to 100 % up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.plots import SERIES, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.stats import Rate

_HIGH_PX: Final = 220
_TOP_PX: Final = 10
_FOOT_PX: Final = 46
_LEFT_PX: Final = 52
#: Per cent of the width that the places of the readers at one size lie apart, so that no whisker hides another.
_DODGE: Final = 1.1
_SPAN: Final = 92
_MARGIN: Final = 3
_TICKS: Final = (0, 25, 50, 75, 100)


def curve_plot(
    sizes: Sequence[str], curves: Sequence[Sequence[Rate | None]], *, title: str, axis: str, description: str
) -> Markup:
    """Return one line per reader with 95 % whiskers, the sizes evenly spaced as they come.

    Args:
        sizes: what stands below each place.
        curves: per reader one rate a size; None where it has none.
        title: the accessible name.
        axis: what the sizes are.
        description: what a reader who cannot see it should know.

    """
    drawn = [_curve(index, len(curves), rates) for index, rates in enumerate(curves)]
    body = [_grid(value) for value in _TICKS] + [_size(at, size, len(sizes)) for at, size in enumerate(sizes)]
    # The inner svg leaves room for the numbers at the left; nothing but per cents is known of its width.
    inner = tag("svg", *body, *drawn, x=_LEFT_PX, width=f"{100 - _MARGIN * 3}%", overflow="visible")
    ticks = [
        tag("text", f"{value}{words.NBSP}%", x=_LEFT_PX - 10, y=_y(value / 100) + 4, text_anchor="end", class_="tick")
        for value in _TICKS
    ]
    foot = tag("text", axis, x=_LEFT_PX, y=_TOP_PX + _HIGH_PX + 40, class_="detail")
    height = _TOP_PX + _HIGH_PX + _FOOT_PX
    return tag(
        "svg",
        tag("title", title),
        tag("desc", description),
        *ticks,
        inner,
        foot,
        role="img",
        width="100%",
        height=height,
        class_="plot curve",
    )


def _x(place: int, places: int, index: int = 0, readers: int = 1) -> str:
    middle = _MARGIN + (_SPAN * place / (places - 1) if places > 1 else _SPAN / 2)
    return f"{middle + (index - (readers - 1) / 2) * _DODGE:.3f}%"


def _y(share: float) -> float:
    return _TOP_PX + _HIGH_PX * (1 - share)


def _grid(value: int) -> Markup:
    y = _y(value / 100)
    return tag("line", x1="0", x2=f"{_SPAN + 2 * _MARGIN}%", y1=y, y2=y, class_="grid")


def _size(place: int, size: str, places: int) -> Markup:
    return tag("text", size, x=_x(place, places), y=_TOP_PX + _HIGH_PX + 20, text_anchor="middle", class_="tick")


def _curve(index: int, readers: int, rates: Sequence[Rate | None]) -> Markup:
    colour, places = f"s{index % SERIES}", len(rates)
    known = [
        (_x(place, places, index, readers), rate, rate.share)
        for place, rate in enumerate(rates)
        if rate is not None and rate.share is not None
    ]
    lines = [
        tag("line", x1=before[0], x2=after[0], y1=_y(before[2]), y2=_y(after[2]), class_=f"course {colour}")
        for before, after in pairwise(known)
    ]
    whiskers = [
        tag("line", x1=x, x2=x, y1=_y(rate.low), y2=_y(rate.high), class_=f"whisker {colour}")
        for x, rate, _ in known
        if rate.low is not None and rate.high is not None
    ]
    return join([*lines, *whiskers, *(mark(index, x, _y(share)) for x, _, share in known)])
