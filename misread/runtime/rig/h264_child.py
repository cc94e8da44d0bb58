"""The process that encodes H.264, apart because PyAV and a GUI OpenCV do not live in one. Run as a plain script.

It reads a first line `FORMAT WIDTH HEIGHT RATE`, then per frame one byte (1 asks for a keyframe) and the RGB bytes. It
answers each frame with a byte (1 for a keyframe), the length as 4 bytes, and that many bytes. It ends with its input,
however the parent has died, and leaves Ctrl-C to the parent.
"""

from __future__ import annotations

import io
import os
import signal
import struct
import sys
from fractions import Fraction
from typing import Any, BinaryIO

_MOST_PER_SECOND = 1001


class _Drain(io.RawIOBase):
    """What the multiplexer has written since it was last asked."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


def encode(source: BinaryIO, sink: BinaryIO) -> None:
    """Encode frames until the source ends; `mpegts` gives whole packets of 188 bytes, `h264` Annex B access units."""
    import av
    import numpy as np
    from av.video.frame import PictureType

    name, *numbers = source.readline().split()
    width, height = int(numbers[0]), int(numbers[1])
    rate = Fraction(numbers[2].decode()).limit_denominator(_MOST_PER_SECOND)
    drain = _Drain()
    flags = {"mpegts_flags": "pat_pmt_at_frames"} if name == b"mpegts" else {}
    container = av.open(drain, "w", format=name.decode(), options={"flush_packets": "1", **flags})
    options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "crf": "18", "threads": "1"}
    stream: Any = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.gop_size = max(round(rate), 1)
    number = 0
    while (head := source.read(1)) and len(pixels := source.read(width * height * 3)) == width * height * 3:
        picture = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, number = number, number + 1
        frame.pict_type = PictureType.I if head == b"\1" else PictureType.NONE
        packets = stream.encode(frame)
        container.mux(packets)
        payload = drain.take()
        sink.write(struct.pack(">BI", any(packet.is_keyframe for packet in packets), len(payload)) + payload)
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        encode(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # the parent went away between two frames
        os._exit(0)  # nothing is left to flush into
