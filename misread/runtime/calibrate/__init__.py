"""What a camera does to a picture, from what it filmed of a known chart."""

from __future__ import annotations

from misread.runtime.calibrate.chart import CHART, Chart
from misread.runtime.calibrate.lens import LENS_KIND, LensFit, fit_lens
from misread.runtime.calibrate.photometry import Photometry, measure
from misread.runtime.calibrate.run import CalibrateOptions, calibrate, calibrate_profile, write_chart

__all__ = [
    "CHART",
    "LENS_KIND",
    "CalibrateOptions",
    "Chart",
    "LensFit",
    "Photometry",
    "calibrate",
    "calibrate_profile",
    "fit_lens",
    "measure",
    "write_chart",
]
