"""A bundle becomes a print pack: options in, files out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2

from misread.bundle import read_bundle
from misread.errors import OptionError
from misread.files import atomic_folder, atomic_write, refuse_existing
from misread.runtime.camera.subject import exhibits_of
from misread.runtime.sheet.instructions import instructions
from misread.runtime.sheet.page import exhibit_page
from misread.runtime.sheet.pdf import pdf_bytes
from misread.runtime.sheet.place import DEFAULT_BOARD_MM, Plan
from misread.runtime.sheet.png import picture_of

if TYPE_CHECKING:
    from misread.runtime.sheet.mark import Page

BOARD_PX: Final = 720
BOARD_PX_RANGE: Final = (240, 4000)


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetOptions:
    """What `misread sheet` is asked for.

    Attributes:
        bundle: The folder that misread attack wrote.
        out: The PDF; None writes none.
        png: A folder for the pages as pictures; None writes none.
        witness: Ids; empty takes as many as there are markers for.
        paper: a4, letter or a3.
        board_mm: Side of the board in print.
        board_px: Side of the board in the pictures, 240 to 4000.
        overwrite: Replace what is there.

    """

    bundle: Path
    out: Path | None = None
    png: Path | None = None
    witness: tuple[str, ...] = ()
    paper: str = "a4"
    board_mm: float = DEFAULT_BOARD_MM
    board_px: int = BOARD_PX
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse to write nothing, and boards too small to be found or too large to be shown."""
        if self.out is None and self.png is None:
            raise OptionError("say where to write: -o sheet.pdf for print, --png DIR for screens, or both")
        low, high = BOARD_PX_RANGE
        if not low <= self.board_px <= high:
            raise OptionError(f"--board-px is {low} to {high}, got {self.board_px}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetResult:
    """What was written.

    Attributes:
        bundle_sha256: Of the bundle, part of it stands on every page.
        sheets: Pages with a board; one of instructions comes before them.
        written: The PDF, the folder, or both.

    """

    bundle_sha256: str
    sheets: int
    written: tuple[Path, ...]


def write_sheet(options: SheetOptions) -> SheetResult:
    """Write the print pack of a bundle.

    Raises:
        FileError: The bundle cannot be read.
        InputError: A file is there already and may not be replaced.
        ModuleNotFoundError: A PDF was asked for and fpdf2 is not installed.
        OptionError: The board does not fit the paper, or there are not markers enough.
        StorageError: It could not be written; nothing half-written is left.

    """
    plan = Plan(paper=options.paper, board_mm=options.board_mm)
    for place in filter(None, (options.out, options.png)):
        refuse_existing(place, overwrite=options.overwrite)
    bundle = read_bundle(options.bundle)
    exhibits, sha256 = exhibits_of(bundle, options.witness), bundle.sha256
    first = instructions(plan, bundle=sha256, folder=options.bundle.resolve().name, sheets=len(exhibits))
    pages = [first, *(exhibit_page(exhibit, plan, sha256) for exhibit in exhibits)]
    if options.out is not None:
        data = pdf_bytes(pages, title=f"misread print pack {sha256[:12]}")
        with atomic_write(options.out) as file:
            file.write(data)
    if options.png is not None:
        _write_pictures(options.png, pages, options)
    written = tuple(filter(None, (options.out, options.png)))
    return SheetResult(bundle_sha256=sha256, sheets=len(exhibits), written=written)


def _write_pictures(folder: Path, pages: list[Page], options: SheetOptions) -> None:
    with atomic_folder(folder, overwrite=options.overwrite) as working:
        for number, page in enumerate(pages):
            picture = picture_of(page, options.board_px / options.board_mm)
            _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            (working / f"page-{number:02d}.png").write_bytes(data.tobytes())
