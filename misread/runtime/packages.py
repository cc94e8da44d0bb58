"""What is installed, told without importing it: versions, extras, packages that do not go together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_HOST: Final = ("torch", "onnx", "onnx_ir", "onnxscript", "safetensors", "sympy")
#: What each extra brings, as modules to look for; `test` and `dev` are for working on misread itself.
EXTRAS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("export", _HOST),
    ("attack", _HOST),
    ("torchvision", (*_HOST, "torchvision")),
    ("timm", (*_HOST, "torchvision", "timm")),
    ("hf", (*_HOST, "torchvision", "transformers")),
    ("report", ()),
    ("video", ("av",)),
    ("sheet", ("fpdf",)),
)
#: Packages beyond the device floor whose version decides what a result was made with.
_NOTED: Final = ("typer", *_HOST, "torchvision", "timm", "transformers", "av", "fpdf2")
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
#: torchvision 0.N was made for torch 2.(N - 15).
_VISION_AHEAD: Final = 15
_MAX_VERSION_BYTES: Final = 4096


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
class Wheel:
    """An installed package.

    Attributes:
        version: as in `2.13.0`, what follows a `+` left out.
        tag: what follows the `+`, as in `cpu` or `cu130`; empty where nobody says.
        torch: the version of torch that it wants exactly; empty where it takes several.
    """

    version: str
    tag: str = ""
    torch: str = ""

    @property
    def text(self) -> str:
        """The whole version, as in `2.13.0+cpu`."""
        return f"{self.version}+{self.tag}" if self.tag else self.version


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


def versions() -> tuple[tuple[str, str], ...]:
    """Return (package, version) of the noted packages that are installed."""
    found = ((name.replace("_", "-"), wheel(name)) for name in _NOTED)
    return tuple((name, entry.text) for name, entry in found if entry is not None)


def clashes() -> tuple[str, ...]:
    """Say which packages overwrite each other's files."""
    return tuple(
        f"{' and '.join(both)} are both installed and overwrite each other; uninstall them and install one"
        for family in _CLASHES
        if len(both := [name for name in family if _distribution(name) is not None]) > 1
    )


def mismatch(torch: Wheel | None, vision: Wheel | None) -> str:
    """Say why torchvision cannot be imported beside this torch, with the cure; empty where nothing says so."""
    if torch is None or vision is None:
        return ""
    cure = (
        "; type: pip install --force-reinstall --no-deps --index-url URL "
        f"'torchvision=={_vision_for(torch) or vision.version}', with the URL that torch came from"
    )
    symptom = "so torchvision cannot be imported (operator torchvision::nms does not exist)"
    if (wanted := vision.torch or _torch_for(vision)) and not _same(torch.version, wanted):
        return f"torchvision {vision.text} belongs to torch {wanted} and torch is {torch.text}, {symptom}{cure}"
    if torch.tag and vision.tag and torch.tag != vision.tag:
        return f"torch {torch.text} and torchvision {vision.text} are made for different devices, {symptom}{cure}"
    return ""


def wheel(name: str) -> Wheel | None:
    """Return what is known of an installed package without importing it, or None where it is not there."""
    found = _distribution(name)
    if found is None:
        return None
    version, _, tag = str(found.version or "").partition("+")
    wants = (re.match(r"torch\s*\(?==\s*([0-9.]+)\)?\s*$", text) for text in found.requires or ())
    torch = next((match.group(1) for match in wants if match), "")
    return Wheel(version=version, tag=tag or _tag_inside(Path(str(found.locate_file(name)))), torch=torch)


def _tag_inside(folder: Path) -> str:
    """Return the tag in a package's version.py: the metadata of a wheel may keep silent about it."""
    try:
        with (folder / "version.py").open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_VERSION_BYTES)
    except OSError:
        return ""
    found = re.search(r"""^__version__\s*(?::\s*\w+\s*)?=\s*['"][^'"+]+\+([\w.]+)['"]""", text, re.MULTILINE)
    return found.group(1) if found else ""


def _torch_for(vision: Wheel) -> str:
    major, minor = numbers(vision.version)
    return f"2.{minor - _VISION_AHEAD}" if major == 0 and minor >= _VISION_AHEAD else ""


def _vision_for(torch: Wheel) -> str:
    major, minor = numbers(torch.version)
    return f"0.{minor + _VISION_AHEAD}.*" if major == 2 else ""


def _same(version: str, wanted: str) -> bool:
    """Compare as many numbers as are wanted."""
    parts = wanted.split(".")
    return version.split(".")[: len(parts)] == parts


def numbers(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version, as (1, 31); (-1, -1) where it has none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else (-1, -1)


def _distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
