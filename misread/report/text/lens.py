"""What `misread calibrate` found, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.calibrate import LensFit


def lens_text(fit: LensFit, out: Path) -> str:
    """Say what the lens is like and how sure that is."""
    lens = fit.lens
    x, y = lens.focal_px
    views = f"{fit.views} views of {fit.frames} frames, {fit.tilt_deg:.0f} degrees apart"
    return "\n".join(
        [
            f"focal length   {x:.1f}, {y:.1f} px at {lens.width}x{lens.height} (sd {fit.focal_sd:.2%})",
            f"centre         {lens.centre_px[0]:.1f}, {lens.centre_px[1]:.1f} px",
            f"distortion     {', '.join(f'{number:.4f}' for number in lens.distortion)}",
            f"corners        {fit.rms_px:.2f} px off (RMS), {views}",
            f"wrote {printable(str(out))}",
        ]
    )


def chart_text(chart: Path) -> str:
    """Say what to do with the chart."""
    return (
        f"wrote {printable(str(chart))}: print it at 100 %, keep it flat, film it from many sides and in all corners\n"
        "of the frame, then: misread calibrate SOURCE -o lens.json"
    )
