"""Boards in a window: what is shown when, how it ends, and what is refused; with a window that is pretended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.errors import CameraError, OptionError
from misread.runtime.board import Exhibit, draw_board
from misread.runtime.rig import Film, Script, plan
from misread.runtime.rig.serve import RigOptions, serve

if TYPE_CHECKING:
    from misread.pixels import UInt8

SCRIPT = Script(clips=2, frames_per_clip=2, blank_frames=1, seed=4)
EXHIBITS = [
    Exhibit(index=0, name="c", arm="clean", image=np.full((16, 16, 3), 90, np.uint8), label="Stop"),
    Exhibit(index=1, name="a", arm="adversarial", image=np.full((16, 16, 3), 200, np.uint8), label="Stop"),
]
FAST = RigOptions(fps=1000, transport="window", script=SCRIPT)


class Screen:
    """Stands for OpenCV's windows; keeps what was shown and presses a key after some pictures."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[UInt8] = []
        self.last, self.key, self.closed = 6, ord("q"), 0
        monkeypatch.setenv("DISPLAY", ":pretend")
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda _, picture: self.shown.append(picture))
        monkeypatch.setattr(cv2, "waitKey", self._wait)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
        monkeypatch.setattr(cv2, "destroyWindow", self._destroy)

    def _wait(self, ms: int) -> int:
        assert ms >= 1  # 0 would wait for a key for ever
        return self.key if len(self.shown) >= self.last else -1

    def _destroy(self, _: str) -> None:
        self.closed += 1


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def test_it_shows_the_scenes_of_the_script_in_order_and_starts_over(screen: Screen) -> None:
    shots = plan(SCRIPT, len(EXHIBITS))
    screen.last = len(shots) + 1
    told: list[str] = []
    served = serve(EXHIBITS, FAST, on_ready=told.append)
    film = Film(SCRIPT, EXHIBITS)
    wanted = [film.scene(shot)[..., ::-1] for shot in (*shots, shots[0])]
    assert [np.array_equal(a, b) for a, b in zip(screen.shown, wanted, strict=True)] == [True] * len(wanted)
    assert served.interrupted
    assert (told, screen.closed) == (["window"], 1)


def test_upright_boards_fill_the_window_and_blanks_are_grey(screen: Screen) -> None:
    serve(EXHIBITS, replace(FAST, upright=True))
    boards = [draw_board(exhibit, 540)[..., ::-1] for exhibit in EXHIBITS]
    order = [shot.exhibit for shot in plan(SCRIPT, len(EXHIBITS))[:6]]
    for shown, exhibit in zip(screen.shown, order, strict=True):
        assert np.array_equal(shown, np.full_like(shown, 128) if exhibit is None else boards[exhibit])


def test_the_scene_lacks_light_optics_and_sensor() -> None:
    film, (shot, *_) = Film(SCRIPT, EXHIBITS), plan(SCRIPT, len(EXHIBITS))
    assert not np.array_equal(film.scene(shot), film.render(shot))


def test_time_ends_it(screen: Screen) -> None:
    screen.last = 10**6
    assert not serve(EXHIBITS, replace(FAST, seconds=0.05)).interrupted
    assert screen.closed == 1


def test_ctrl_c_ends_it_cleanly(screen: Screen) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    assert serve(EXHIBITS, FAST, on_ready=interrupt).interrupted
    assert screen.closed == 1


def test_without_a_display_another_transport_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(CameraError, match="choose another --transport"):
        serve(EXHIBITS, FAST)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transport": "window", "profile": "dashcam"}, "no profile and no port"),
        ({"transport": "window", "port": 8000}, "no profile and no port"),
        ({"upright": True}, "--transport window"),
        ({"clips": 0}, "clips and frames"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        RigOptions(**options)  # type: ignore[arg-type]
