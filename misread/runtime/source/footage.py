"""Pictures of a real sign, each shown clean and with a bundle's changes blended in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from misread.errors import FileError, InputError
from misread.pixels import SUFFIXES, read_image
from misread.runtime.footage import blended, light_of, register
from misread.runtime.rig.script import Script
from misread.runtime.source.folder import natural
from misread.runtime.source.frame import Frame, Health, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from misread.pixels import UInt8
    from misread.runtime.board import Exhibit
    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

    Outline = Callable[[UInt8], NDArray[np.float32] | None]

PREFIX: Final = "footage:"
_FRAME_NS: Final = 10**9 // 30
_TRACK: Final = re.compile(r"(\d+)_\d+", re.ASCII)
_COVERS: Final = 64  # A larger change, in levels, is paint or paper, and not a tint.


class Footage:
    """`footage:FOLDER`: each subfolder, or each `TRACK_FRAME` in the files' names, is a clip of one sign.

    Every frame comes once for each exhibit: the clean one as it is, each other one with its change from the clean
    picture in the place and light of the frame's own sign; all of them through the same draw of the test channel.
    """

    name: ClassVar[str] = "footage"
    example: ClassVar[str] = "footage:frames/"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text says so."""
        return text.startswith(PREFIX)

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """List the pictures, and find the sign in each of the exhibits.

        Raises:
            InputError: No exhibits, or no sign is found in a clean one.
            FileError: The folder holds no pictures.

        """
        return cls(Path(text.removeprefix(PREFIX)), options.exhibits, options.script or Script())

    def __init__(self, path: Path, exhibits: Sequence[Exhibit], script: Script) -> None:
        if not any(exhibit.arm == "clean" for exhibit in exhibits):
            raise InputError("footage shows a bundle's changes on real signs; name one with --bundle")
        self._prints = tuple(_prints(exhibits))
        self._clips = _clips(path)
        self._script, self._boxed, self._open = script, 0, True

    @property
    def takes(self) -> int:
        """How many clips there are of every exhibit; clip k of each is made of the same frames."""
        return len(self._clips)

    def frames(self) -> Iterator[Frame]:
        """Hand out every frame of a clip with one exhibit, then with the next.

        Raises:
            FileError: A picture is broken; the message names it.

        """
        index = 0
        for number, (part, files) in enumerate(self._clips):
            for place in range(len(self._prints)):
                for image, known in self._film(number, files, place):
                    if not self._open:
                        return
                    yield Frame(image=image, index=index, time_ns=index * _FRAME_NS, part=part, known=known)
                    index += 1

    def health(self) -> Health:
        """Tell how many pictures there are, and in how many the sign was not found."""
        frames = sum(len(files) for _, files in self._clips)
        properties = (("pictures", str(frames)), ("clips", str(len(self._clips))))
        notes: tuple[str, ...] = (
            "real footage, into which the changes were blended: optics and light of the sign, not of the change",
        )
        if self._boxed:
            notes += (f"in {self._boxed} frames the place is that of the outline's box, for want of a better match",)
        return Health(properties=properties, notes=notes)

    def close(self) -> None:
        """Stop handing out pictures."""
        self._open = False

    def _film(self, number: int, files: Sequence[Path], place: int) -> Iterator[tuple[UInt8, Known]]:
        shown = self._prints[place]
        find = _outline(shown.colour)
        seed, profile = self._script.seed, self._script.profile
        channel, codec = profile.draw(np.random.default_rng([seed, number])), profile.codec()
        for at, file in enumerate(files):
            frame = read_image(file)
            box = find(frame)
            image = frame if box is None else self._blend(frame, shown, box)
            rng = np.random.default_rng([seed, number, at])
            yield codec.apply(channel.film(image, rng), rng), Known(exhibit=shown.exhibit, corners=box)

    def _blend(self, frame: UInt8, shown: _Print, box: NDArray[np.float32]) -> UInt8:
        if shown.changed is None:
            return frame
        found = register(shown.clean, frame, box)
        self._boxed += not found.refined
        light = light_of(frame, shown.clean, found.corners)
        return blended(frame, shown.clean, shown.changed, found.corners, light, covers=shown.covers)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Print:
    """The sign of an exhibit, cut out: clean, and changed unless it is the clean one."""

    exhibit: int
    clean: UInt8
    changed: UInt8 | None
    covers: bool
    colour: str


def _prints(exhibits: Sequence[Exhibit]) -> Iterator[_Print]:
    clean = {exhibit.group: exhibit for exhibit in exhibits if exhibit.arm == "clean"}
    largest: dict[str, int] = {}
    for exhibit in exhibits:
        if exhibit.group in clean and exhibit.image.shape == clean[exhibit.group].image.shape:
            change = int(np.abs(exhibit.image.astype(int) - clean[exhibit.group].image).max())
            largest[exhibit.group] = max(change, largest.get(exhibit.group, 0))
    for exhibit in exhibits:
        if exhibit.group not in clean:
            continue
        whole = clean[exhibit.group].image
        colour, box = _sign_in(whole)
        if box is None or exhibit.image.shape != whole.shape:
            message = f"no red, blue or yellow sign is found in the clean picture of {exhibit.name}"
            raise InputError(f"{message}; footage takes witnesses of one sign that stands whole in its picture")
        # Beyond the outline, so that no change at its rim is lost.
        left, top = np.floor(box.min(axis=0)).astype(int)
        right, bottom = np.ceil(box.max(axis=0)).astype(int)
        cut = slice(max(int(top), 0), int(bottom)), slice(max(int(left), 0), int(right))
        yield _Print(
            exhibit=exhibit.index,
            clean=whole[cut],
            changed=None if exhibit.arm == "clean" else exhibit.image[cut],
            # Of the group, so that a change and its placebo are shown alike.
            covers=largest[exhibit.group] > _COVERS,
            colour=colour,
        )


def _clips(path: Path) -> tuple[tuple[str, tuple[Path, ...]], ...]:
    found = [entry for entry in path.rglob("*") if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    if not found:
        raise FileError(f"{path} holds no pictures; expected folders of files that end in {', '.join(SUFFIXES)}")
    ordered = sorted(found, key=lambda entry: natural(entry.relative_to(path)))
    return tuple((name, tuple(files)) for name, files in groupby(ordered, key=lambda entry: _clip_of(entry, path)))


def _clip_of(file: Path, root: Path) -> str:
    track = _TRACK.fullmatch(file.stem)
    folder = file.parent.relative_to(root)
    return (folder / track[1] if track else folder).as_posix()


def _sign_in(picture: UInt8) -> tuple[str, NDArray[np.float32] | None]:
    """Give the first colour that shows a sign, and the sign's box."""
    from misread.runtime.camera.locate.contour import COLOURS  # cameras stand above sources

    found = ((colour, _outline(colour)(picture)) for colour in COLOURS)
    return next((one for one in found if one[1] is not None), ("", None))


def _outline(colour: str) -> Outline:
    """Give what finds the box of a sign of this colour, frame after frame."""
    from misread.runtime.camera.locate.contour import Contour

    finder = Contour(colour)

    def find(picture: UInt8) -> NDArray[np.float32] | None:
        target = finder.locate(picture)
        return None if target is None else target.corners

    return find
