"""Writes an H.264 file with B-frames, which are decoded in another order than shown; a program, for PyAV's sake.

Arguments: path, frames. The grey of a frame tells its number.
"""

from __future__ import annotations

import sys
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType


def write(path: str, frames: int) -> None:
    """Write frames of 160 x 120, and fail where none became a B-frame."""
    with av.open(path, "w") as sink:
        stream: Any = sink.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.options = {"bf": "3", "b_adapt": "0", "g": "25", "crf": "10"}
        for index in range(frames):
            picture = np.full((120, 160, 3), 20 + 3 * index, np.uint8)
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        sink.mux(stream.encode())
    with av.open(path) as source:
        kinds = [int(frame.pict_type) for frame in source.decode(video=0)]
    if int(PictureType.B) not in kinds or len(kinds) != frames:
        sys.exit(f"no B-frames in {kinds}")


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
