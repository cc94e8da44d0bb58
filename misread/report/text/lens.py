"""What `misread calibrate` found, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.calibrate import LensFit, Photometry


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


def profile_text(found: Photometry, out: Path) -> str:
    """Say what the camera makes of known levels."""
    red, _, blue = found.channel_gains
    low, high = found.defocus_px
    return "\n".join(
        [
            f"tone           gain {found.gain:.2f}, gamma {found.gamma:.2f}; red {red:.2f}, blue {blue:.2f} of green",
            f"exposure       {found.frame_gains[0]:.2f} to {found.frame_gains[1]:.2f}, over {found.frames} frames",
            f"noise          as of {found.electrons:.0f} electrons at white",
            f"blur           a disc of {low:.1f} to {high:.1f} px",
            f"wrote {printable(str(out))}",
        ]
    )


def chart_text(chart: Path) -> str:
    """Say what to do with the chart."""
    return (
        f"wrote {printable(str(chart))}: print it at 100 %, keep it flat, film it from many sides and in all corners\n"
        "of the frame, then: misread calibrate SOURCE -o lens.json"
    )
