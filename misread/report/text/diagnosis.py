"""What `misread doctor` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report.text.table import WIDTH, facts, wrapped

if TYPE_CHECKING:
    from misread.runtime.doctor import Diagnosis, Extra
    from misread.runtime.machine import CameraDevice


def diagnosis_text(diagnosis: Diagnosis, *, width: int = WIDTH) -> str:
    """Return a diagnosis as plain text; what is broken stands at the end, each with its cure."""
    pairs = [
        ("misread", diagnosis.misread),
        ("python", diagnosis.python),
        *((part.name, part.version or "missing") for part in diagnosis.parts),
        ("system", diagnosis.system),
        ("cpu", diagnosis.cpu),
        ("features", " ".join(diagnosis.features) or "unknown"),
        ("int8", diagnosis.int8),
        ("threads", str(diagnosis.threads)),
        ("providers", ", ".join(diagnosis.providers)),
        *((f"[{extra.name}]", _extra(extra)) for extra in diagnosis.extras),
        ("cameras", "; ".join(_camera(camera) for camera in diagnosis.cameras) or "none that the system lists"),
        ("window", _window(diagnosis)),
        ("streams", "OpenCV reads them (FFmpeg)" if diagnosis.ffmpeg else "this OpenCV has no FFmpeg"),
    ]
    lines = facts(pairs, width=width)
    for warning in diagnosis.warnings:
        lines += wrapped(warning, first="warning: ", width=width)
    for problem in diagnosis.problems:
        lines += wrapped(problem, first="broken: ", width=width)
    last = "the device floor works" if diagnosis.passed else "the device floor does not work"
    return "\n".join([*lines, "", last]) + "\n"


def _extra(extra: Extra) -> str:
    if not extra.missing:
        return "complete"
    return f"lacks {', '.join(extra.missing)}; type: {extra.install}"


def _camera(camera: CameraDevice) -> str:
    name = f" {camera.name}" if camera.name else ""
    return f"{camera.path}{name}" + ("" if camera.readable else " (no permission; join the group video)")


def _window(diagnosis: Diagnosis) -> str:
    if not diagnosis.window:
        return "none: this OpenCV is headless; use --headless, or type: pip install opencv-python"
    if not diagnosis.display:
        return f"{diagnosis.window}, but there is no display; use --headless"
    return diagnosis.window
