"""One picture shown to the camera, and the marker ids that say which one it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import cv2

from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.wish import Wish

Arm = Literal["clean", "adversarial", "placebo", "background"]
ARMS: Final[tuple[Arm, ...]] = get_args(Arm)
CORNERS: Final = 4
EDGES: Final = 8
CORNER_DICTIONARY: Final = cv2.aruco.DICT_4X4_50
EDGE_DICTIONARY: Final = cv2.aruco.DICT_APRILTAG_36h11  # other bits and another size: no id is read as a corner's
Mark = tuple[int, int]
"""(OpenCV's number of the dictionary, id)."""
MAX_EXHIBITS: Final = 12  # DICT_4X4_50 has 50 markers, four to an exhibit.


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhibit:
    """One picture shown to the camera.

    Attributes:
        index: 0 to 11; the markers around the picture carry it.
        name: What reports call it, e.g. `"physical"`.
        arm: The condition it stands for.
        image: (h, w, 3) uint8 RGB, as a file holds it.
        label: The label a right reading gives; empty for the background arm.
        target: What the attacker wanted; None where any wrong label will do.
        group: Exhibits of one group are compared: the clean one is the control of the changed ones.
        prepared: The picture is what a model's input holds, so what is seen of it is not cropped once more.

    """

    index: int
    name: str
    arm: Arm
    image: UInt8
    label: str
    target: Wish | None = None
    group: str = "sign"
    prepared: bool = False

    def __post_init__(self) -> None:
        """Refuse an index without markers, an unknown arm, and a picture that is not one."""
        if not 0 <= self.index < MAX_EXHIBITS:
            message = f"an exhibit's index is 0 to {MAX_EXHIBITS - 1}, got {self.index}; show fewer witnesses at once"
            raise OptionError(message)
        if self.arm not in ARMS:
            message = f"an exhibit's arm is one of {', '.join(ARMS)}, got {self.arm!r}"
            raise OptionError(message)
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype.name != "uint8" or not self.image.size:
            message = f"an exhibit's picture is (h, w, 3) uint8 RGB, got {self.image.shape} {self.image.dtype}"
            raise OptionError(message)

    @property
    def aspect(self) -> float:
        """Width over height of the picture."""
        height, width = self.image.shape[:2]
        return float(width / height)


def marker_id(exhibit: int, corner: int) -> int:
    """Give the ArUco id at a corner (0 to 3: top left, top right, bottom right, bottom left) of an exhibit."""
    return CORNERS * exhibit + corner


def edge_marker_id(exhibit: int, place: int) -> int:
    """Give the AprilTag id at a place along the edges (0 to 7, clockwise from the top left) of an exhibit."""
    return EDGES * exhibit + place


def read_marker(mark: Mark) -> int:
    """Give the exhibit that a marker belongs to, which may lie beyond the last one."""
    dictionary, marker = mark
    return marker // (CORNERS if dictionary == CORNER_DICTIONARY else EDGES)


def read_marker_id(marker: int) -> tuple[int, int]:
    """Give (exhibit, corner) of an ArUco id; the exhibit may lie beyond the last one."""
    return divmod(marker, CORNERS)
