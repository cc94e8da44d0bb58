"""Ten lines without misread read the signs as misread does: the example is run, and the page shows that example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import onnx
import pytest

from misread.assets import scenes
from misread.export.bake import bake
from misread.export.onnx_file import read_model
from misread.export.run import ExportOptions, export_builds
from misread.pixels import read_image
from misread.runtime.session import Deployed

ROOT: Final = Path(__file__).parents[3]
SCRIPT: Final = ROOT / "examples" / "read_baked.py"
PAGE: Final = ROOT / "docs" / "baking.md"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the tests run away from the tree")


@pytest.mark.slow
def test_a_plain_script_says_what_misread_says(tmp_path: Path) -> None:
    paths = [scene.path for scene in scenes()]
    options = ExportOptions(origin="signs", out=tmp_path / "signs.onnx", precisions=("fp32", "int8"))
    for build in export_builds(options).builds:
        reader = Deployed.open(build.file.path)
        baked = tmp_path / "baked" / build.file.path.name
        baked.parent.mkdir(exist_ok=True)
        onnx.save(bake(read_model(build.file.path)), baked)
        said = subprocess.run(
            [sys.executable, str(SCRIPT), str(baked), *map(str, paths)], capture_output=True, text=True, check=True
        )
        labels = [line.split("\t")[0] for line in said.stdout.splitlines()]
        assert labels == [reader.read([read_image(path)]).labels[0] for path in paths]
        assert said.stderr == ""


@pytest.mark.skipif(not PAGE.exists(), reason="the tests run away from the tree")
def test_the_page_shows_the_script() -> None:
    lines = SCRIPT.read_text("utf-8").split("annotations\n\n", 1)[1]
    assert f"```python\n{lines}```" in PAGE.read_text("utf-8")
    assert len([line for line in lines.splitlines() if line.strip()]) <= 15
