"""From a sign in one picture to the same kind of sign in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.runtime.channel.warp import shrink_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

_SIDE: Final = 64
_MOST: Final = 0.12  # A refined corner may lie this far from where the outline had it, in sides.
_ROUNDS: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """Where a sign's picture lies in a frame.

    Attributes:
        corners: (4, 2) where the corners of the sign's box (top left, top right, bottom right, bottom left) appear.
        refined: Whether the sign's own picture was matched; otherwise the box of its outline was taken.

    """

    corners: NDArray[np.float64]
    refined: bool


def register(sign: UInt8, frame: UInt8, corners: NDArray[np.float32]) -> Registered:
    """Find the homography from a sign to its like in a frame, by correlation (ECC, Evangelidis & Psarakis 2008).

    Args:
        sign: (h, w, 3) uint8 RGB, a sign that fills the picture.
        frame: (h, w, 3) uint8 RGB, where another one is.
        corners: (4, 2) its box there, continuous pixels.

    """
    place = corners.astype(np.float64)
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    to_frame = cv2.getPerspectiveTransform((unit * _SIDE).astype(np.float32), place.astype(np.float32))
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = _grey(cv2.warpPerspective(frame, to_frame, (_SIDE, _SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE))
    own = _grey(cv2.resize(shrink_for(sign, place), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))
    disc = cv2.circle(np.zeros((_SIDE, _SIDE), np.uint8), (_SIDE // 2, _SIDE // 2), _SIDE // 2, 255, -1)
    start = np.eye(3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(own, seen, start, cv2.MOTION_HOMOGRAPHY, _ROUNDS, np.asarray(disc), 5)
    except cv2.error:  # nothing to hold on to: too small, too dark, another picture
        return Registered(corners=place, refined=False)
    moved = cv2.perspectiveTransform((unit * _SIDE)[None], np.asarray(warp, np.float64))[0]
    if not np.isfinite(moved).all() or np.abs(moved / _SIDE - unit).max() > _MOST:
        return Registered(corners=place, refined=False)
    refined = cv2.perspectiveTransform(moved[None], to_frame)[0]
    return Registered(corners=np.asarray(refined, np.float64), refined=True)


def _grey(picture: cv2.typing.MatLike) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
