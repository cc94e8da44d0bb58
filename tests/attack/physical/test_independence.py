from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import misread

ROOT = Path(misread.__file__).parent


def imported(folder: Path) -> Iterator[str]:
    """Every module named by an import statement under a folder."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                yield node.module or ""
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


def test_the_training_channel_and_the_testing_one_share_no_code() -> None:
    training = set(imported(ROOT / "attack" / "physical"))
    testing = set(imported(ROOT / "runtime" / "channel"))
    assert training
    assert testing
    assert not [name for name in training if name.startswith("misread.runtime") or name == "cv2"]
    assert not [name for name in testing if name.startswith("misread.attack")]
