"""misread: find images that a deployed classifier misreads, and prove it on the deployed build."""

from __future__ import annotations

import os

__version__ = "0.1.0"

# Pixels. Read once by OpenCV, when it is loaded: a small file must not unpack into all of memory.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))
