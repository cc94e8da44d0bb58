"""A network camera that dies in chosen ways and comes back on the same port; a process of its own, light to start."""

from __future__ import annotations

import contextlib
import fcntl
import random
import socket
import struct
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

#: How a visit ends: the camera hangs up, cuts the connection, falls silent, or breaks off within a picture.
DEATHS: Final = ("close", "reset", "stall", "half")
#: What those who come next meet before it is well again: an error, a hang-up, nobody.
REFUSALS: Final = ("error", "hang-up", "nobody")
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
ERROR: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOBODY_S: Final = 0.15
_LINGER: Final = struct.pack("ii", 1, 0)
_LEAST: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One life.

    Attributes:
        frames: Pictures it gives.
        death: One of `DEATHS`, or None to go on with the last picture until the viewer goes.
        refusals: What those who come after its death meet first.

    """

    frames: int
    death: str | None
    refusals: tuple[str, ...] = ()


def lives(frames: int, *, every: int, seed: int) -> tuple[Visit, ...]:
    """Plan lives of `every` pictures on average, and at least 40, so that all of them make `frames`."""
    draw, planned = random.Random(seed), list[Visit]()  # noqa: S311  no secret
    while (left := frames - sum(visit.frames for visit in planned)) > 2 * _LEAST:
        length = min(_LEAST + round(draw.expovariate(1 / max(every - _LEAST, 1))), left - _LEAST)
        refusals = tuple(draw.choices(REFUSALS, k=draw.choice((0, 0, 1, 2))))
        planned.append(Visit(frames=length, death=draw.choice(DEATHS), refusals=refusals))
    return (*planned, Visit(frames=left, death=None))


def serve(pipe: Connection, visits: Sequence[Visit], pictures: Sequence[bytes], last: bytes) -> None:
    """Live through all visits on one port of 127.0.0.1, which is sent first; then send how many were lived.

    The pictures are JPEG and given in turn as fast as they are taken; `last` follows when no death is to come.
    """
    listener = listen(0)
    port = int(listener.getsockname()[1])
    pipe.send(port)
    sent = 0
    for visit in visits:
        viewer = welcome(listener)
        with viewer, contextlib.suppress(OSError):  # the last viewer goes when it has seen enough
            viewer.sendall(HEAD)
            for _ in range(visit.frames):
                viewer.sendall(part(pictures[sent % len(pictures)]))
                sent += 1
            while visit.death is None:
                viewer.sendall(part(last))
            die(viewer, visit.death, part(pictures[0]))
        listener = refuse(listener, port, visit.refusals)
    listener.close()
    pipe.send(sent)


def part(jpeg: bytes) -> bytes:
    """Wrap a picture."""
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


def die(viewer: socket.socket, death: str, picture: bytes) -> None:
    """End a visit; one that falls silent waits for the viewer to go."""
    if death == "half":
        viewer.sendall(picture[: len(picture) // 2])
    elif death == "reset":
        while struct.unpack("i", fcntl.ioctl(viewer, termios.TIOCOUTQ, b"\0" * 4))[0]:
            time.sleep(0.001)  # what has not left yet would be lost, and the hour shorter
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    elif death == "stall":
        while viewer.recv(4096):
            pass


def refuse(listener: socket.socket, port: int, refusals: Sequence[str]) -> socket.socket:
    """Turn away who comes, in the order given; return what listens from now on."""
    for refusal in refusals:
        if refusal == "nobody":
            listener.close()
            time.sleep(NOBODY_S)
            listener = listen(port)
            continue
        with welcome(listener) as viewer, contextlib.suppress(OSError):  # it may be gone
            viewer.sendall(ERROR if refusal == "error" else b"")
    return listener


def listen(port: int) -> socket.socket:
    """Listen on a port of 127.0.0.1 that may just have been given up."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def welcome(listener: socket.socket) -> socket.socket:
    """Let somebody in who has asked for something."""
    while True:
        viewer = listener.accept()[0]
        with contextlib.suppress(OSError):  # gone again
            if viewer.recv(65536):
                return viewer
        viewer.close()
