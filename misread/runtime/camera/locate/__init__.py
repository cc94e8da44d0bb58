"""Finding the picture in a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.registry import unknown
from misread.runtime.camera.locate.contour import Contour
from misread.runtime.camera.locate.fiducials import Fiducials
from misread.runtime.camera.locate.pose import Gauge
from misread.runtime.camera.locate.region import Box, Centre, Whole
from misread.runtime.camera.locate.target import Crop, Locator, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCATORS: Final[tuple[str, ...]] = ("fiducials", "contour", "box", "centre", "frame")


def open_locator(text: str, aspects: Mapping[int, float], gauge: Gauge | None = None) -> Locator:
    """Make a locator of `fiducials`, `contour:red`, `box:x,y,width,height`, `centre`, `centre:0.5` or `frame`.

    Args:
        text: Which one.
        aspects: Width over height of the exhibits that may be seen, for `fiducials`.
        gauge: Tells distance and angle from markers.

    Raises:
        OptionError: None of these, or numbers that make no sense.

    """
    name, _, rest = text.partition(":")
    if name == "contour":
        return Contour(rest or "red")
    try:
        numbers = [float(part) for part in rest.split(",")] if rest else []
    except ValueError:
        raise OptionError(f"expected numbers after {name}:, got {rest!r}") from None
    if name == "box" and len(numbers) == 4 and all(number.is_integer() for number in numbers):
        left, top, width, height = (int(number) for number in numbers)
        return Box(left=left, top=top, width=width, height=height)
    if name == "centre" and len(numbers) <= 1:
        return Centre(share=numbers[0]) if numbers else Centre()
    if name == "frame" and not numbers:
        return Whole()
    if name == "fiducials" and not numbers:
        return Fiducials(aspects, gauge=gauge)
    if name in LOCATORS:
        raise OptionError(
            f"{text!r} does not fit; write fiducials, contour:red, box:x,y,width,height, centre, centre:0.5 or frame"
        )
    raise OptionError(unknown("locator", name, LOCATORS))


__all__ = ["LOCATORS", "Contour", "Crop", "Fiducials", "Gauge", "Locator", "Target", "open_locator"]
