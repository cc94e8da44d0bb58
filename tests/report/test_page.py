from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("misread.report").joinpath("page.css").read_text(encoding="utf-8")
BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("block", BLOCKS, ids=("light", "dark", "print"))
def test_every_text_stands_out_from_every_ground(block: str) -> None:
    colours = dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", block))
    for text in ("ink", "soft", "right", "wrong"):
        for ground in ("paper", "raised"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for series in (f"s{number}" for number in range(6)):
        assert contrast(colours[series], colours["paper"]) >= 3, series
