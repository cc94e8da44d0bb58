"""What `misread demo` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from misread.report.text.table import WIDTH, facts, table, wrapped


class Promise(Protocol):
    """`misread.demo.Expectation`, which stands on a higher floor."""

    @property
    def what(self) -> str:
        """The promise."""

    @property
    def met(self) -> bool:
        """Whether it was kept."""

    @property
    def found(self) -> str:
        """What was measured."""


class Shown(Protocol):
    """`misread.demo.DemoResult`, likewise."""

    @property
    def sentence(self) -> str:
        """What happened."""

    @property
    def seconds(self) -> float:
        """All stages together."""

    @property
    def stages(self) -> Sequence[tuple[str, float]]:
        """Name and seconds of each."""

    @property
    def files(self) -> Sequence[tuple[str, Path]]:
        """What lies where."""

    @property
    def expectations(self) -> Sequence[Promise]:
        """The promises."""


def demo_text(result: Shown, *, width: int = WIDTH) -> str:
    """Return the demo's result as plain text that ends with its sentence.

    Args:
        result: what was made and measured.
        width: of the screen, in columns.
    """
    stages = [(name, f"{seconds:.1f} s") for name, seconds in (*result.stages, ("together", result.seconds))]
    promises = [
        line
        for promise in result.expectations
        for line in wrapped(
            f"{promise.what}: {promise.found}",
            first="as promised: " if promise.met else "NOT as promised: ",
            width=width,
        )
    ]
    blocks = [
        table(("stage", "time"), stages, right=(1,), width=width, indent=0),
        facts([(name, str(path)) for name, path in result.files], width=width),
        promises,
        wrapped(result.sentence, width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
