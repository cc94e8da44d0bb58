"""The stages of the demo, each one call of the library that a command makes too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.assets import scenes
from misread.assets.shapes import octagon
from misread.bundle import BundleWriter, read_bundle
from misread.files import atomic_folder
from misread.pixels import read_image
from misread.report.camera import Timeline
from misread.runtime.camera.run import CameraOptions, run_camera
from misread.runtime.judge import judge
from misread.runtime.session import Deployed
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from misread.assets import SceneFile
    from misread.bundle import Bundle
    from misread.demo.result import DemoOptions
    from misread.runtime.camera.result import CameraResult
    from misread.runtime.verdict import Verification

    Progress = Callable[[str, int, int], None]

SIGN: Final = "Stop"
PRECISIONS: Final = ("fp32", "int8")
#: Bounds of the two attacks that have one, in levels of 255.
SCENES_LEVELS: Final = 8
PHYSICAL_LEVELS: Final = 20
DRAWS_PER_STEP: Final = 12
MINIMAL, PHYSICAL = "0000", "0001"
_APOTHEM: Final = 0.96  # of the octagon inside the sign's square, which leaves a margin of 2 % on each side


def stop_scene() -> SceneFile:
    """Return the shipped stop sign in the rain: an everyday picture, of middling difficulty among the seven."""
    return next(scene for scene in scenes() if scene.label == SIGN and "rain" in scene.path.stem)


def export(options: DemoOptions, work: Path, progress: Progress) -> tuple[Path, ...]:
    """Export the sign classifier to fp32 and int8, each held against PyTorch.

    Raises:
        CheckFailed: a build is not the classifier that was exported.

    """
    from misread.export.run import ExportOptions, export_builds

    wanted = ExportOptions(origin="signs", out=work / "signs.onnx", precisions=PRECISIONS, seed=options.seed)
    return tuple(build.file.path for build in export_builds(wanted, progress=progress).builds)


def attack_scenes(options: DemoOptions, work: Path, builds: tuple[Path, ...], progress: Progress) -> None:
    """Attack every shipped scene inside a fixed budget, so that the ladder has counts."""
    from misread.attack.options import AttackOptions
    from misread.attack.run import attack_to_bundle
    from misread.attack.threat import Threat

    wanted = AttackOptions(
        origin="signs",
        out=work / "scenes",
        attack="pgd",
        threat=Threat(norm="linf", eps=SCENES_LEVELS / 255),
        builds=builds,
        seed=options.seed,
    )
    attack_to_bundle(wanted, progress=progress)


def attack_stop_sign(options: DemoOptions, work: Path, builds: tuple[Path, ...], progress: Progress) -> None:
    """Find the smallest change that all builds misread."""
    from misread.attack.options import AttackOptions
    from misread.attack.run import attack_to_bundle

    wanted = AttackOptions(
        origin="signs", out=work / "minimal", data=stop_scene().path, builds=builds, seed=options.seed
    )
    attack_to_bundle(wanted, progress=progress)


def attack_for_camera(options: DemoOptions, work: Path, progress: Progress) -> Bundle:
    """Find a change that survives random captures, and put it into one bundle with the minimal one.

    The minimal witness must be in `work`/minimal; that folder is dissolved.
    """
    from misread.attack.physical import EotPgd, PhysicalOptions, make_physical_witness, sign_mask
    from misread.attack.physical.record import record_physical
    from misread.attack.threat import Threat
    from misread.export.origin import load_origin

    origin, scene = load_origin("signs"), stop_scene()
    picture = read_image(scene.path)
    outcome = make_physical_witness(
        origin.twin,
        origin.card,
        picture,
        sign_mask(sign_outline(scene), picture.shape[:2]),
        origin.card.index(SIGN),
        threat=Threat(norm="linf", eps=PHYSICAL_LEVELS / 255),
        options=PhysicalOptions(
            attack=EotPgd(steps=options.steps, draws=DRAWS_PER_STEP), held_clips=5, held_frames=6, seed=options.seed
        ),
        progress=progress,
    )
    minimal = read_bundle(work / "minimal")
    with atomic_folder(work / "stop-sign") as folder:
        writer = BundleWriter(folder)
        _copy(minimal, writer)
        record_physical(writer, origin, picture, outcome, label=SIGN, source=scene.path.name)
        attack = {"name": "minimal, then eot-pgd", "settings": [minimal.attack, {"steps": options.steps}]}
        writer.finish(
            card=origin.card,
            origin="signs",
            threat={"norm": "linf", "eps": [None, PHYSICAL_LEVELS / 255], "levels": 256, "goal": UNTARGETED.text},
            attack={**attack, "channel": outcome.profile, "simulated": _simulated(outcome)},
            counts={"pictures": 1, "skipped": 0, "attempted": 1, "found": len(writer.witnesses)},
        )
    return read_bundle(work / "stop-sign")


def _simulated(outcome: Any) -> dict[str, str]:
    names = ("control", "success", "placebo_misread", "mirrored_misread")
    return {name: getattr(outcome, name).text() for name in names}


def _copy(bundle: Bundle, writer: BundleWriter) -> None:
    for witness in bundle.witnesses:
        writer.add(
            clean=bundle.read(witness.clean),
            changed=bundle.read(witness.changed),
            placebo=bundle.read(witness.placebo) if witness.placebo else None,
            label=witness.label,
            label_given=witness.label_given,
            goal=witness.goal,
            prepared=witness.prepared,
            torch_float=witness.torch_float,
            torch_8bit=witness.torch_8bit,
            source=witness.source,
        )


def sign_outline(scene: SceneFile) -> NDArray[np.float64]:
    """Return the (8, 2) corners of a stop sign's octagon in the pixels of its scene."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    seen = cv2.getPerspectiveTransform(square, np.array(scene.corners, np.float32))
    outline: NDArray[np.float64] = cv2.perspectiveTransform(octagon(_APOTHEM)[None], seen)[0].astype(np.float64)
    return outline


def check(bundle: Bundle, builds: Sequence[Path], progress: Progress) -> Verification:
    """Judge a bundle, or a part of one, on the builds, and climb the ladder."""
    return judge(bundle, [Deployed.open(path) for path in builds], progress=progress)


def film(options: DemoOptions, work: Path, builds: Sequence[Path], progress: Progress) -> tuple[CameraResult, Timeline]:
    """Show the stop signs to the virtual camera, over MJPEG on loopback.

    Raises:
        KeyboardInterrupt: somebody stopped the run.

    """
    timeline = Timeline()
    wanted = CameraOptions(
        builds=tuple(builds),
        bundle=work / "stop-sign",
        headless=True,
        out=work / "camera",
        clips=options.clips,
        frames_per_clip=options.frames_per_clip,
        seed=options.seed,
    )
    result = run_camera(wanted, progress=progress, on_frame=timeline.see)
    if result.ended == "interrupted":
        raise KeyboardInterrupt
    return result, timeline
