"""The rung of the build's own resize and crop: what it does to a prepared picture, and where it is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.card import ModelCard
from misread.pixels import fit
from misread.report.text.verification import verification_text
from misread.runtime.judge import judge
from misread.runtime.ladder import AsFile, Preprocessing
from misread.runtime.ladder.preprocessing import AS_IT_IS, SAME
from misread.runtime.session import Deployed
from tests.export.bake.test_deployed import CARD as BAKED
from tests.export.bake.test_deployed import built
from tests.runtime.planted import brightness, bundle_of

if TYPE_CHECKING:
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.runtime.session import Reading
    from misread.runtime.verdict import Verification

LABELS = ("dark", "bright", "odd")
CROPS = ModelCard(labels=LABELS, size_hw=(8, 8), resize="crop", resize_px=16)
SQUASHES = ModelCard(labels=LABELS, size_hw=(8, 8))
RUNGS = (AsFile(), Preprocessing())


def ringed(inside: int, rim: int, size: int = 8) -> np.ndarray:
    """A square of half the side inside a rim."""
    image = np.full((size, size, 3), rim, np.uint8)
    image[size // 4 : -size // 4, size // 4 : -size // 4] = inside
    return image


def bundle(place: Path, card: ModelCard, *, prepared: bool = True) -> Bundle:
    """The changed copy is bright by its rim alone, which a second crop cuts off."""
    size = 8 if prepared else 20
    return bundle_of(place, [(ringed(40, 40, size), ringed(40, 250, size))], card=card, prepared=prepared)


def judged(place: Path, card: ModelCard, *, prepared: bool = True) -> Verification:
    return judge(bundle(place, card, prepared=prepared), [brightness(card=card)], rungs=RUNGS)


def test_a_change_that_the_second_crop_cuts_off_dies_there(tmp_path: Path) -> None:
    file, again = judged(tmp_path / "b", CROPS).ladder[2:]
    assert (file.rung, file.survived.hits) == ("file", 1)
    assert (again.rung, again.survived.hits, again.survived.total, again.killed) == ("preprocessing", 0, 1, ("0000",))
    assert fit(ringed(40, 250), CROPS).mean() < 127.5 < ringed(40, 250).mean()


@pytest.mark.parametrize(("card", "prepared", "why"), [(SQUASHES, True, SAME), (CROPS, False, AS_IT_IS)])
def test_it_is_left_out_with_a_reason_where_it_repeats_the_first(
    tmp_path: Path, card: ModelCard, prepared: bool, why: str
) -> None:
    found = judged(tmp_path / "b", card, prepared=prepared)
    assert [step.rung for step in found.ladder] == ["torch-float", "torch-8bit", "file"]
    assert found.builds[0].notes == (f"no rung device preprocessing: {why}",)
    assert why in " ".join(verification_text(found).split())


def test_two_builds_are_each_treated_by_their_own_card(tmp_path: Path) -> None:
    readers = [brightness("crops", card=CROPS), brightness("squashes", card=SQUASHES)]
    found = judge(bundle(tmp_path / "b", CROPS), readers, rungs=RUNGS)
    assert [step.reader for step in found.ladder if step.rung == "preprocessing"] == ["crops"]


def test_a_baked_build_crops_as_the_plain_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inside is red and the rim green; what is left behind the second crop is mostly inside."""
    red, mixed = np.full((8, 8, 3), (200, 0, 0), np.uint8), ringed(0, 0)
    mixed[...] = np.where(ringed(1, 0) == 1, (220, 0, 0), (0, 160, 0))
    witnesses = bundle_of(tmp_path / "b", [(red, mixed)], card=BAKED, label="red")
    plain, baked = (Deployed.open(path) for path in built(tmp_path, BAKED))
    whole, read = list[str](), Deployed.read

    def seen(self: Deployed, images: Any) -> Reading:
        whole.append(self.name)
        return read(self, images)

    monkeypatch.setattr(Deployed, "read", seen)
    found = judge(witnesses, [plain, baked], rungs=RUNGS)
    assert whole == ["baked.onnx"], "its own graph does the crop"
    hits = {(step.reader, step.rung): (step.survived.hits, step.survived.total) for step in found.ladder[2:]}
    assert hits["plain.onnx", "file"] == hits["baked.onnx", "file"] == (1, 1)
    assert hits["plain.onnx", "preprocessing"] == hits["baked.onnx", "preprocessing"] == (0, 1)


def test_a_prepared_picture_of_another_size_is_refused_as_on_the_first_rung(tmp_path: Path) -> None:
    large = ModelCard(labels=LABELS, size_hw=(16, 16))
    found = judge(bundle(tmp_path / "b", SQUASHES), [brightness(card=large)], rungs=RUNGS)
    assert not found.builds[0].available
    assert "prepared at 8x8" in found.builds[0].reason
