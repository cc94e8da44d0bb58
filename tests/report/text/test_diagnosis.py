"""What `misread doctor` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from misread.report.text import diagnosis_text
from misread.runtime.doctor import Extra, Part, diagnose
from misread.runtime.machine import CameraDevice
from tests.report.text.hostile import EVIL, clean, fits


def test_a_diagnosis_says_what_to_type() -> None:
    found = replace(
        diagnose(),
        parts=(Part(name="cv2", version="", problem="cv2 cannot be imported; type: pip install x"),),
        extras=(Extra(name="attack", missing=("torch",), install="pip install 'misread[attack]'"),),
        cameras=(
            CameraDevice(path="/dev/video0", name=EVIL, readable=True),
            CameraDevice(path="/dev/video1", name="", readable=False),
        ),
        warnings=("two wheels",),
        window="",
        ffmpeg=False,
    )
    text = diagnosis_text(found)
    said_flat = " ".join(text.split())
    assert fits(text)
    assert clean(text)
    for part in (
        "lacks torch; type: pip install 'misread[attack]'",
        "/dev/video1 (no permission; join the group video)",
        "broken: cv2 cannot be imported; type: pip install x",
        "warning: two wheels",
        "this OpenCV is headless",
        "this OpenCV has no FFmpeg",
    ):
        assert part in said_flat
    assert text.endswith("the device floor does not work\n")


@pytest.mark.parametrize(("display", "said_of_it"), [(True, "window QT5 streams"), (False, "there is no display")])
def test_a_window_needs_a_display(display: bool, said_of_it: str) -> None:
    text = diagnosis_text(replace(diagnose(), window="QT5", display=display, extras=(), parts=()))
    assert said_of_it in " ".join(text.split())
    assert text.endswith("the device floor works\n")
