from __future__ import annotations

import csv
from pathlib import Path

from misread.assets import SIGN_LABELS, weights_path


def test_labels_are_those_of_the_photographs(shared_data: Path) -> None:
    with (shared_data / "gtsrb" / "classes.csv").open(encoding="utf-8") as lines:
        names = [row["name"] for row in csv.DictReader(lines)]
    assert list(SIGN_LABELS) == names


def test_labels_are_43_and_differ() -> None:
    assert len(set(SIGN_LABELS)) == 43


def test_weights_are_small_enough_to_ship() -> None:
    assert weights_path().stat().st_size < 2_000_000
