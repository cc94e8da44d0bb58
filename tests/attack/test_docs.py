"""The page about attacks has a row for each of them, and says which norms it knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from misread.attack import ATTACKS
from misread.attack.query import QUERY_ATTACKS

PAGE: Final = Path(__file__).parents[2] / "docs" / "attacks.md"
ROW: Final = re.compile(r"^\| `(?P<name>[\w-]+)` \| (?P<norms>(?:`\w+` ?)+) \|", re.MULTILINE)


@pytest.mark.skipif(not PAGE.exists(), reason="the tests run away from the tree")
def test_every_attack_is_explained() -> None:
    said = {row["name"]: tuple(re.findall(r"\w+", row["norms"])) for row in ROW.finditer(PAGE.read_text("utf-8"))}
    assert said == {attack.name: attack.norms for attack in (*ATTACKS, *QUERY_ATTACKS)}
