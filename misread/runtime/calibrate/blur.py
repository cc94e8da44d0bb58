"""How wide the camera draws an edge: the outer edges of the large markers, from ink to paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.runtime.board import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

    Floats = NDArray[np.float32]

_STEP_PX: Final = 0.25
_LINES: Final = 24
_ALONG: Final = (0.2, 0.8)  # Of an edge: its ends are corners.
_REACH: Final = 0.15  # Of a marker's side, to both sides of the edge: a module is a sixth, and so is the white.
_FLOOR: Final = 0.08
#: Variance in squared pixels of a pixel's own area and of the interpolation between pixels.
_OWN: Final = 1 / 12 + 1 / 6


def blur_px(frame: UInt8, plane: NDArray[np.float64]) -> float:
    """Give the radius in pixels of the disc that blurs as much; 0 where nothing beyond the pixels does.

    The line spread of a disc of radius r has the variance r^2 / 4.

    Args:
        frame: (h, w, 3) uint8 RGB.
        plane: (3, 3) from board shares to continuous pixels.

    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    variances = []
    for corner in range(4):
        marker = cv2.perspectiveTransform(Layout().marker_corners(corner)[None], plane)[0]
        middle = marker.mean(axis=0)
        for start, end in zip(marker, np.roll(marker, -1, axis=0), strict=True):
            variances.append(_spread(grey, start, end, middle))
    return float(2 * np.sqrt(max(float(np.median(variances)) - _OWN, 0.0)))


def _spread(grey: Floats, start: Floats, end: Floats, middle: Floats) -> float:
    """Give the variance of the line spread across an edge, in squared pixels."""
    side = float(np.linalg.norm(end - start))
    normal = np.array([end[1] - start[1], start[0] - end[0]]) / side
    outward = normal if np.dot(normal, (start + end) / 2 - middle) > 0 else -normal
    offsets = np.arange(-_REACH * side, _REACH * side + _STEP_PX / 2, _STEP_PX)
    along = np.linspace(*_ALONG, _LINES)[:, None, None]
    points = start + along * (end - start) + offsets[None, :, None] * outward - 0.5
    x, y = (np.ascontiguousarray(points[..., axis], np.float32) for axis in (0, 1))
    edge = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=0)
    weight = np.clip(np.diff(edge), 0, None)
    weight[weight < _FLOOR * weight.max()] = 0  # noise far from the edge would count by its distance squared
    at = (offsets[1:] + offsets[:-1]) / 2
    centre = float((weight * at).sum() / max(weight.sum(), 1e-6))
    return float((weight * (at - centre) ** 2).sum() / max(weight.sum(), 1e-6))
