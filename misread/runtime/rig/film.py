"""One frame of the virtual camera: a drawn street, the board in perspective, light, optics, sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.assets.scene import draw_background
from misread.runtime.board import Exhibit, draw_board
from misread.runtime.channel.warp import paste, shrink_for
from misread.runtime.rig.pose import Camera
from misread.runtime.rig.script import Script, Shot, frame_generator, take_channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.pixels import UInt8
    from misread.runtime.channel import Channel

_STREETS: Final = 4
_STREET: Final = 4  # Stream of random numbers, beside those of the script.
_POST_M: Final = 0.07
_POST: Final = (108, 112, 116)
_SHADE: Final = (78, 82, 86)
_BIT: Final = 4  # Sub-pixel bits of the post's outline.


class Film:
    """Renders shots. The same script, exhibits and camera give the same frames, bit for bit and in any order."""

    def __init__(self, script: Script, exhibits: Sequence[Exhibit], camera: Camera | None = None) -> None:
        self.script, self.exhibits, self.camera = script, tuple(exhibits), camera or Camera()
        self._boards = tuple(draw_board(exhibit) for exhibit in self.exhibits)
        self._streets: dict[int, UInt8] = {}
        self._take: tuple[int, Channel] | None = None

    def render(self, shot: Shot) -> UInt8:
        """Film one shot: (camera.height, camera.width, 3) uint8 RGB, before the codec."""
        return self._channel(shot.take).film(self.scene(shot), frame_generator(self.script, shot))

    def scene(self, shot: Shot) -> UInt8:
        """Draw what stands before the camera, in its perspective: without light, optics and sensor; sized likewise."""
        frame = self._street(shot.take % _STREETS).copy()
        if shot.exhibit is not None:
            corners = shot.pose.project(self.script.side_m, self.camera)
            self._draw_post(frame, shot)
            board = self._boards[shot.exhibit]
            paste(frame, shrink_for(board, corners), corners)
        return frame

    def _street(self, number: int) -> UInt8:
        if number not in self._streets:
            rng = np.random.default_rng([self.script.seed, _STREET, number])
            self._streets[number] = draw_background((self.camera.height, self.camera.width), rng)
        return self._streets[number]

    def _channel(self, take: int) -> Channel:
        if self._take is None or self._take[0] != take:
            self._take = (take, take_channel(self.script, take))
        return self._take[1]

    def _draw_post(self, frame: UInt8, shot: Shot) -> None:
        scale = self.camera.focal_px / shot.pose.distance_m
        middle = self.camera.width / 2 + shot.pose.x_m * scale
        top = self.camera.height / 2 + shot.pose.y_m * scale
        half = _POST_M * scale / 2
        for left, right, colour in ((-half, half, _POST), (half * 0.3, half, _SHADE)):
            outline = [[middle + left, top], [middle + right, top]]
            outline += [[middle + right, frame.shape[0]], [middle + left, frame.shape[0]]]
            points = np.round(np.array(outline) * (1 << _BIT)).astype(np.int32)
            cv2.fillPoly(frame, [points], colour, cv2.LINE_AA, _BIT)
