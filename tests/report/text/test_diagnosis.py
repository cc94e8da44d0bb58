"""What `misread doctor` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from misread.report.text import diagnosis_text
from misread.runtime.doctor import Part, diagnose
from misread.runtime.engine import EngineDevice
from misread.runtime.machine import CameraDevice, Room
from misread.runtime.packages import Extra
from misread.runtime.threads import Processors
from tests.report.text.hostile import EVIL, clean, fits


def test_a_diagnosis_says_what_to_type() -> None:
    found = replace(
        diagnose(),
        parts=(Part(name="cv2", version="", problem="cv2 cannot be imported; type: pip install x"),),
        extras=(Extra(name="attack", missing=("torch",), install="pip install 'misread[attack]'"),),
        cameras=(
            CameraDevice(path="/dev/video0", name=EVIL, readable=True),
            CameraDevice(path="/dev/video1", name="", readable=False),
        ),
        warnings=("two wheels",),
        notes=("a new onnxruntime",),
        packages=(("torch", "2.13.0+cpu"),),
        providers=("AzureExecutionProvider", "CPUExecutionProvider"),
        devices=(
            EngineDevice(provider="X", kind="NPU", vendor=EVIL),
            EngineDevice(provider="Y", kind="GPU", vendor=""),
        ),
        processors=Processors(cores=8, affinity=4, quota=2),
        room=Room(memory_bytes=2**31, free_bytes=2**30, limit_bytes=2**29, folder=EVIL, disk_free_bytes=2**20),
        window="",
        ffmpeg=False,
    )
    text = diagnosis_text(found)
    said_flat = " ".join(text.split())
    assert fits(text)
    assert clean(text)
    for part in (
        "lacks torch; type: pip install 'misread[attack]'",
        "/dev/video1 (no permission; join the group video)",
        "broken: cv2 cannot be imported; type: pip install x",
        "warning: two wheels",
        "this OpenCV is headless",
        "this OpenCV has no FFmpeg",
        "note: a new onnxruntime",
        "installed too torch 2.13.0+cpu",
        "providers CPUExecutionProvider, AzureExecutionProvider (nothing runs here: it sends the work to",
        "GPU for Y",
        "threads 2 of 8 processors (affinity 4, container quota 2)",
        "memory 2.0 GiB, 1.0 GiB free, a container allows 512.0 MiB",
        "disk 1.0 MiB free in",
    ):
        assert part in said_flat
    assert "complete" not in text
    assert text.endswith("builds cannot be read here; mend what is broken\n")


@pytest.mark.parametrize(("display", "said_of_it"), [(True, "window QT5 streams"), (False, "there is no display")])
def test_a_window_needs_a_display(display: bool, said_of_it: str) -> None:
    text = diagnosis_text(replace(diagnose(), window="QT5", display=display, extras=(), parts=()))
    assert said_of_it in " ".join(text.split())
    assert text.endswith("builds can be read and verified here; exporting and attacking need an extra\n")


def test_what_nobody_tells_is_left_out_and_complete_extras_share_a_line() -> None:
    nothing = Room(memory_bytes=None, free_bytes=None, limit_bytes=None, folder="", disk_free_bytes=None)
    names = ("export", "attack", "video")
    whole = tuple(Extra(name=name, missing=(), install="") for name in names)
    text = diagnosis_text(replace(diagnose(), room=nothing, extras=whole, devices=(), warnings=(), notes=()))
    assert "extras         complete: export, attack, video" in text
    assert "lacks" not in text
    assert not any(word in text for word in ("memory", "disk", "devices", "warning", "note:"))
    assert text.endswith("builds can be read and verified here, classifiers exported and attacked\n")


def test_what_several_extras_lack_is_said_once() -> None:
    host = ("torch", "onnx")
    lacking = (("export", host), ("attack", host), ("timm", (*host, "timm")), ("video", ("av",)))
    found = replace(diagnose(), extras=tuple(Extra(name=n, missing=m, install=f"pip {n}") for n, m in lacking))
    flat = " ".join(diagnosis_text(found).split())
    assert "[export] lacks torch, onnx; type: pip export [attack] lacks what [export] lacks; type: pip attack" in flat
    assert "[timm] lacks what [export] lacks, and timm; type: pip timm [video] lacks av; type: pip video" in flat
