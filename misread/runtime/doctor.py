"""What is installed, what the machine offers, what is missing and how to get it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from misread import __version__
from misread.runtime import machine
from misread.runtime.cpu import cpu_features, cpu_name, int8_note
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from collections.abc import Callable

_HOST: Final = ("torch", "onnx", "onnx_ir", "onnxscript", "safetensors", "sympy")
#: What each extra brings, as modules to look for.
EXTRAS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("export", _HOST),
    ("attack", _HOST),
    ("video", ("av",)),
)
#: Packages that put the same module in place: whichever was installed last wins, and nobody is told.
_CLASHES: Final = (
    ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
    (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
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
class Extra:
    """An optional part of misread.

    Attributes:
        name: as in `misread[attack]`.
        missing: modules that are not installed.
        install: the command that brings them.
    """

    name: str
    missing: tuple[str, ...]
    install: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What `misread doctor` found.

    Attributes:
        misread: our version.
        python: its version.
        system: kind and release of the system, and the kind of machine.
        cpu: the processor's name.
        features: its instruction sets that matter here.
        int8: what they mean for an int8 build.
        threads: how many this process may use.
        parts: numpy, onnxruntime and OpenCV, each tried out.
        providers: onnxruntime's execution providers.
        extras: the optional parts, complete or not.
        cameras: video devices that the system lists.
        window: what OpenCV draws windows with; empty for none.
        display: whether there is something to show a window on.
        ffmpeg: whether OpenCV reads streams and most videos.
        warnings: what is odd but not broken.
    """

    misread: str
    python: str
    system: str
    cpu: str
    features: tuple[str, ...]
    int8: str
    threads: int
    parts: tuple[Part, ...]
    providers: tuple[str, ...]
    extras: tuple[Extra, ...]
    cameras: tuple[machine.CameraDevice, ...]
    window: str
    display: bool
    ffmpeg: bool
    warnings: tuple[str, ...]

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
    works = {part.name for part in parts if not part.problem}
    build = str(import_module("cv2").getBuildInformation()) if "cv2" in works else ""
    providers = import_module("onnxruntime").get_available_providers() if "onnxruntime" in works else ()
    return Diagnosis(
        misread=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu_name(),
        features=features,
        int8=int8_note(features),
        threads=usable_threads(),
        parts=parts,
        providers=tuple(providers),
        extras=extras(),
        cameras=machine.cameras(),
        window=machine.window_toolkit(build),
        display=machine.has_display(),
        ffmpeg=machine.has_ffmpeg(build),
        warnings=_clashes(),
    )


def extras(installed: Callable[[str], bool] | None = None) -> tuple[Extra, ...]:
    """Return every extra with what it still lacks.

    Args:
        installed: tells whether a module is there; by default Python's own finder, which imports nothing.
    """
    there = installed or _is_installed
    return tuple(
        Extra(
            name=name,
            missing=tuple(module for module in modules if not there(module)),
            install=f"pip install 'misread[{name}]'",
        )
        for name, modules in EXTRAS
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


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


def _clashes() -> tuple[str, ...]:
    return tuple(
        f"{' and '.join(both)} are both installed and overwrite each other; uninstall them and install one"
        for family in _CLASHES
        if len(both := [name for name in family if _has_distribution(name)]) > 1
    )


def _has_distribution(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
