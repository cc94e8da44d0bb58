"""misread: find images that a deployed classifier misreads, and prove it on the deployed build.

What stands here is the library: one call behind each command, the results they return, and the errors they raise. A
name is loaded when it is first used, so that `import misread` costs nothing, and torch is needed for those calls alone
that are about gradients and export. `misread.export`, `misread.attack` and `misread.report` are packages; no call has
the name of one, since the import of a package puts it over whatever else has its name.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from misread.attack.assess.result import Assessment
    from misread.attack.run import AttackResult
    from misread.bundle import Bundle, Witness
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.errors import CheckFailed, InputError, MisreadError, MissingExtra, RuntimeFailure
    from misread.export.origin import Origin, load_origin
    from misread.export.quantize.run import QuantizeResult
    from misread.export.run import ExportResult
    from misread.library.device import compare, evaluate, inspect, load_build, load_bundle, perf, verify
    from misread.library.host import assess, attack_to_bundle, export_builds, quantize
    from misread.library.say import as_json
    from misread.runtime.compare.result import Comparison
    from misread.runtime.evaluate.result import Evaluation
    from misread.runtime.inspect import Inspection
    from misread.runtime.perf.result import Perf
    from misread.runtime.session.deployed import Deployed
    from misread.runtime.session.options import SessionOptions
    from misread.runtime.session.reading import FunctionReader, Reading
    from misread.runtime.verdict import BuildVerdict, Judgement, Verdict, Verification

__all__ = [
    "Assessment",
    "AttackResult",
    "BuildVerdict",
    "Bundle",
    "CardFacts",
    "CheckFailed",
    "Comparison",
    "Deployed",
    "Evaluation",
    "ExportResult",
    "FunctionReader",
    "InputError",
    "Inspection",
    "Judgement",
    "MisreadError",
    "MissingExtra",
    "ModelCard",
    "Origin",
    "Perf",
    "QuantizeResult",
    "Reading",
    "RuntimeFailure",
    "SessionOptions",
    "Verdict",
    "Verification",
    "Witness",
    "as_json",
    "assess",
    "attack_to_bundle",
    "compare",
    "evaluate",
    "export_builds",
    "inspect",
    "load_build",
    "load_bundle",
    "load_origin",
    "perf",
    "quantize",
    "verify",
]

__version__ = "0.1.0"

# Pixels. Read once by OpenCV, when it is loaded: a small file must not unpack into all of memory.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))
# Cameras. Read then, too: one that was pulled out is noticed after 3 s instead of 10, and Windows opens one at once.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")

#: Where each name is at home; the imports above say the same to a type checker.
_HOMES: Final = {
    "attack.assess.result": ("Assessment",),
    "attack.run": ("AttackResult",),
    "bundle": ("Bundle", "Witness"),
    "card": ("ModelCard",),
    "cards.facts": ("CardFacts",),
    "errors": ("CheckFailed", "InputError", "MisreadError", "MissingExtra", "RuntimeFailure"),
    "export.origin": ("Origin", "load_origin"),
    "export.quantize.run": ("QuantizeResult",),
    "export.run": ("ExportResult",),
    "library.device": ("compare", "evaluate", "inspect", "load_build", "load_bundle", "perf", "verify"),
    "library.host": ("assess", "attack_to_bundle", "export_builds", "quantize"),
    "library.say": ("as_json",),
    "runtime.compare.result": ("Comparison",),
    "runtime.evaluate.result": ("Evaluation",),
    "runtime.inspect": ("Inspection",),
    "runtime.perf.result": ("Perf",),
    "runtime.session.deployed": ("Deployed",),
    "runtime.session.options": ("SessionOptions",),
    "runtime.session.reading": ("FunctionReader", "Reading"),
    "runtime.verdict": ("BuildVerdict", "Judgement", "Verdict", "Verification"),
}
_HOST: Final = ("attack", "export")  # and the extras that bring what they need


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used.

    Raises:
        AttributeError: there is no such name.
        MissingExtra: it needs torch, and that is not installed.
    """
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'misread' has no attribute {name!r}")
    try:
        found = getattr(import_module(f"misread.{home}"), name)
    except ModuleNotFoundError as error:
        floor, package = home.partition(".")[0], (error.name or "").partition(".")[0]
        if floor not in _HOST or package in {"", "misread"}:
            raise
        from misread.errors import MissingExtra

        raise MissingExtra.of(package, extra=floor) from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names beside what is loaded already."""
    return sorted({*globals(), *__all__})
