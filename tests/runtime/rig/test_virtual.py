"""The virtual camera as a real HTTP server, opened by OpenCV like any network camera."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.board import Exhibit
from misread.runtime.rig import Camera, Script, VirtualCamera
from misread.runtime.rig.broadcast import Broadcast
from misread.runtime.source.capture import open_capture

SMALL = Camera(width=320, height=240, focal_px=270)
SCRIPT = Script(clips=2, frames_per_clip=4, blank_frames=2)
EXHIBIT = Exhibit(index=0, name="a", arm="clean", image=np.full((16, 16, 3), 180, np.uint8), label="Stop")


def frames(url: str) -> Iterator[np.ndarray]:
    capture = open_capture(url, cv2.CAP_FFMPEG, (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000))
    assert capture is not None
    try:
        while True:
            done, frame = capture.read()
            if not done:
                return
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def test_every_frame_arrives_in_order_and_the_stream_ends() -> None:
    with VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL) as camera:
        seen = list(frames(camera.url))
        assert camera.finished
        rng = np.random.default_rng(0)
        codec = SCRIPT.profile.codec()
        expected = [codec.apply(camera.film.render(shot), rng) for shot in camera.shots]
    assert len(seen) == len(expected) == 12
    for one, other in zip(seen, expected, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 2.5  # two JPEG decoders


def test_two_viewers_in_step_both_get_everything() -> None:
    counts: list[int] = []
    with VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL) as camera:
        start = threading.Barrier(3)

        def view() -> None:
            with urllib.request.urlopen(camera.url, timeout=20) as stream:  # noqa: S310  our own server on loopback
                start.wait()
                counts.append(stream.read().count(b"\xff\xd8\xff"))

        assert isinstance(camera.outlet.viewers, Broadcast)
        camera.outlet.viewers._taken[0] = -1  # a viewer behind: holds the film back until both have joined
        viewers = [threading.Thread(target=view) for _ in range(2)]
        for viewer in viewers:
            viewer.start()
        start.wait()
        camera.outlet.viewers.leave(0)
        for viewer in viewers:
            viewer.join()
    assert counts == [12, 12]


def test_a_paced_camera_goes_on_without_viewers_and_ends() -> None:
    with VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL, fps=500) as camera:
        deadline = time.monotonic() + 20
        while not camera.finished and time.monotonic() < deadline:
            time.sleep(0.01)
        assert camera.finished


def test_a_looping_camera_runs_until_it_is_stopped() -> None:
    with VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL, loop=True) as camera:
        seen = frames(camera.url)
        assert sum(1 for _, _ in zip(range(20), seen, strict=False)) == 20  # more than the 12 of the script
        seen.close()  # type: ignore[attr-defined]


def test_stopping_does_not_wait_for_a_viewer_that_hangs() -> None:
    with VirtualCamera([EXHIBIT], SCRIPT, fps=200, loop=True) as camera:
        host, port = camera.url.removeprefix("http://").partition("/")[0].split(":")
        hung = socket.create_connection((host, int(port)))
        hung.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        hung.sendall(b"GET /stream.mjpg HTTP/1.0\r\n\r\n")
        time.sleep(0.3)  # never reads: the server's socket fills up
    hung.close()


def test_stopping_twice_and_without_viewers_is_fine() -> None:
    camera = VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL)
    with camera:
        pass
    camera.stop()


def test_other_paths_are_not_found() -> None:
    with (
        VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL) as camera,
        pytest.raises(urllib.error.HTTPError, match="404"),
    ):
        urllib.request.urlopen(camera.url + "x")  # noqa: S310  our own server on loopback


def test_it_listens_on_loopback_only() -> None:
    with VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL) as camera:
        assert camera.url.startswith("http://127.0.0.1:")


def test_there_is_no_address_before_the_start() -> None:
    with pytest.raises(OptionError, match="with statement"):
        _ = VirtualCamera([EXHIBIT], SCRIPT).url


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 5000.0])
def test_rates_without_sense_are_refused(fps: float) -> None:
    with pytest.raises(OptionError, match="fps"):
        VirtualCamera([EXHIBIT], SCRIPT, fps=fps)


def test_a_slow_viewer_of_a_live_broadcast_gets_the_newest() -> None:
    broadcast = Broadcast(lockstep=False)
    broadcast.join(1)
    for number in range(5):
        assert broadcast.publish(b"%d" % number)
    assert broadcast.next(1) == b"4"
    broadcast.end()
    assert broadcast.next(1) is None
    assert not broadcast.publish(b"5")


def test_a_drain_that_is_ended_says_so() -> None:
    broadcast = Broadcast(lockstep=True)
    broadcast.join(1)
    assert broadcast.drain()
    broadcast.publish(b"0")
    broadcast.end()
    assert not broadcast.drain()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is planted
def test_a_film_that_breaks_leaves_no_viewer_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(shot: object) -> np.ndarray:
        raise RuntimeError("planted")

    camera = VirtualCamera([EXHIBIT], SCRIPT, camera=SMALL)
    monkeypatch.setattr(camera.film, "render", broken)
    with camera:
        camera._thread.join(10)
        assert camera.outlet.viewers.ended
        assert not camera.finished
