"""What is installed, what the machine offers, what is missing and how to get it."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from misread import __version__
from misread.runtime import machine, packages
from misread.runtime.cpu import cpu_features, cpu_name, int8_note
from misread.runtime.engine import EngineDevice, devices, version_notes, version_warnings
from misread.runtime.threads import Processors, processors
from misread.runtime.trial_child import bounds_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.runtime.packages import Extra

#: Below this, an export or a report may not fit.
_LITTLE_BYTES: Final = 256 * 2**20
#: Of the characters that results print: bars, an ellipsis, a label of no western language.
_PRINTED: Final = "█░…停"
_UNBOUNDED: Final = (
    "this system cannot bound the memory of a process: models are tried with a bound on time alone, so open those "
    "of strangers on Linux first"
)
#: An ONNX model of one Relu over three floats: the smallest thing that shows a session works.
_TINY_MODEL: Final = bytes.fromhex(
    "080712003a330a0c0a0178120179220452656c751201735a0f0a0178120a0a08080112040a020803"
    "620f0a0179120a0a08080112040a02080342040a00100d"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A package of the device floor.

    Attributes:
        name: of the module.
        version: empty where it cannot be imported.
        problem: what is wrong with it, with its cure; empty where nothing is.
    """

    name: str
    version: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What `misread doctor` found.

    Attributes:
        misread: our version.
        python: its version.
        prefix: where it is installed: the environment.
        system: kind and release of the system, and the kind of machine.
        cpu: the processor's name.
        features: its instruction sets that matter here.
        int8: what they mean for an int8 build.
        threads: how many this process may use.
        processors: how many there are, and what bounds the threads.
        room: memory and disk.
        parts: numpy, onnxruntime and OpenCV, each tried out.
        packages: (name, version) of what is installed beyond them.
        providers: onnxruntime's execution providers.
        devices: what they could run on; empty where onnxruntime is too old to say.
        extras: the optional parts, complete or not.
        cameras: video devices that the system lists.
        window: what OpenCV draws windows with; empty for none.
        display: whether there is something to show a window on.
        ffmpeg: whether OpenCV reads streams and most videos.
        warnings: what is odd but not broken, each with its cure.
        notes: what is worth to know.
    """

    misread: str
    python: str
    prefix: str
    system: str
    cpu: str
    features: tuple[str, ...]
    int8: str
    threads: int
    processors: Processors
    room: machine.Room
    parts: tuple[Part, ...]
    packages: tuple[tuple[str, str], ...]
    providers: tuple[str, ...]
    devices: tuple[EngineDevice, ...]
    extras: tuple[Extra, ...]
    cameras: tuple[machine.CameraDevice, ...]
    window: str
    display: bool
    ffmpeg: bool
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps the device floor from working, each with its cure."""
        return tuple(part.problem for part in self.parts if part.problem)

    @property
    def passed(self) -> bool:
        """Whether the device floor works."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """0 when the device floor works, 1 when something that it needs is broken."""
        return 0 if self.passed else 1


def diagnose() -> Diagnosis:
    """Look at this machine. Opens no camera and imports neither torch nor onnx."""
    features = cpu_features()
    parts = (
        _try_part("numpy", "numpy", _use_numpy),
        _try_part("onnxruntime", "onnxruntime", _use_onnxruntime),
        _try_part("cv2", "opencv-python", _use_opencv),
    )
    works = {part.name: part.version for part in parts if not part.problem}
    build = str(import_module("cv2").getBuildInformation()) if "cv2" in works else ""
    engine = import_module("onnxruntime") if "onnxruntime" in works else None
    room, found = machine.room(), processors()
    return Diagnosis(
        misread=__version__,
        python=platform.python_version(),
        prefix=sys.prefix,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu_name(),
        features=features,
        int8=int8_note(features),
        threads=found.usable,
        processors=found,
        room=room,
        parts=parts,
        packages=packages.versions(),
        providers=tuple(engine.get_available_providers()) if engine else (),
        devices=devices(engine) if engine else (),
        extras=packages.extras(),
        cameras=machine.cameras(),
        window=machine.window_toolkit(build),
        display=machine.has_display(),
        ffmpeg=machine.has_ffmpeg(build),
        warnings=_warnings(works.get("onnxruntime", ""), features, room),
        notes=version_notes(engine) if engine else (),
    )


def _try_part(module: str, package: str, use: Callable[[Any], None]) -> Part:
    """Import a package and use it once; a broken native library may raise anything."""
    cure = f"type: pip install --force-reinstall {package}"
    try:
        loaded = import_module(module)
    except Exception as error:  # noqa: BLE001  a broken native library raises what it likes
        return Part(name=module, version="", problem=f"{module} cannot be imported ({_brief(error)}); {cure}")
    version = str(getattr(loaded, "__version__", ""))
    try:
        use(loaded)
    except Exception as error:  # noqa: BLE001  as above
        return Part(name=module, version=version, problem=f"{module} {version} does not work ({_brief(error)}); {cure}")
    return Part(name=module, version=version)


def _use_numpy(numpy: Any) -> None:
    if float(numpy.arange(4.0).sum()) != 6:
        raise ArithmeticError("0 + 1 + 2 + 3 was not 6")


def _use_onnxruntime(onnxruntime: Any) -> None:
    import numpy as np

    session = onnxruntime.InferenceSession(_TINY_MODEL, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": np.array([-1, 0, 2], np.float32)})
    if answer.tolist() != [0, 0, 2]:
        raise ArithmeticError(f"the larger of 0 and (-1, 0, 2) came out as {answer.tolist()}")


def _use_opencv(cv2: Any) -> None:
    import numpy as np

    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for suffix in (".png", ".jpg"):
        written, data = cv2.imencode(suffix, image)
        read = cv2.imdecode(data, cv2.IMREAD_COLOR) if written else None
        if read is None or read.shape != image.shape:
            raise OSError(f"it cannot write and read a {suffix} picture")


def _warnings(version: str, features: tuple[str, ...], room: machine.Room) -> tuple[str, ...]:
    pair = packages.mismatch(packages.wheel("torch"), packages.wheel("torchvision"))
    little = [
        f"only {free // 2**20} MiB {what} are free"
        for what, free in (("of memory", room.free_bytes), (f"in {room.folder}", room.disk_free_bytes))
        if free is not None and free < _LITTLE_BYTES
    ]
    return (
        *packages.clashes(),
        *version_warnings(version, features),
        *((pair,) if pair else ()),
        *little,
        *(() if bounds_memory() else (_UNBOUNDED,)),
        *encoding_warnings(getattr(sys.stdout, "encoding", None)),
    )


def encoding_warnings(encoding: str | None) -> tuple[str, ...]:
    """Say whether what misread prints can be written in the encoding of standard output; None is not known."""
    try:
        _PRINTED.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return (f"standard output is {encoding} and cannot show all labels and bars; type: export PYTHONUTF8=1",)
    return ()


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
