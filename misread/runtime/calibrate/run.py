"""`misread calibrate` as a call: a source in, a lens file out; or the chart to film."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2

from misread.errors import OptionError
from misread.files import atomic_write, refuse_existing, write_json
from misread.runtime.calibrate.chart import CHART
from misread.runtime.calibrate.lens import LENS_KIND, LensFit, fit_lens
from misread.runtime.calibrate.photometry import Photometry, measure
from misread.runtime.channel.defocus import MAX_RADIUS_PX
from misread.runtime.channel.light import MAX_GAIN
from misread.runtime.channel.profile import Profile
from misread.runtime.channel.profile_file import write_profile
from misread.runtime.channel.sensor import MAX_ELECTRONS
from misread.runtime.sheet.pdf import pdf_bytes
from misread.runtime.sheet.png import picture_of
from misread.runtime.source import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from misread.pixels import UInt8
    from misread.runtime.source import FrameSource

MAX_FRAMES: Final = 900
_NOISE_SPREAD: Final = (0.8, 1.25)  # The estimate is good to some 15 %.
_MIN_GAIN: Final = 0.01
_MIN_ELECTRONS: Final = 50.0
_QUALITY: Final = 85
_SCREEN_PX_PER_MM: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrateOptions:
    """What `misread calibrate` is asked for.

    Attributes:
        source: As of `misread camera`; it shows the chart, or a sheet.
        out: The file to write.
        frames: Look at no more than these.
        overwrite: Replace what is there.

    """

    source: str
    out: Path
    frames: int = MAX_FRAMES
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse to look at nothing."""
        if self.frames < 1:
            raise OptionError(f"--frames is 1 or more, got {self.frames}")


def calibrate(options: CalibrateOptions, *, progress: Callable[[str, int, int], None] | None = None) -> LensFit:
    """Fit a lens to what the source shows, and write it.

    Raises:
        CameraError: The camera does not answer.
        FileError: A picture or video cannot be read.
        InputError: There is no such source, the file is there already, or the views do not determine a lens.
        StorageError: The lens could not be written.

    """
    refuse_existing(options.out, overwrite=options.overwrite)
    with closing(open_source(options.source)) as source:
        fit = fit_lens(islice(_images(source, progress), options.frames))
    body = {**asdict(fit.lens), "rms_px": fit.rms_px, "focal_sd": fit.focal_sd, "views": fit.views}
    write_json(options.out, body, kind=LENS_KIND)
    return fit


def calibrate_profile(
    options: CalibrateOptions, *, progress: Callable[[str, int, int], None] | None = None
) -> Photometry:
    """Measure light, noise and blur where the source shows a sheet, and write them as a channel profile to `out`.

    The slope of the light and the quality of the codec are not measured: they stay at none and at 85.

    Raises:
        CameraError: The camera does not answer.
        FileError: A picture or video cannot be read.
        InputError: There is no such source, the file is there already, or the frames tell too little.
        StorageError: The profile could not be written.

    """
    refuse_existing(options.out, overwrite=options.overwrite)
    with closing(open_source(options.source)) as source:
        found = measure(islice(_images(source, progress), options.frames))
    low, high = _NOISE_SPREAD
    profile = Profile(
        name=f"{options.out.stem}-1",
        gain=(max(found.frame_gains[0], _MIN_GAIN), min(found.frame_gains[1], MAX_GAIN)),
        slope=(0.0, 0.0),
        defocus_px=(min(found.defocus_px[0], MAX_RADIUS_PX), min(found.defocus_px[1], MAX_RADIUS_PX)),
        electrons=(max(found.electrons * low, _MIN_ELECTRONS), min(found.electrons * high, MAX_ELECTRONS)),
        quality=_QUALITY,
    )
    write_profile(options.out, profile, measured=asdict(found))
    return found


def write_chart(path: Path, *, paper: str = "a4", overwrite: bool = False) -> None:
    """Write the chart to film, in true millimetres: a PDF for print, or a PNG for a screen.

    Raises:
        InputError: The name ends in neither, or the file is there already.
        ModuleNotFoundError: A PDF was asked for and fpdf2 is not installed.
        StorageError: It could not be written.

    """
    refuse_existing(path, overwrite=overwrite)
    page = CHART.page(paper)
    if path.suffix.lower() == ".pdf":
        data = pdf_bytes([page], title="misread lens chart")
    elif path.suffix.lower() == ".png":
        picture = picture_of(page, _SCREEN_PX_PER_MM)
        data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    else:
        raise OptionError(f"the chart is written as .pdf or .png, got {path.name}")
    with atomic_write(path, option="--chart") as file:
        file.write(data)


def _images(source: FrameSource, progress: Callable[[str, int, int], None] | None) -> Iterator[UInt8]:
    for number, frame in enumerate(source.frames(), 1):
        if progress is not None:
            progress("looking", number, 0)
        yield frame.image
