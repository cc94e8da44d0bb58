"""Figures as people read them: counts, shares, confidences, durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from misread.stats import Rate

NBSP: Final = "\u00a0"
NONE: Final = "\u2013"
_NEARLY_ALL: Final = 0.9995
_NEARLY_NONE: Final = 0.0005


def count(value: int) -> str:
    """Return `6912` as `6,912`."""
    return f"{value:,}"


def share(value: float) -> str:
    """Return a share in [0, 1] as per cent with one decimal; 100 % and 0 % are said of exactly all and none only."""
    if _NEARLY_ALL <= value < 1:
        return f">{NBSP}99.9{NBSP}%"
    if 0 < value < _NEARLY_NONE:
        return f"<{NBSP}0.1{NBSP}%"
    return f"{100 * value:.1f}{NBSP}%"


def confidence(value: float) -> str:
    """Return a softmax confidence as per cent; it never reaches 100 %, however far rounding takes it."""
    return share(min(value, 1 - 1e-9))


def hits(rate: Rate) -> str:
    """Return `9/10`."""
    return f"{count(rate.hits)}/{count(rate.total)}"


def interval(rate: Rate) -> str:
    """Return the 95 % interval in per cent, or say why there is none."""
    if rate.low is None or rate.high is None:
        return "no interval"
    return f"{100 * rate.low:.1f}\u2013{100 * rate.high:.1f}{NBSP}%"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def seconds(value: float) -> str:
    """Return a duration in seconds with one decimal."""
    return f"{value:.1f}{NBSP}s"
