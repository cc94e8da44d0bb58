"""The project's own camera: films exhibits in a drawn street and is opened like any network camera."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

import cv2
import numpy as np

from misread.assets.draw import DRAWN, draw_sign
from misread.assets.scene import draw_background
from misread.errors import InputError
from misread.runtime.board import Exhibit
from misread.runtime.rig import Script, VirtualCamera
from misread.runtime.source.live import Feed, Live
from misread.runtime.source.stream import connector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.runtime.source.frame import Frame, FrameSource, Health
    from misread.runtime.source.options import SourceOptions

FAVOURITE: Final = "Stop"
PATIENCE_S: Final = 60.0
_SIDE_PX: Final = 192


class Virtual:
    """The virtual camera, through encoder, socket and decoder."""

    name: ClassVar[str] = "virtual"
    example: ClassVar[str] = "virtual"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text asks for the virtual camera."""
        return text == cls.name

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """Start the rig and connect to it."""
        del text
        return cls(options)

    def __init__(self, options: SourceOptions) -> None:
        exhibits = options.exhibits or (drawn_exhibit(FAVOURITE),)
        self._camera = VirtualCamera(exhibits, options.script or Script(), fps=options.rig_fps).__enter__()
        every = options.rig_fps is None
        # It cannot hang but be slow on a busy machine; closing it cuts the connection, so nobody waits for this.
        options = replace(options, open_timeout_s=PATIENCE_S, read_timeout_s=PATIENCE_S)
        try:
            self._live = Live(
                Feed(
                    what="the virtual camera",
                    hint="it runs on the loopback address 127.0.0.1; check that nothing forbids connections to it",
                    opener=connector(self._camera.url, options),
                    retries=options.retries if not every else 0,
                    backoff_s=options.backoff_s,
                    every=every,
                    fps=options.fps if every else None,
                    over=lambda: self._camera.finished,
                )
            )
        except BaseException:
            self._camera.stop()
            raise

    def frames(self) -> Iterator[Frame]:
        """Hand out frames until the script is over."""
        return self._live.frames()

    def ready(self, timeout_s: float) -> bool:
        """Wait for a frame or the end."""
        return self._live.ready(timeout_s)

    def health(self) -> Health:
        """Say what was dropped, and that no lens was involved."""
        health = self._live.health()
        note = "virtual camera: encoder, transport and decoder are real, light and optics are simulated"
        return replace(health, notes=(*health.notes, note))

    def close(self) -> None:
        """Stop the rig and the reading."""
        self._camera.stop()
        self._live.close()


def drawn_exhibit(label: str, *, index: int = 0) -> Exhibit:
    """Give a drawn sign before a drawn street, for a rig without a bundle.

    Raises:
        UnknownName: No drawing has this label.

    """
    sign = cv2.resize(draw_sign(label, _SIDE_PX * 2), (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    street = draw_background((_SIDE_PX, _SIDE_PX), np.random.default_rng(0))
    alpha = sign[..., 3:].astype(np.float32) / 255
    image = np.rint(sign[..., :3] * alpha + street * (1 - alpha)).astype(np.uint8)
    return Exhibit(index=index, name=label, arm="clean", image=image, label=label)


def default_exhibit(labels: Sequence[str], wanted: str | None) -> Exhibit:
    """Choose what hangs there when nobody brought a bundle: the wanted label, or the first drawing of a known one.

    Raises:
        InputError: The wanted label has no drawing, or the model knows none of the drawn signs.

    """
    known = sorted((label for label in DRAWN if label in labels), key=FAVOURITE.__ne__)
    if wanted is not None and wanted in DRAWN:
        return drawn_exhibit(wanted)
    if wanted is not None or not known:
        what = f"no sign called {wanted!r}" if wanted is not None else "none of this model's labels"
        raise InputError(f"the virtual camera can draw {what}; show it your own pictures with --bundle FOLDER")
    return drawn_exhibit(known[0])
