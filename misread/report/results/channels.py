"""The same change through three channels: the one it was searched in, the one that tests it, and a camera."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from misread.report.content import ChannelRate
from misread.report.results.source import rate
from misread.stats import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from misread.bundle import Bundle
    from misread.report.results.source import Source

CAMERA: Final = "misread-camera"
TRAINING, TEST, FOOTAGE, CAPTURED = "training channel", "test channel", "footage", "captured"
SEARCHED: Final = "PyTorch"
_VIRTUAL: Final = "virtual"
_FOOTAGE: Final = "footage:"
#: Where each kind of result names its bundle.
_NAMED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "misread-verification": lambda document: str(document["bundle"]),
    "misread-attack": lambda document: str(document["bundle"]["folder"]),
    CAMERA: lambda _: "",
}
#: As `Rate.text` writes it.
_RATE: Final = re.compile(r"(\d{1,9})/(\d{1,9})(?: \([\d.]+ %(?:, 95 % CI ([\d.]+)-([\d.]+))?\))?")


def channels(source: Source) -> tuple[ChannelRate, ...]:
    """Return what a result and its bundle say of adversarial and placebo; frames that went through a channel each.

    Raises:
        FileError: the folder that the caller named is no bundle.
        InputError: it is another bundle than the one that was verified.
    """
    filmed = _filmed(source.document) if source.kind == CAMERA else ()
    named = _NAMED.get(source.kind)
    bundle = source.find_bundle(named(source.document))[0] if named is not None else None
    return (*(_searched(bundle) if bundle is not None else ()), *filmed)


def _filmed(document: Mapping[str, Any]) -> tuple[ChannelRate, ...]:
    source = str(document["source"])
    where = TEST if source == _VIRTUAL else FOOTAGE if source.startswith(_FOOTAGE) else CAPTURED
    return tuple(
        ChannelRate(exhibit=one["exhibit"], reader=one["build"], channel=where, rate=rate(one["misread"]))
        for one in document["summaries"]
        if one["crop"] == document["claim"]
    )


def _searched(bundle: Bundle) -> tuple[ChannelRate, ...]:
    """Read the rates that stand in the manifest, by witness, or of its only one that was made for a whole picture."""
    told = bundle.attack.get("simulated")
    made = [witness.id for witness in bundle.witnesses if not witness.prepared and witness.placebo is not None]
    if not isinstance(told, dict):
        return ()
    each = {name: told[name] for name in made if isinstance(told.get(name), dict)}
    if not each and len(made) == 1:
        each = {made[0]: told}
    return tuple(
        ChannelRate(exhibit=exhibit, reader=SEARCHED, channel=TRAINING, rate=said)
        for name, rates in each.items()
        for key, exhibit in (("success", name), ("placebo_misread", f"{name} placebo"))
        if (said := _said(rates.get(key))) is not None
    )


def _said(text: object) -> Rate | None:
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) > int(found[2]):
        return None
    low, high = (None if end is None else float(end) / 100 for end in found.group(3, 4))
    return Rate(hits=int(found[1]), total=int(found[2]), low=low, high=high)
