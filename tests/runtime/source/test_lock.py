"""What a camera holds still, what it refuses, and that a refusal is told; the camera is pretended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest

from misread.errors import CameraError, OptionError
from misread.runtime.source import Lock, SourceOptions, device, open_source
from misread.runtime.source.lock import QUEUED_FRAMES, STEADY_FRAMES, hold, luminance_drift

AUTO_EXPOSURE, EXPOSURE = cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE


@dataclass
class Driver:
    """A camera with an automatic exposure: refuses, ignores, breaks and flickers as told."""

    refuses: frozenset[int] = frozenset()
    breaks: frozenset[int] = frozenset()
    ignores: frozenset[int] = frozenset()
    brightness: list[float] = field(default_factory=lambda: [100.0])
    frames: int = 1000
    values: dict[int, float] = field(
        default_factory=lambda: {AUTO_EXPOSURE: 3.0, EXPOSURE: 156.0, cv2.CAP_PROP_AUTOFOCUS: 1.0}
    )

    def set(self, what: int, value: float) -> bool:
        if what in self.breaks:
            raise cv2.error("not implemented")
        if what in self.refuses:
            return False
        if what not in self.ignores:
            self.values[what] = value
        return True

    def get(self, what: int) -> float:
        return self.values.get(what, 0.0)

    def getBackendName(self) -> str:  # noqa: N802  OpenCV's name
        return "DRIVER"

    def read(self) -> tuple[bool, Any]:
        if self.frames == 0:
            return False, None
        self.frames -= 1
        level = self.brightness.pop(0) if len(self.brightness) > 1 else self.brightness[0]
        return True, np.full((16, 16, 3), level, np.uint8)

    def release(self) -> None:
        pass


def held(driver: Driver, lock: Lock | None = None, backend: int = cv2.CAP_V4L2) -> tuple[dict[str, str], str]:
    found = hold(driver, lock or Lock(), backend=backend)  # type: ignore[arg-type]
    return dict(found.properties), "\n".join(found.notes)


def test_what_the_camera_had_found_is_held() -> None:
    driver = Driver()
    properties, notes = held(driver)
    assert notes == ""
    assert properties["exposure"] == "locked at 156"
    assert properties["brightness drift"] == "0.0%"
    assert driver.values[AUTO_EXPOSURE] == 1.0
    assert driver.values[cv2.CAP_PROP_AUTOFOCUS] == 0.0
    assert driver.values[cv2.CAP_PROP_AUTO_WB] == 0.0


def test_values_of_ones_own_are_written() -> None:
    driver = Driver()
    properties, notes = held(driver, Lock(exposure=80, focus=30, white_balance=4600))
    assert notes == ""
    assert [properties[name] for name in ("exposure", "focus", "white balance")] == [
        "locked at 80",
        "locked at 30",
        "locked at 4600",
    ]
    assert driver.values[cv2.CAP_PROP_WB_TEMPERATURE] == 4600


@pytest.mark.parametrize(("backend", "manual"), [(cv2.CAP_V4L2, 1.0), (cv2.CAP_DSHOW, 0.25), (cv2.CAP_AVFOUNDATION, 0)])
def test_each_back_end_has_its_own_number_for_manual(backend: int, manual: float) -> None:
    driver = Driver()
    held(driver, backend=backend)
    assert driver.values[AUTO_EXPOSURE] == manual


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        (Driver(refuses=frozenset({AUTO_EXPOSURE})), "exposure could not be locked: the back end refuses to switch"),
        (Driver(breaks=frozenset({AUTO_EXPOSURE})), "exposure could not be locked: the back end refuses to switch"),
        (Driver(ignores=frozenset({AUTO_EXPOSURE})), "exposure could not be locked: the automatism was set to 1"),
        (Driver(refuses=frozenset({EXPOSURE})), "exposure could not be locked: the back end refuses the value 90"),
        (Driver(ignores=frozenset({EXPOSURE})), "exposure could not be locked: 90 was set and 156 is read back"),
        (Driver(refuses=frozenset({cv2.CAP_PROP_AUTOFOCUS})), "focus could not be locked"),
        (Driver(refuses=frozenset({cv2.CAP_PROP_AUTO_WB})), "white balance could not be locked"),
    ],
)
def test_what_could_not_be_locked_is_told(driver: Driver, told: str) -> None:
    properties, notes = held(driver, Lock(exposure=90))
    assert told in notes
    assert notes.count("\n") == 0
    assert properties[told.partition(" could")[0]] == "not locked"


def test_a_driver_that_answers_with_no_number_is_not_believed() -> None:
    driver = Driver(ignores=frozenset({AUTO_EXPOSURE}))
    driver.values[AUTO_EXPOSURE] = float("nan")
    assert "reads back as nan" in held(driver)[1]


def test_a_camera_that_says_yes_and_goes_on_adjusting_is_found_by_its_brightness() -> None:
    moving = [100.0] * (1 + QUEUED_FRAMES) + [100.0 + 2 * step for step in range(STEADY_FRAMES)]
    properties, notes = held(Driver(brightness=moving))
    assert "exposure does not hold" in notes
    assert properties["brightness drift"] == "13.1%"  # 14 levels of a mean of 107


def test_frames_from_before_the_lock_are_left_out() -> None:
    assert held(Driver(brightness=[100.0] + [80.0, 120.0] * (QUEUED_FRAMES // 2) + [100.0]))[1] == ""


def test_a_lock_that_darkens_the_picture_is_told() -> None:
    dark = Driver(brightness=[100.0, 12.0])
    assert "from 100 to 12 of 255" in held(dark)[1]
    assert held(Driver(brightness=[100.0, 12.0]), Lock(exposure=5))[1] == ""  # whoever sets a value wants it


def test_too_few_frames_to_see_it() -> None:
    assert "too few frames" in held(Driver(frames=5))[1]


@pytest.mark.parametrize(("means", "drift"), [([50.0, 50.0], 0.0), ([90.0, 110.0], 0.2), ([0.0, 0.5], 0.5)])
def test_drift_is_range_over_mean(means: list[float], drift: float) -> None:
    assert luminance_drift(means) == pytest.approx(drift)


def test_no_driver_takes_what_is_no_number() -> None:
    with pytest.raises(OptionError, match="white balance is a finite number"):
        Lock(white_balance=float("nan"))


def test_a_source_tells_what_was_locked_and_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = frozenset({AUTO_EXPOSURE, cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FRAME_WIDTH})
    opened = iter([Driver(frames=40, refuses=refuses)])
    monkeypatch.setattr(device, "open_capture", lambda *_: next(opened, None))
    source = open_source("device:0", SourceOptions(retries=0))
    with pytest.raises(CameraError):
        list(source.frames())
    source.close()
    health = source.health()
    assert dict(health.properties)["focus"] == "locked at 0"
    assert any("exposure could not be locked" in note for note in health.notes)
    assert any("1280x720 was asked for and the camera gives 0x720" in note for note in health.notes)
    assert any("Motion-JPEG was asked for" in note for note in health.notes)


def test_automatisms_can_be_left_on(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(frames=20)
    opened = iter([driver])
    monkeypatch.setattr(device, "open_capture", lambda *_: next(opened, None))
    source = open_source("device:0", SourceOptions(retries=0, lock=None))
    source.close()
    assert driver.values[AUTO_EXPOSURE] == 3.0
