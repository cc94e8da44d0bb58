"""What `misread doctor` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.inspection import size_text
from misread.report.text.table import WIDTH, facts, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.doctor import Diagnosis
    from misread.runtime.engine import EngineDevice
    from misread.runtime.machine import CameraDevice, Room
    from misread.runtime.packages import Extra
    from misread.runtime.threads import Processors

AZURE: Final = "AzureExecutionProvider"


def diagnosis_text(diagnosis: Diagnosis, *, width: int = WIDTH) -> str:
    """Return a diagnosis as plain text; what is odd or broken stands at the end, each with its cure."""
    lacking = [extra for extra in diagnosis.extras if extra.missing]
    pairs = [
        ("misread", diagnosis.misread),
        ("python", f"{diagnosis.python} in {diagnosis.prefix}"),
        *((part.name, part.version or "missing") for part in diagnosis.parts),
        ("installed too", ", ".join(f"{name} {version}" for name, version in diagnosis.packages)),
        ("system", diagnosis.system),
        ("cpu", diagnosis.cpu),
        ("features", " ".join(diagnosis.features) or "unknown"),
        ("int8", diagnosis.int8),
        ("threads", _threads(diagnosis.processors)),
        ("memory", _memory(diagnosis.room)),
        ("disk", _disk(diagnosis.room)),
        ("providers", _providers(diagnosis.providers)),
        ("devices", ", ".join(_device(device) for device in diagnosis.devices)),
        ("cameras", "; ".join(_camera(camera) for camera in diagnosis.cameras) or "none that the system lists"),
        ("window", _window(diagnosis)),
        ("streams", "OpenCV reads them (FFmpeg)" if diagnosis.ffmpeg else "this OpenCV has no FFmpeg"),
        ("extras", _complete(diagnosis.extras)),
        *((f"[{extra.name}]", f"lacks {_lacks(extra, lacking[0])}; type: {extra.install}") for extra in lacking),
    ]
    lines = facts(pairs, width=width)
    for first, found in (
        ("note: ", diagnosis.notes),
        ("warning: ", diagnosis.warnings),
        ("broken: ", diagnosis.problems),
    ):
        for text in found:
            lines += ["", *wrapped(text, first=first, width=width)]
    return "\n".join([*lines, "", *wrapped(_verdict(diagnosis), width=width)]) + "\n"


def _verdict(diagnosis: Diagnosis) -> str:
    if not diagnosis.passed:
        return "builds cannot be read here; mend what is broken"
    attack = next((extra for extra in diagnosis.extras if extra.name == "attack"), None)
    if attack is None or attack.missing:
        return "builds can be read and verified here; exporting and attacking need an extra"
    return "builds can be read and verified here, classifiers exported and attacked"


def _complete(extras: Sequence[Extra]) -> str:
    complete = [extra.name for extra in extras if not extra.missing]
    return f"complete: {', '.join(complete)}" if complete else ""


def _lacks(extra: Extra, first: Extra) -> str:
    """List what is missing; what the first incomplete extra misses too is said once."""
    more = extra.missing[len(first.missing) :]
    if extra is first or extra.missing[: len(first.missing)] != first.missing:
        return ", ".join(extra.missing)
    return f"what [{first.name}] lacks" + (f", and {', '.join(more)}" if more else "")


def _threads(found: Processors) -> str:
    bounds = [f"affinity {found.affinity}" if found.affinity != found.cores else ""]
    bounds += [f"container quota {found.quota}" if found.quota is not None else ""]
    said = ", ".join(bound for bound in bounds if bound)
    return f"{found.usable} of {found.cores} processors" + (f" ({said})" if said else "")


def _memory(room: Room) -> str:
    if room.memory_bytes is None:
        return ""
    free = "" if room.free_bytes is None else f", {size_text(room.free_bytes)} free"
    limit = "" if room.limit_bytes is None else f", a container allows {size_text(room.limit_bytes)}"
    return f"{size_text(room.memory_bytes)}{free}{limit}"


def _disk(room: Room) -> str:
    return "" if room.disk_free_bytes is None else f"{size_text(room.disk_free_bytes)} free in {room.folder}"


def _providers(providers: Sequence[str]) -> str:
    remote = "nothing runs here: it sends the work to a web service"
    named = sorted(providers, key=lambda name: name == AZURE)
    return ", ".join(f"{name} ({remote})" if name == AZURE else name for name in named)


def _device(device: EngineDevice) -> str:
    vendor = f" of {device.vendor}" if device.vendor else ""
    return f"{device.kind}{vendor} for {device.provider}"


def _camera(camera: CameraDevice) -> str:
    name = f" {camera.name}" if camera.name else ""
    return f"{camera.path}{name}" + ("" if camera.readable else " (no permission; join the group video)")


def _window(diagnosis: Diagnosis) -> str:
    if not diagnosis.window:
        return "none: this OpenCV is headless; use --headless, or type: pip install opencv-python"
    if not diagnosis.display:
        return f"{diagnosis.window}, but there is no display; use --headless"
    return diagnosis.window
