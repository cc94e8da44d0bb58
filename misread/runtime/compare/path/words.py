"""Numbers of a card in words, alike wherever a stage is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.card import ModelCard


def span(card: ModelCard) -> str:
    """Return the range to which a card's scale brings the pixels, as in `0..1`."""
    return f"0..{255 * card.scale:.4g}"


def numbers(values: Sequence[float], *, digits: int = 4) -> str:
    """Return one number per channel, or the one that all share."""
    texts = [f"{value:.{digits}g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def switched(on: bool) -> str:  # noqa: FBT001
    """Return `on` or `off`."""
    return "on" if on else "off"
