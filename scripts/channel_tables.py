"""Write the tables of docs/channels.md from the profiles: python -m scripts.channel_tables."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.attack.physical.channel import PROFILES, Range
from misread.runtime.channel import named_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.attack.physical.channel import Profile

PAGE: Final = Path(__file__).parents[1] / "docs" / "channels.md"
START: Final = "<!-- From here on by: python -m scripts.channel_tables -->\n"
PLACES: Final = tuple(profile.name for profile in PROFILES)
NONE: Final = ""


def tables() -> str:
    """Return what both channels draw from, as two tables of markdown."""
    trained = {f"{profile.name}-{profile.version}": _trained(profile) for profile in PROFILES}
    tested = {named_profile(place).name: _tested(named_profile(place)) for place in PLACES}
    return f"### Training channel\n\n{_table(trained)}\n### Test channel\n\n{_table(tested)}"


def _trained(profile: Profile) -> dict[str, str]:
    drawn = {"height on the sensor, px": _span(profile.sensor_px.low, profile.sensor_px.high)}
    if profile.lens is not None:
        far, near = (profile.lens.distance_m(px) for px in (profile.sensor_px.low, profile.sensor_px.high))
        drawn["print, mm"], drawn["focal length, px"] = f"{profile.lens.sign_mm:g}", f"{profile.lens.focal_px:g}"
        drawn["distance, m"] = _span(near, far)
    for stage in profile.stages:
        for field in fields(stage):  # type: ignore[arg-type]  # a stage is a dataclass
            value = getattr(stage, field.name)
            if profile.lens is not None and (stage.name, field.name) == ("pose", "distance"):
                continue
            drawn[f"{stage.name}: `{field.name}`"] = _said(value)
    return drawn


def _tested(profile: Any) -> dict[str, str]:
    # A range whose stage is not in the profile says nothing of it.
    idle = {"glare_radius": profile.glare_peak, "tilt": profile.pitch_px, "exposure_ms": profile.flicker}
    shown = [field.name for field in fields(profile) if field.name != "name" and idle.get(field.name, ()) is not None]
    return {f"`{name}`": _said(getattr(profile, name)) for name in shown}


def _said(value: object) -> str:
    if isinstance(value, Range):
        return _span(value.low, value.high)
    if isinstance(value, tuple):
        return _span(*value)
    return NONE if value is None else f"{value:g}"


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _table(columns: Mapping[str, Mapping[str, str]]) -> str:
    rows = list(dict.fromkeys(name for drawn in columns.values() for name in drawn))
    lines = [_line(["", *columns]), _line(["---"] * (len(columns) + 1))]
    for name in rows:
        cells = [drawn.get(name, NONE) for drawn in columns.values()]
        lines += [_line([name, *cells])] if any(cells) else []
    return "".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Write the page anew from its marker on."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(START)
    PAGE.write_text(f"{before}{START}\n{tables()}", encoding="utf-8")


if __name__ == "__main__":
    main()
