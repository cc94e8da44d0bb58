"""What the site says that no file says: every command's help, the library's modules, a notebook with its outputs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import typer.main
from typer.testing import CliRunner

from misread.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS: Final = 110
#: What a script calls; title, and modules in the order in which one meets them.
LIBRARY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("The calls", ("misread.library.device", "misread.library.host", "misread.library.say")),
    ("Export", ("misread.export.run", "misread.export.origin", "misread.export.twin")),
    ("Attack", ("misread.attack.options", "misread.attack.run", "misread.attack.threat", "misread.attack.execute")),
    ("Assess", ("misread.attack.curve",)),
    ("Verify", ("misread.runtime.verify", "misread.runtime.judge", "misread.runtime.gates")),
    (
        "Verdicts",
        ("misread.runtime.verdict.whole", "misread.runtime.verdict.build", "misread.runtime.verdict.witness"),
    ),
    ("Read", ("misread.runtime.session.deployed", "misread.runtime.session.reading", "misread.runtime.noise")),
    ("Camera", ("misread.runtime.camera.run", "misread.runtime.camera.result")),
    ("Files", ("misread.bundle", "misread.card", "misread.pixels", "misread.change", "misread.wish")),
    ("Statistics", ("misread.stats.rates", "misread.stats.clips", "misread.stats.paired", "misread.stats.survival")),
    ("Errors", ("misread.errors",)),
)


def command_helps() -> Iterator[tuple[str, str]]:
    """Yield (command, its `--help`) for the program and each of its commands, in the program's own order."""
    names: list[str] = list(getattr(typer.main.get_command(app), "commands", {}))
    runner = CliRunner()
    for argv in ([], *([name] for name in names)):
        said = runner.invoke(app, [*argv, "--help"], prog_name="misread", terminal_width=COLUMNS)
        yield " ".join(("misread", *argv)), said.output


def commands_page() -> str:
    """Return the page of all commands."""
    parts = ["# Commands\n\nWhat `--help` says, taken from the program when this page was built.\n"]
    parts += [f"## {name}\n\n```text\n{said.rstrip()}\n```\n" for name, said in command_helps()]
    return "\n".join(parts)


def library_page() -> str:
    """Return the page of the library: directives for mkdocstrings."""
    parts = [
        "# Library\n",
        "A command is one call of the library. These are the modules that a script calls, from their own docstrings.",
        "Options are frozen dataclasses that refuse nonsense when they are made; results are frozen dataclasses too.\n",
    ]
    for title, modules in LIBRARY:
        parts += [f"## {title}\n", *(f"::: {module}\n" for module in modules)]
    return "\n".join(parts)


def notebook_page(notebook: Any, stem: str) -> tuple[str, dict[str, bytes]]:
    """Return an executed notebook as Markdown, and its figures by file name.

    A figure's text is the first comment of its cell, `# Figure: ...`.
    """
    parts: list[str] = []
    figures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            parts.append(cell["source"])
            continue
        parts.append(f"```python\n{cell['source']}\n```")
        first = cell["source"].partition("\n")[0]
        said = first.removeprefix("# Figure:").strip() if first.startswith("# Figure:") else "figure"
        for output in cell["outputs"]:
            if output["output_type"] == "stream":
                parts.append(f"```text\n{output['text'].rstrip()}\n```")
            elif "image/png" in output.get("data", {}):
                name = f"{stem}-{len(figures):02d}.png"
                figures[name] = base64.b64decode(output["data"]["image/png"])
                parts.append(f"![{said}]({name})")
    return "\n\n".join(parts) + "\n", figures
