"""Runs a notebook that is kept as Markdown, in a kernel of its own.

    python scripts/tutorial.py docs/tutorial/integrity.md [-o executed.ipynb]

Cells are the `python` blocks; other blocks are text. A cell that raises, or warns of anything but itself, ends it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: Of one cell, in seconds.
TIMEOUT_S: Final = 300


def execute(page: Path) -> NotebookNode:
    """Return the notebook with the outputs of every cell.

    Raises:
        CellExecutionError: a cell failed; the text holds the cell and its traceback.
    """
    notebook: NotebookNode = jupytext.read(page, fmt="md")
    client = NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name="python3")
    client.create_kernel_manager().transport = "ipc"  # no port is opened
    client.execute()
    return notebook


def main() -> int:
    """Run one notebook; 1 where a cell failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="a notebook in Markdown")
    parser.add_argument("-o", "--out", type=Path, help="keep the executed notebook there")
    wanted = parser.parse_args()
    started = time.perf_counter()
    try:
        notebook = execute(wanted.page)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    if wanted.out:
        nbformat.write(notebook, wanted.out)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"{wanted.page}: {cells} cells ran in {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
