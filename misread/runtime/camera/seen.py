"""From a source to frames that have been located and read, in turn or, where every frame counts, overlapping."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from misread.runtime.camera.locate import Target
from misread.runtime.camera.observe import prepare
from misread.runtime.source import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from misread.pixels import UInt8
    from misread.runtime.camera.locate import Crop, Locator
    from misread.runtime.camera.subject import Subject
    from misread.runtime.session import Reader, Reading
    from misread.runtime.source import Frame, FrameSource, Gap, Known

#: How long a source that stalls lets somebody wait who wants to end.
ASKED_EVERY_S: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A frame, what was found in it and what every build said of it.

    Attributes:
        frame: As the source gave it.
        gaps: All that the source has told of so far.
        target: Where the picture is, or None.
        crops: Cut out of the frame.
        readings: Gives those of all crops, one for each build, and none without a target; waits while a thread reads.

    """

    frame: Frame
    gaps: tuple[Gap, ...]
    target: Target | None
    crops: Mapping[Crop, UInt8]
    readings: Callable[[], tuple[Reading, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Eyes:
    """What looks at frames.

    Attributes:
        locator: Finds the picture.
        readers: The builds.
        subject: Gives what is read, of what the markers name; says whether its picture fills the input.

    """

    locator: Locator
    readers: Sequence[Reader]
    subject: Callable[[Target], Subject]

    def find(self, frame: Frame, gaps: tuple[Gap, ...]) -> Seen:
        """Locate and prepare; `readings` of what is returned runs the builds."""
        target = self.locator.locate(frame.image) if frame.known is None else _told(frame.known)
        if target is None:
            return Seen(frame=frame, gaps=gaps, target=None, crops={}, readings=tuple)
        crops = target.crops(frame.image)
        readings = prepare(self.readers, crops, fills=self.subject(target).prepared)
        return Seen(frame=frame, gaps=gaps, target=target, crops=crops, readings=readings)


def _told(known: Known) -> Target | None:
    return None if known.corners is None else Target(corners=known.corners, exhibit=known.exhibit)


def see(source: FrameSource, eyes: Eyes, asked: Callable[[], bool]) -> Generator[Seen]:
    """Hand out frames in their order.

    Where a source hands out every frame one thread fetches the frame after next and one reads, while the next is
    located and prepared. One that keeps its reader waiting gives the newest frame, which would grow old meanwhile;
    there all is done in turn.

    Args:
        source: Where frames come from.
        eyes: What looks at them.
        asked: Is called again and again while no frame comes; True ends.

    """
    return _in_turn(source, source, eyes, asked) if isinstance(source, Awaited) else _overlapping(source, eyes)


def _in_turn(source: FrameSource, awaited: Awaited, eyes: Eyes, asked: Callable[[], bool]) -> Generator[Seen]:
    frames = source.frames()
    while True:
        while not awaited.ready(ASKED_EVERY_S):
            if asked():
                return
        if (frame := next(frames, None)) is None:
            return
        yield eyes.find(frame, source.health().gaps)


def _overlapping(source: FrameSource, eyes: Eyes) -> Generator[Seen]:
    frames = source.frames()

    def fetch() -> tuple[Frame | None, tuple[Gap, ...]]:
        return next(frames, None), source.health().gaps  # the gaps before this frame and none of later ones

    with ThreadPoolExecutor(1, "misread-fetcher") as fetcher, ThreadPoolExecutor(1, "misread-reader") as reader:
        before: Seen | None = None
        coming = fetcher.submit(fetch)
        while True:
            frame, gaps = coming.result()
            if frame is None:
                break
            coming = fetcher.submit(fetch)
            found = eyes.find(frame, gaps)
            found = replace(found, readings=reader.submit(found.readings).result)
            if before is not None:
                yield before
            before = found
        if before is not None:
            yield before
