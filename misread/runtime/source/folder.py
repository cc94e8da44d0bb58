"""A folder of pictures, in the order of their names; each folder in it is a clip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from misread.errors import FileError
from misread.pixels import SUFFIXES, read_image
from misread.runtime.source.frame import Frame, Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions


class Folder:
    """Pictures as frames: `frames/0001.png`, `frames/0002.png`, or one folder per clip."""

    name: ClassVar[str] = "folder"
    example: ClassVar[str] = "frames/"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text is a folder that exists."""
        return Path(text).is_dir()

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """List the pictures."""
        return cls(Path(text), fps=options.fps)

    def __init__(self, path: Path, *, fps: float = 30.0) -> None:
        self._root, self._fps = path, fps
        found = [entry for entry in path.rglob("*") if entry.suffix.lower() in SUFFIXES and entry.is_file()]
        if not found:
            raise FileError(f"{path} holds no pictures; expected files that end in {', '.join(SUFFIXES)}")
        self._files = sorted(found, key=lambda entry: natural(entry.relative_to(path)))
        self._open = True

    def frames(self) -> Iterator[Frame]:
        """Hand out every picture; the time is counted at `fps`.

        Raises:
            FileError: A picture is broken; the message names it.

        """
        for index, path in enumerate(self._files):
            if not self._open:
                return
            part = str(path.parent.relative_to(self._root))
            yield Frame(image=read_image(path), index=index, time_ns=round(index * 1e9 / self._fps), part=part)

    def health(self) -> Health:
        """Tell how many pictures there are."""
        return Health(properties=(("pictures", str(len(self._files))),))

    def close(self) -> None:
        """Stop handing out pictures."""
        self._open = False


def natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Order names as people do: frame2 before frame10."""
    pieces = re.split(r"(\d+)", str(path))
    return tuple((0, int(piece)) if piece.isdigit() and piece.isascii() else (1, piece) for piece in pieces)
