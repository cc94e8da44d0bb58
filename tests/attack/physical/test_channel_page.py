from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SCRIPT: Final = runpy.run_path(str(ROOT / "scripts" / "channel_tables.py"))


def test_the_page_shows_the_ranges_of_the_code() -> None:
    _, marker, shown = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8").partition(SCRIPT["START"])
    assert marker
    assert shown.strip() == SCRIPT["tables"]().strip(), "run: python -m scripts.channel_tables"


def test_a_range_of_an_absent_stage_is_left_out() -> None:
    (row,) = (line for line in SCRIPT["tables"]().splitlines() if line.startswith("| `tilt`"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["", "", "-0.1 to 0.1", ""]
