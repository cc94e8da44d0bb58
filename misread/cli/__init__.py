"""The command line: arguments in, one library call, text or JSON out, an exit code. No logic of its own.

A new command is one new file and its name below; the order of the imports is that of `misread --help`.
"""

from __future__ import annotations

from typing import Final

# Importing a command registers it, so the order counts.
from misread.cli import demo, doctor, inspect, export, quantize, compare, evaluate, perf  # isort: skip
from misread.cli import attack, physical, assess, pack, verify  # isort: skip
from misread.cli import sheet, calibrate, camera, report, rig, relay, selftest, schema  # isort: skip
from misread.cli.app import app

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: Final = (
    demo,
    doctor,
    inspect,
    export,
    quantize,
    compare,
    evaluate,
    perf,
    attack,
    physical,
    assess,
    pack,
    verify,
    sheet,
    calibrate,
    camera,
    report,
    rig,
    relay,
    selftest,
    schema,
)


def main() -> None:
    """Run the command line."""
    app()
