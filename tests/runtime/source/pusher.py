"""Sends H.264 to a reader that listens, as an encoder box does; run as a program, PyAV is kept out of OpenCV's process.

Arguments: address, container format, frames. Each frame is a grey picture; a connection that is refused is tried again.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import av
import numpy as np

SIZE = (160, 120)
LEVELS = (60, 120, 180)


def connect(url: str, container: str, deadline: float) -> Any:
    options = {"rtsp_transport": "tcp"} if container == "rtsp" else {}
    while True:
        try:
            sink = av.open(url, "w", format=container, options=options)
            stream: Any = sink.add_stream("libx264", rate=30)
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "5"}
            sink.start_encoding()
        except (OSError, av.FFmpegError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return sink, stream


def push(url: str, container: str, frames: int) -> None:
    sink, stream = connect(url, container, time.monotonic() + 20)
    for index in range(frames):
        image = np.full((SIZE[1], SIZE[0], 3), LEVELS[index % len(LEVELS)], np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        sink.mux(stream.encode(frame))
        time.sleep(1 / 60)
    sink.mux(stream.encode())
    sink.close()


if __name__ == "__main__":
    try:
        push(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except OSError as error:
        sys.exit(f"{error}")  # the reader has hung up
