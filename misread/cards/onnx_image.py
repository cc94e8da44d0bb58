"""The image keys of the ONNX standard: pixel format and range of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

from misread.cards.facts import CardFacts

if TYPE_CHECKING:
    from misread.card import Colour, ModelCard

FORMAT_KEY: Final = "Image.BitmapPixelFormat"
GAMMA_KEY: Final = "Image.ColorSpaceGamma"
RANGE_KEY: Final = "Image.NominalPixelRange"
_FORMATS: Final[tuple[tuple[str, Colour], ...]] = (("gray8", "grey"), ("rgb8", "rgb"), ("bgr8", "bgr"))
_WRITTEN: Final[tuple[tuple[Colour, str], ...]] = (("grey", "Gray8"), ("rgb", "Rgb8"), ("bgr", "Bgr8"))
_RANGES_WRITTEN: Final = (
    ("NominalRange_0_255", 1.0, 0.0),
    ("Normalized_0_1", 1 / 255, 0.0),
    ("Normalized_1_1", 2 / 255, 1.0),
)
#: Range: factor on 0..255, then what is subtracted.
_RANGES: Final = (
    ("nominalrange_0_255", 1.0, 0.0),
    ("normalized_0_1", 1 / 255, 0.0),
    ("nominalrange_0_1", 1 / 255, 0.0),  # as misread wrote it before 0.2
    ("normalized_1_1", 2 / 255, 1.0),
)


@final
class OnnxImage:
    """`Image.BitmapPixelFormat`, `Image.ColorSpaceGamma` and `Image.NominalPixelRange`."""

    name = "ONNX image keys"
    keys: tuple[str, ...] = (FORMAT_KEY, GAMMA_KEY, RANGE_KEY)

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the model's metadata say in this convention, None where they do not follow it."""
        if FORMAT_KEY not in metadata and RANGE_KEY not in metadata:
            return None
        facts = CardFacts()
        colour = metadata.get(FORMAT_KEY, "")
        if colour.casefold() in dict(_FORMATS):
            facts = replace(facts, colour=dict(_FORMATS)[colour.casefold()])
        elif colour:
            facts = _remark(facts, FORMAT_KEY, colour)
        if metadata.get(GAMMA_KEY, "srgb").casefold() != "srgb":
            return _remark(facts, GAMMA_KEY, metadata[GAMMA_KEY])
        values = metadata.get(RANGE_KEY, "")
        known = {name: (scale, mean) for name, scale, mean in _RANGES}
        if values.casefold() in known:
            scale, mean = known[values.casefold()]
            channels = 1 if facts.colour == "grey" else 3
            return replace(facts, scale=scale, mean=(mean,) * channels, std=(1.0,) * channels)
        return _remark(facts, RANGE_KEY, values) if values else facts

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return format and gamma, and the range where the card's arithmetic is one of those that have a name."""
        written = {FORMAT_KEY: dict(_WRITTEN)[card.colour], GAMMA_KEY: "SRGB"}
        for name, scale, mean in _RANGES_WRITTEN:
            if (card.scale, card.mean, set(card.std)) == (scale, (mean,) * card.channels, {1.0}):
                written[RANGE_KEY] = name
        return written


def _remark(facts: CardFacts, key: str, value: str) -> CardFacts:
    return replace(facts, remarks=(*facts.remarks, f"{key} {value[:30]!r} is none that misread follows"))
