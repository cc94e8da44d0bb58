"""From a goal in labels to witnesses that a build reads as the goal says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.attack.judges import Judges
from misread.attack.options import AttackOptions
from misread.attack.run import attack_to_bundle
from misread.bundle import read_bundle
from misread.card import ModelCard
from misread.pixels import write_png
from misread.runtime.judge import judge
from misread.runtime.ladder import AsFile
from misread.runtime.session import FunctionReader
from misread.runtime.verdict import Verdict
from misread.wish import Wish

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = """
import torch
from misread.card import ModelCard

class Brightness(torch.nn.Module):
    def forward(self, x):
        m = x.mean((1, 2, 3)) * 255
        return torch.stack([0 * m, m - 120.5, 2 * m - 244, 0 * m - 99], 1)

def make():
    net = Brightness()
    net.card = ModelCard(labels=("dark", "dim", "bright", "odd"), size_hw=(8, 8))
    return net
"""
LABELS = ("dark", "dim", "bright", "odd")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Dark up to a mean of 120.5, dim up to 123.5, bright above."""
    (tmp_path / "net.py").write_text(ORIGIN)
    write_png(tmp_path / "dark.png", np.full((8, 8, 3), 118, np.uint8))
    return tmp_path


def _reader(later: float) -> FunctionReader:
    """The same as the twin, but every change of label comes so many levels later."""

    def logits(prepared: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        m = prepared.mean((1, 2, 3)).astype(np.float32) - np.float32(later)
        return np.stack([0 * m, m - 120.5, 2 * m - 244, 0 * m - 99], 1)

    return FunctionReader(ModelCard(labels=LABELS, size_hw=(8, 8)), logits, name="build")


@pytest.mark.parametrize(
    ("wish", "above"),
    [
        (Wish.of(["dim", "odd"]), 121.5),
        (Wish.of(["bright", "odd"]), 124.5),
        (Wish.of(["DARK", "bright"]), 124.5),
        (Wish.of(away_from=["dim"]), 124.5),
        (Wish.of(away_from=["odd", "bright"]), 121.5),
        (Wish.of(away_from=["dark"]), 121.5),
    ],
    ids=lambda value: value.text if isinstance(value, Wish) else str(value),
)
def test_a_change_is_finished_on_what_the_build_reads_as_the_goal_says(
    place: Path, monkeypatch: pytest.MonkeyPatch, wish: Wish, above: float
) -> None:
    judges = Judges(readers=(_reader(1.0),), labels=LABELS, slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    options = AttackOptions(
        origin=f"{place / 'net.py'}:make",
        data=place / "dark.png",
        out=place / "bundle",
        wish=wish,
    )
    result = attack_to_bundle(options)
    bundle = read_bundle(place / "bundle")
    (witness,) = bundle.witnesses
    mean = bundle.read(witness.changed).mean()
    assert above < mean < above + 0.05
    assert result.verified["build"].text()[:3] == "1/1"
    assert witness.goal == wish.spelt(bundle.card)
    assert bundle.threat["goal"] == wish.text

    builds = judge(bundle, [_reader(1.0), _rename(_reader(3.0), "late")], rungs=(AsFile(),)).builds
    # Three levels later, what was bright by a hair is dim there: misread, but not as the goal says.
    assert [build.judgements[0].verdict for build in builds] == [Verdict.VERIFIED, Verdict.REFUTED]
    assert [build.judgements[0].misread for build in builds] == [True, above > 123.5]


def _rename(reader: FunctionReader, name: str) -> FunctionReader:
    reader.name = name
    return reader


def test_a_picture_whose_own_label_is_all_that_is_wanted_is_skipped(place: Path) -> None:
    options = AttackOptions(
        origin=f"{place / 'net.py'}:make",
        data=place / "dark.png",
        out=place / "bundle",
        wish=Wish.of(away_from=["dim", "bright", "odd"]),
    )
    result = attack_to_bundle(options)
    assert (result.pictures, result.skipped, result.found.total) == (1, 1, 0)
