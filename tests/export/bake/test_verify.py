"""Verdicts on a baked build are taken through its own preparation: it is given the pictures of the files themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.pixels import write_png
from misread.runtime.camera.observe import read_crops
from misread.runtime.camera.subject import Subject
from misread.runtime.evaluate import EvalOptions, evaluate
from misread.runtime.session import Deployed
from misread.runtime.verdict import Verdict
from misread.runtime.verify import VerifyOptions, verify
from tests.export.bake.test_deployed import CARD, built
from tests.runtime.planted import bundle_of

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.session.reading import Reading


def colour(red: int, green: int, size: tuple[int, int]) -> np.ndarray:
    return np.full((*size, 3), (red, green, 0), np.uint8)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """What baked builds are given: by which way, and of which shape."""
    seen: list[tuple[str, tuple[int, ...]]] = []
    read, read_prepared = Deployed.read, Deployed.read_prepared

    def whole(self: Deployed, images: Any) -> Reading:
        seen.extend(("whole", image.shape) for image in images if self.card.baked_preprocessing)
        return read(self, images)

    def prepared(self: Deployed, stack: Any) -> Reading:
        seen.extend(("prepared", image.shape) for image in stack if self.card.baked_preprocessing)
        return read_prepared(self, stack)

    monkeypatch.setattr(Deployed, "read", whole)
    monkeypatch.setattr(Deployed, "read_prepared", prepared)
    return seen


@pytest.mark.parametrize("prepared", [True, False])
def test_a_bundle_is_read_as_its_files_are(tmp_path: Path, given: list[Any], *, prepared: bool) -> None:
    builds = built(tmp_path, CARD)
    sizes = [(8, 8)] * 2 if prepared else [(20, 30), (40, 13)]
    pairs = [(colour(120, 100, size), colour(100, 120, size)) for size in sizes]
    bundle_of(tmp_path / "bundle", pairs, card=CARD, label="red", prepared=prepared)
    found = verify(VerifyOptions(bundle=tmp_path / "bundle", builds=builds, rungs=("file",)))
    for build in found.builds:
        assert [one.verdict for one in build.judgements] == [Verdict.VERIFIED] * 2
    looked = [entry for entry in given if entry[0] == ("prepared" if prepared else "whole")]
    assert {shape for _, shape in looked} == {(*size, 3) for size in sizes}


def test_an_evaluation_gives_it_the_files(tmp_path: Path, given: list[Any]) -> None:
    _, baked = built(tmp_path, CARD)
    for label, picture in (("red", colour(120, 100, (20, 30))), ("green", colour(90, 100, (40, 13)))):
        write_png(tmp_path / "data" / label / "a.png", picture)
    found = evaluate(Deployed.open(baked), EvalOptions(data=tmp_path / "data"))
    assert (found.top1.hits, found.top1.total) == (2, 2)
    assert sorted(given) == [("whole", (20, 30, 3)), ("whole", (40, 13, 3))]


@pytest.mark.parametrize("prepared", [True, False])
def test_a_crop_of_a_camera_is_read_as_it_is(tmp_path: Path, given: list[Any], *, prepared: bool) -> None:
    readers = [Deployed.open(path) for path in built(tmp_path, CARD)]
    crops: Any = {"raw": colour(120, 100, (30, 50)), "rectified": colour(90, 100, (25, 25))}
    subject = Subject(name="s", arm="clean", label="red", prepared=prepared)
    readouts = read_crops(readers, crops, subject)
    assert [one.label for one in readouts] == ["red", "green"] * 2
    wanted = [("prepared", (8, 8, 3))] * 2 if prepared else [("whole", (30, 50, 3)), ("whole", (25, 25, 3))]
    assert given == wanted
