"""Draw the pictures of docs/physical.md and docs/print-pack.md: a stop sign changed for the camera, and its print pack.

python -m examples.draw_physical docs/images

Nothing in them is written by hand: they show one run of `misread physical signs --steps 60 --digital -m signs.onnx`
and the pages of `misread sheet`. It takes a minute or so.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from examples.contact_sheet import Tile, contact_sheet
from misread.attack.printed import PrintedOptions, physical_to_bundle
from misread.bundle import read_bundle
from misread.export.run import ExportOptions, export_builds
from misread.pixels import read_image
from misread.runtime.session import Deployed
from misread.runtime.sheet import SheetOptions, write_sheet

if TYPE_CHECKING:
    from misread.attack.printed import PrintedResult
    from misread.pixels import UInt8
    from misread.stats import Rate

STEPS: Final = 60
PAGE_PX: Final = 240
SIGN_PX: Final = 240
PAGES: Final = ("instructions", "clean", "adversarial", "placebo")


def arms(result: PrintedResult, build: Deployed) -> UInt8:
    """Lay out what is filmed, each with what the build reads in the picture itself and in the simulated captures."""
    bundle = read_bundle(result.bundle)
    eot, digital = result.witnesses
    made, naive = bundle.witness(eot.witness), bundle.witness(digital.witness)
    read, other = eot.builds[build.name], digital.builds[build.name]
    files = (made.clean, made.changed, naive.changed, made.placebo)
    counts = (
        ("clean", read.control, "right"),
        ("eot: for the camera", read.success, "misread"),
        ("digital: for the picture", other.success, "misread"),
        ("placebo", read.placebo, "misread"),
    )
    images = [bundle.read(file) for file in files if file is not None]
    tiles = [_arm(build, image, *count) for image, count in zip(images, counts, strict=True)]
    return contact_sheet((("", tiles),), len(tiles))


def _arm(build: Deployed, image: UInt8, title: str, rate: Rate, what: str) -> Tile:
    reading = build.read([image])
    read = f"fp32 reads {reading.labels[0]}, {100 * reading.confidence[0]:.1f} %"
    notes = (read, f"simulated: {what} in {rate.hits} of {rate.total}")
    size = (SIGN_PX, SIGN_PX)
    return Tile(
        image=np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8), title=title, notes=notes
    )


def pages(result: PrintedResult, folder: Path) -> UInt8:
    """Lay out the print pack of the first witness."""
    write_sheet(SheetOptions(bundle=result.bundle, png=folder, witness=(result.witnesses[0].witness,)))
    files = sorted(folder.iterdir())
    tiles = [Tile(image=_small(read_image(file)), title=title) for title, file in zip(PAGES, files, strict=True)]
    return contact_sheet((("", tiles),), len(tiles))


def _small(page: UInt8) -> UInt8:
    height, width = page.shape[:2]
    size = (PAGE_PX, round(PAGE_PX * height / width))
    small = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
    # White paper on a white sheet: a line shows where it ends.
    return np.asarray(cv2.rectangle(small, (0, 0), (size[0] - 1, size[1] - 1), (160, 164, 168)), np.uint8)


def main(images: Path) -> None:
    """Make the witnesses, read them, and write `physical.png` and `print-pack.png`."""
    with tempfile.TemporaryDirectory() as work:
        here = Path(work)
        made = export_builds(ExportOptions(origin="signs", out=here / "signs.onnx", precisions=("fp32",)))
        build = Deployed.open(made.builds[0].file.path)
        options = PrintedOptions(origin="signs", out=here / "bundle", steps=STEPS, digital=True, builds=(build.path,))
        result = physical_to_bundle(options)
        Image.fromarray(arms(result, build)).save(images / "physical.png", optimize=True)
        Image.fromarray(pages(result, here / "pages")).save(images / "print-pack.png", optimize=True)
    print(result.sentence)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
