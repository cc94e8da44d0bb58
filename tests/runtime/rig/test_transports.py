"""H.264 over TCP and RTSP, read by OpenCV as any camera: every viewer, in order, and nothing left behind."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from misread.errors import CameraError, MissingExtra, OptionError, UnknownName
from misread.runtime.board import Exhibit
from misread.runtime.rig import Camera, Script, VirtualCamera
from misread.runtime.rig import encoder as encoders
from misread.runtime.rig.encoder import Encoder
from misread.runtime.rig.relay import Relay
from misread.runtime.rig.rtp import Packetiser, units
from misread.runtime.rig.rtsp import RtspServer
from misread.runtime.source.capture import grab, open_capture

SMALL = Camera(width=320, height=240, focal_px=270)
EXHIBIT = Exhibit(index=0, name="a", arm="clean", image=np.full((16, 16, 3), 180, np.uint8), label="Stop")
BITS, BLOCK = 12, 16


def paint(number: int) -> np.ndarray:
    """A number in blocks that survive H.264: (240, 320, 3) uint8."""
    bits = np.array([(number >> bit) & 1 for bit in range(BITS)], np.uint8) * 255
    frame = np.full((240, 320, 3), 90, np.uint8)
    frame[:BLOCK, : BITS * BLOCK] = np.repeat(bits, BLOCK)[None, :, None]
    return frame


def read_number(frame: np.ndarray) -> int:
    row = frame[BLOCK // 2, BLOCK // 2 : BITS * BLOCK : BLOCK].mean(axis=1) > 127
    return int((row << np.arange(BITS)).sum())


def counting(transport: str, monkeypatch: pytest.MonkeyPatch) -> VirtualCamera:
    camera = VirtualCamera([EXHIBIT], Script(clips=1), camera=SMALL, fps=60, loop=True, transport=transport)
    numbers = itertools.count()
    monkeypatch.setattr(camera.film, "render", lambda shot: paint(next(numbers)))
    return camera


def look(url: str, count: int) -> list[int]:
    capture = open_capture(url, cv2.CAP_FFMPEG, (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 20_000))
    assert capture is not None
    try:
        frames = [grab(capture) for _ in range(count)]
    finally:
        capture.release()
    return [read_number(frame) for frame in frames if frame is not None]


@pytest.mark.parametrize("transport", ["tcp", "rtsp"])
def test_every_viewer_gets_all_frames_in_order(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    with counting(transport, monkeypatch) as camera:
        first, second = look(camera.url, 20), look(camera.url, 20)  # one after the other, of one encoder
        child = camera.outlet.encoder._child if camera.outlet.encoder else None
    for seen in (first, second):
        assert seen == list(range(seen[0], seen[0] + 20))
    assert second[0] > first[-1]
    assert child is not None
    assert child.returncode == 0


@pytest.mark.parametrize("transport", ["tcp", "rtsp"])
def test_stopping_does_not_wait_for_who_hangs(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    with counting(transport, monkeypatch) as camera:
        port = int(camera.url.split(":")[2].partition("/")[0])
        hung = socket.create_connection(("127.0.0.1", port))
    hung.close()


def test_an_encoder_that_dies_ends_the_film_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    with counting("tcp", monkeypatch) as camera:
        look(camera.url, 1)
        assert camera.outlet.encoder is not None
        camera.outlet.encoder._child.kill()
        with pytest.raises(CameraError, match="has ended"):
            camera.wait(60)


def test_the_encoder_ends_with_a_parent_that_is_killed() -> None:
    pytest.importorskip("av")
    program = (
        "from misread.runtime.rig.encoder import Encoder; import time\n"
        "e = Encoder('h264', size=(64, 64), fps=30); print(e._child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    # Who has ended and is not yet waited for counts as gone.
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_ctrl_c_is_left_to_the_parent() -> None:
    pytest.importorskip("av")
    encoder = Encoder("h264", size=(64, 64), fps=30)
    frame = np.zeros((64, 64, 3), np.uint8)
    assert encoder.encode(frame)[1]  # a film begins with a keyframe
    encoder._child.send_signal(signal.SIGINT)
    payload, key = encoder.encode(frame)
    assert payload.startswith(b"\0\0\0\1")
    assert not key
    assert encoder.encode(frame, key=True)[1]
    encoder.close()
    encoder.close()
    with pytest.raises(CameraError, match="python -m av"):
        encoder.encode(frame)


def test_without_av_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"misread\[video\]"):
        VirtualCamera([EXHIBIT], Script(), fps=30, transport="tcp")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"transport": "smoke"}, UnknownName),
        ({"port": 70_000}, OptionError),
        ({"transport": "tcp", "fps": None}, OptionError),
        ({"transport": "tcp", "camera": Camera(width=321, height=240, focal_px=270)}, OptionError),
    ],
)
def test_transports_without_sense_are_refused(options: dict[str, object], error: type[Exception]) -> None:
    pytest.importorskip("av")
    with pytest.raises(error):
        VirtualCamera([EXHIBIT], Script(), **{"fps": 30.0, **options})  # type: ignore[arg-type]


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        camera = VirtualCamera([EXHIBIT], Script(), fps=5, port=taken.getsockname()[1])
        with pytest.raises(CameraError, match="leave --port out"):
            camera.__enter__()


def test_a_viewer_begins_with_a_keyframe_and_so_does_one_that_fell_behind() -> None:
    relay = Relay()
    relay.join(1)
    assert relay.wants_key
    relay.publish((b"lost", False))
    relay.publish((b"key", True))
    relay.publish((b"next", False))
    assert [relay.next(1), relay.next(1)] == [b"key", b"next"]
    for number in range(121):
        relay.publish((b"%d" % number, False))
    assert relay.wants_key
    relay.publish((b"again", True))
    assert relay.next(1) == b"again"
    assert relay.drain()
    relay.leave(1)
    assert relay.next(1) is None
    relay.end()
    assert not relay.publish((b"late", True))


def test_rtp_packets_put_together_again_are_the_units() -> None:
    rng = np.random.default_rng(0)
    small, large = (
        b"\x67" + bytes(rng.integers(1, 256, 20, np.uint8)),
        b"\x65" + bytes(rng.integers(1, 256, 5000, np.uint8)),
    )
    access_unit = b"\0\0\0\1" + small + b"\0\0\1" + large
    assert units(access_unit) == [small, large]
    packets = list(Packetiser(ssrc=7).packets(access_unit, 3000))
    assert [int.from_bytes(packet[2:4], "big") for packet in packets] == [0, 1, 2, 3, 4]
    assert [packet[1] >> 7 for packet in packets] == [0, 0, 0, 0, 1]  # the marker ends the picture
    assert packets[0][12:] == small
    parts = [packet[12:] for packet in packets[1:]]
    assert [part[0] for part in parts] == [0x60 | 28] * 4
    assert [part[1] for part in parts] == [0x80 | 5, 5, 5, 0x40 | 5]  # start, middle, end
    assert b"\x65" + b"".join(part[2:] for part in parts) == large


def test_the_rtsp_server_answers_as_the_rules_say() -> None:
    relay = Relay()
    server = RtspServer(relay)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as viewer, viewer.makefile("rb") as answers:

        def ask(method: str, more: str = "", path: str = "/rig") -> tuple[str, dict[str, str], str]:
            viewer.sendall(f"{method} rtsp://127.0.0.1{path} RTSP/1.0\r\nCSeq: 5\r\n{more}\r\n".encode())
            status = answers.readline().decode().split(" ", 1)[1].strip()
            lines = iter(lambda: answers.readline().decode().strip(), "")
            headers = dict(line.split(": ", 1) for line in lines)
            return status, headers, answers.read(int(headers.get("Content-Length", 0))).decode()

        assert "DESCRIBE" in ask("OPTIONS")[1]["Public"]
        assert "H264/90000" in ask("DESCRIBE")[2]
        assert ask("DESCRIBE", path="/other")[0] == "404 Not Found"
        assert ask("PLAY")[0].startswith("455")
        assert ask("SETUP", "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n")[0].startswith("461")
        assert ask("RECORD")[0].startswith("405")
        viewer.sendall(b"$\1\0\2ab")  # a report that the viewer sends between its requests
        status, headers, _ = ask("SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "/rig/track0")
        assert (status, headers["CSeq"]) == ("200 OK", "5")
        assert ask("PLAY")[0] == "200 OK"
        relay.publish((b"\0\0\0\1\x65abc", True))
        packet = answers.read(4 + 12 + 4)
        assert packet[:4] == b"$\0\0\x10"
        assert packet[16:] == b"\x65abc"
        assert ask("TEARDOWN")[0] == "200 OK"
        assert answers.read() == b""
    server.stop()
