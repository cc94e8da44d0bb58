"""The how-to guides do what they say: the `sh` blocks of each are run, in order, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from misread.cli import COMMANDS
from tests.test_readme import BLOCK, run

GUIDES: Final = sorted((Path(__file__).parents[1] / "docs" / "how-to").glob("*.md"))
SHOWN: Final = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not GUIDES, reason="the tests run away from the tree")


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_its_commands_run(guide: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    blocks = BLOCK.findall(guide.read_text(encoding="utf-8"))
    assert len(blocks) >= 1
    for block in blocks:
        result = run(block, tmp_path)
        assert result.returncode == 0, f"{block}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_it_names_commands_that_exist(guide: Path) -> None:
    known = {module.__name__.rsplit(".", 1)[-1].replace("evaluate", "eval") for module in COMMANDS}
    shown = "\n".join(SHOWN.findall(guide.read_text(encoding="utf-8")))
    named = set(re.findall(r"^misread (\w+)", shown, flags=re.MULTILINE))
    assert named - known == set()
    assert named
