"""The tutorial is a notebook that runs: every cell, in order, in a kernel of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "tutorial" / "integrity.md"
SCRIPT: Final = ROOT / "scripts" / "tutorial.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the tests run away from the tree")


def run(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a notebook as a reader would, on one thread, from another folder than its own."""
    for package in ("ipykernel", "jupytext", "matplotlib", "nbclient", "torch"):
        pytest.importorskip(package, reason=f"{package} is not installed; the docs extra brings it")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(page), *arguments],
        cwd=page.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.mark.slow
def test_every_cell_runs_and_draws(tmp_path: Path) -> None:
    page = tmp_path / PAGE.name
    page.write_bytes(PAGE.read_bytes())
    done = run(page, "-o", "out.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    notebook = json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    announced = [cell for cell in cells if "".join(cell["source"]).startswith("# Figure:")]
    assert len(announced) >= 10
    for cell in announced:
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"]), cell["source"]
    said = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "stream"]
    assert [output["text"] for output in said if output["name"] == "stderr"] == []


@pytest.mark.slow
def test_a_cell_that_fails_ends_it(tmp_path: Path) -> None:
    page = tmp_path / "planted.md"
    page.write_text("# Words\n\n```python\nassert 1 + 1 == 2\n```\n\n```python\nassert 1 + 1 == 3, 'planted'\n```\n")
    done = run(page)
    assert done.returncode == 1
    assert "planted" in done.stderr


def test_exercises_have_solutions() -> None:
    text, solutions = PAGE.read_text(encoding="utf-8").split("\n## Solutions\n")
    asked = {line.split("**")[1].strip(".") for line in text.splitlines() if line.startswith("> **Exercise")}
    assert len(asked) >= 5
    assert [name for name in asked if name.removeprefix("Exercise ") not in solutions] == []
