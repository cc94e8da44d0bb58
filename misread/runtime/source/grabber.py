"""Grabs an X11 screen with PyAV and writes its frames to standard output: a program, run by `screen`.

It has a process of its own because PyAV beside an OpenCV that opens windows can hang, and it imports nothing of
misread, which would bring OpenCV in. Arguments: display, frames per second, and where it is not the whole screen
WIDTH HEIGHT X Y. Written: width and height as two little-endian 32-bit numbers, then frames of (height, width, 3) BGR.
"""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO, cast


def grab_screen(arguments: list[str], sink: BinaryIO) -> None:
    """Write frames until nobody reads any more.

    Raises:
        OSError: There is no such display, the region does not lie on it, or the reader has gone.

    """
    import av

    display, fps, *region = arguments
    options = {"framerate": fps, "draw_mouse": "0"}
    if region:
        width, height, left, top = region
        options |= {"video_size": f"{width}x{height}", "grab_x": left, "grab_y": top}
    with av.open(display, format="x11grab", options=options) as screen:
        size = screen.streams.video[0]
        sink.write(struct.pack("<II", size.width, size.height))
        for frame in screen.decode(video=0):
            sink.write(frame.to_ndarray(format="bgr24").tobytes())
            sink.flush()


if __name__ == "__main__":
    try:
        grab_screen(sys.argv[1:], cast("BinaryIO", sys.stdout.buffer))
    except OSError as lost:
        sys.exit(str(lost))
