"""Each kind of address: what FFmpeg is told of it, and a real sender for it on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from misread.errors import CameraError, InputError
from misread.runtime.source import SourceOptions, open_source
from misread.runtime.source.transport import VARIABLE, told, transport

needs_av = pytest.mark.skipif(find_spec("av") is None, reason="needs PyAV: pip install 'misread[video]'")
PUSHER = Path(__file__).with_name("pusher.py")
LEVELS = (60, 120, 180)


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def sender(url: str, container: str, frames: int = 3000) -> Iterator[None]:
    command = [sys.executable, str(PUSHER), url, container, str(frames)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@needs_av
@pytest.mark.parametrize(
    ("address", "query", "container", "kind"),
    [
        ("tcp://127.0.0.1:{}", "?listen=1", "mpegts", socket.SOCK_STREAM),
        ("udp://127.0.0.1:{}", "", "mpegts", socket.SOCK_DGRAM),
        ("rtsp://127.0.0.1:{}/cam", "?listen=1", "rtsp", socket.SOCK_STREAM),
    ],
)
def test_a_real_sender_is_read(address: str, query: str, container: str, kind: socket.SocketKind) -> None:
    url = address.format(free_port(kind))
    with sender(url, container):
        source = open_source(url + query, SourceOptions(open_timeout_s=30, read_timeout_s=10, retries=0))
        frames = [frame for frame, _ in zip(source.frames(), range(6), strict=False)]
        source.close()
    assert VARIABLE not in os.environ  # RTSP listens because it is told so: OpenCV reads it at each opening
    assert [frame.image.shape for frame in frames] == [(120, 160, 3)] * 6
    stamps = [frame.time_ns for frame in frames]
    assert stamps == sorted(set(stamps))
    # A picture that was half lost on the way is no picture of the sender's; most are.
    good = [min(abs(float(frame.image.mean()) - level) for level in LEVELS) < 4 for frame in frames]
    assert sum(good) >= 4


@pytest.mark.parametrize(
    ("url", "address", "options"),
    [
        ("http://cam/video", "http://cam/video", ""),
        ("rtsp://u:p@cam/1?x=2", "rtsp://u:p@cam/1?x=2", "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay"),
        (
            "RTSP://cam:8554/1?x=2&listen=1",
            "rtsp://cam:8554/1?x=2",
            "rtsp_flags;listen|listen_timeout;3|rtsp_transport;tcp|fflags;nobuffer|flags;low_delay",
        ),
        (
            "tcp://0.0.0.0:9000?listen=1",
            "tcp://0.0.0.0:9000?listen=1",
            "fflags;nobuffer|flags;low_delay|probesize;32768|analyzeduration;0",
        ),
        (
            "udp://0.0.0.0:9000",
            "udp://0.0.0.0:9000?overrun_nonfatal=1&fifo_size=50000",
            "fflags;nobuffer|flags;low_delay|probesize;32768|analyzeduration;0",
        ),
        (
            "udp://0.0.0.0:9000?fifo_size=9",
            "udp://0.0.0.0:9000?fifo_size=9",
            "fflags;nobuffer|flags;low_delay|probesize;32768|analyzeduration;0",
        ),
    ],
)
def test_what_ffmpeg_is_told(url: str, address: str, options: str) -> None:
    assert transport(url, open_timeout_s=2.5) == (address, options)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:{}?listen=1", "start the sender"),
        ("rtsp://127.0.0.1:{}/x?listen=1", "start the sender"),
        ("udp://127.0.0.1:{}", "start the sender"),
        ("rtsp://127.0.0.1:{}/x", "check the address"),
    ],
)
def test_nobody_sends(address: str, said: str) -> None:
    kind = socket.SOCK_DGRAM if address.startswith("udp") else socket.SOCK_STREAM
    with pytest.raises(CameraError, match=f"cannot open stream {address[:4]}.*{said}"):
        open_source(address.format(free_port(kind)), SourceOptions(open_timeout_s=0.2))


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no address of a stream"):
        open_source("rtsp://[::1/cam")


def test_options_stand_there_for_an_opening_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with contextlib.suppress(KeyError), told("a;b"):
        assert os.environ[VARIABLE] == "a;b"
        raise KeyError
    assert VARIABLE not in os.environ
    with told(""):
        assert VARIABLE not in os.environ


def test_options_that_a_user_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mine;1")
    with told("a;b"):
        assert os.environ[VARIABLE] == "mine;1"
    assert os.environ[VARIABLE] == "mine;1"
