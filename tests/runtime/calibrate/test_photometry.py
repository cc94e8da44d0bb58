"""Photometry: planted gain, gamma, channel gains, noise and blur come back from a filmed sheet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import FileError, InputError
from misread.files import write_json
from misread.pixels import write_png
from misread.runtime.board import Exhibit
from misread.runtime.calibrate.photometry import measure
from misread.runtime.channel.defocus import Defocus
from misread.runtime.channel.profile_file import PROFILE_KIND, read_profile
from misread.runtime.channel.sensor import Sensor
from misread.runtime.sheet.page import exhibit_page
from misread.runtime.sheet.place import Plan
from misread.runtime.sheet.png import picture_of

if TYPE_CHECKING:
    from pathlib import Path

    from misread.pixels import UInt8

GAIN, GAMMA, RED, ELECTRONS, RADIUS = 0.8, 1.2, 1.1, 1500.0, 2.0


def sheet() -> UInt8:
    exhibit = Exhibit(index=3, name="s", arm="clean", image=np.full((8, 8, 3), 128, np.uint8), label="Stop")
    return picture_of(exhibit_page(exhibit, Plan(), "0" * 64), 3.0)


def filmed(gain: float = GAIN, gamma: float = GAMMA) -> list[UInt8]:
    """Film: blur, tone, then the noise of a sensor."""
    rng = np.random.default_rng(1)
    blurred = Defocus(radius_px=RADIUS).apply(sheet(), rng)
    toned = 255 * gain * (blurred / 255) ** gamma * np.array([RED, 1, 1])
    toned = np.clip(np.rint(toned), 0, 255).astype(np.uint8)
    return [Sensor(electrons=ELECTRONS).apply(toned, rng) for _ in range(5)]


def test_what_was_planted_comes_back() -> None:
    found = measure([np.zeros((64, 64, 3), np.uint8), *filmed()])
    assert found.frames == 5
    assert found.gamma == pytest.approx(GAMMA, abs=0.03)
    assert found.gain == pytest.approx(GAIN * (2 + RED) / 3, rel=0.03)  # of the three channels together
    assert found.channel_gains == pytest.approx((RED, 1, 1), rel=0.02)
    assert found.electrons == pytest.approx(ELECTRONS, rel=0.15)
    assert found.defocus_px == pytest.approx((RADIUS, RADIUS), abs=0.15)


def test_the_command_writes_a_profile_that_the_channel_takes(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(filmed()):
        write_png(tmp_path / "frames" / f"{number}.png", frame)
    out = tmp_path / "desk.json"
    argv = ["calibrate", str(tmp_path / "frames"), "--profile", str(out)]
    outcome = CliRunner().invoke(cli.app, argv)
    assert outcome.exit_code == 0, outcome.output
    assert "gamma 1.19" in outcome.output
    profile = read_profile(out)
    assert profile.name == "desk-1"
    assert profile.electrons[0] < ELECTRONS < profile.electrons[1]
    assert profile.draw(np.random.default_rng(0)).stages
    assert CliRunner().invoke(cli.app, argv).exit_code == 2  # it is there already
    told = json.loads(CliRunner().invoke(cli.app, [*argv, "--overwrite", "--json"]).stdout)
    assert (told["kind"], round(told["gamma"], 2)) == ("misread-photometry", 1.19)
    both = CliRunner().invoke(cli.app, [*argv, "-o", "lens.json"])
    assert both.exit_code == 2
    assert "once for each" in both.output


def test_no_sheet_and_no_strip_are_refused() -> None:
    with pytest.raises(InputError, match="5 frames must show a sheet and its strip, 0 of 6 do"):
        measure([np.zeros((64, 64, 3), np.uint8)] * 6)
    cut = sheet()[: (3 * (18 + 181))]
    with pytest.raises(InputError, match="0 of 5 do"):
        measure([cut] * 5)
    small = cv2.resize(sheet(), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    with pytest.raises(InputError, match="8 px or more"):
        measure([np.asarray(small, np.uint8)] * 5)


def test_light_that_tells_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="neither black nor white"):
        measure(filmed(gain=4.0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gain": [0.9, 0.8]}, "two rising numbers"),
        ({"electrons": [1, 2]}, "from 50 to 20000"),
        ({"quality": 0}, "from 1 to 100"),
        ({"slope": 3}, "is no channel profile"),
        ({"defocus_px": [0, float("nan")]}, "is no channel profile"),
    ],
)
def test_profiles_beyond_the_stages_are_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    whole = {
        "name": "x-1",
        "gain": (0.7, 0.9),
        "slope": (0, 0),
        "defocus_px": (1, 2),
        "electrons": (900, 1100),
        "quality": 85,
    }
    write_json(tmp_path / "p.json", whole, kind=PROFILE_KIND)
    assert read_profile(tmp_path / "p.json").gain == (0.7, 0.9)
    write_json(tmp_path / "p.json", {**whole, **change}, kind=PROFILE_KIND)
    with pytest.raises(FileError, match=says):
        read_profile(tmp_path / "p.json")
