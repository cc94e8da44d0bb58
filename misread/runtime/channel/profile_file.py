"""A profile as a file: what a calibration wrote, as ranges for the test channel."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.errors import FileError, OptionError
from misread.files import read_json, write_json
from misread.runtime.channel.profile import Profile, named_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.runtime.channel.profile import Range

PROFILE_KIND: Final = "misread-channel-profile"
_BOUNDS: Final[tuple[tuple[str, float, float], ...]] = (
    ("gain", 0.01, 2.0),
    ("slope", -0.5, 0.5),
    ("defocus_px", 0.0, 32.0),
    ("electrons", 50.0, 20_000.0),
)


def write_profile(path: Path, profile: Profile, *, measured: Mapping[str, Any]) -> None:
    """Write a profile, and beside it what was measured.

    Raises:
        StorageError: It cannot be written.

    """
    ranges = {name: getattr(profile, name) for name, *_ in _BOUNDS}
    body = {"name": profile.name, **ranges, "quality": profile.quality, "measured": measured}
    write_json(path, body, kind=PROFILE_KIND)


def find_profile(text: str) -> Profile:
    """Give the profile of a name, with or without its version, or of a file that ends in `.json`.

    Raises:
        UnknownName: There is none of that name.
        FileError: The file is missing or no profile.

    """
    return read_profile(Path(text)) if text.lower().endswith(".json") else named_profile(text)


def read_profile(path: Path) -> Profile:
    """Read a profile that a calibration wrote.

    Raises:
        FileError: The file is missing, is no profile, or a range is beyond what the stages take.

    """
    document = read_json(path, kind=PROFILE_KIND)
    try:
        quality = int(_range("quality", [document["quality"]] * 2, 1, 100)[0])
        ranges = {name: _range(name, document[name], low, high) for name, low, high in _BOUNDS}
        return Profile(name=str(document["name"]), quality=quality, **ranges)
    except (KeyError, TypeError, ValueError, OptionError) as error:
        raise FileError(f"{path} is no channel profile: {error}; make one with misread calibrate --profile") from error


def _range(name: str, said: Any, low: float, high: float) -> Range:
    first, last = (float(number) for number in said)
    if not (isfinite(first) and isfinite(last) and low <= first <= last <= high):
        raise ValueError(f"{name} is two rising numbers from {low:g} to {high:g}, got {said}")
    return first, last
