"""What somebody's code fed to a model, explained: planted mistakes are named, each and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

pytest.importorskip("PIL")

import cv2
from PIL import Image

from misread.data import find_samples
from misread.runtime.compare.path import PathFinding, Recorded, explain, explain_function
from tests.runtime.compare.foreign import CARD, MEAN, STD, OpenCv, Pillow, write_scenes, write_turned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from misread.card import ModelCard

SQUASH: Final = replace(CARD, resize="squash", resize_px=None)
LEVELS: Final = replace(CARD, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="session")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_turned(tmp_path_factory.mktemp("turned"))


def found(function: Callable[[Path], Any], data: Path, card: ModelCard = CARD) -> PathFinding:
    return explain_function(function, data, card)


def named(finding: PathFinding) -> list[tuple[str, str]]:
    return [(change.stage, change.found) for change in finding.culprits]


PLANTED: Final = (
    ("bgr", Pillow(bgr=True), CARD, [("colour", "bgr")]),
    ("no antialias", OpenCv(), SQUASH, [("antialias", "off")]),
    ("bicubic", Pillow(kernel=Image.Resampling.BICUBIC), CARD, [("kernel", "bicubic")]),
    ("crop fraction", Pillow(short=80), CARD, [("crop", "crop from 80 px")]),
    ("squash for crop", Pillow(short=0), CARD, [("resize", "squash")]),
    ("crop for squash", Pillow(), SQUASH, [("resize", "crop from 72 px")]),
    ("0..255 for 0..1", Pillow(scale=1.0), CARD, [("scale", "0..255")]),
    ("0..1 for 0..255", Pillow(mean=(0, 0, 0), std=(1, 1, 1)), LEVELS, [("scale", "0..1")]),
    ("wrong std", Pillow(std=(0.3, 0.25, 0.4)), CARD, [("std", "0.3, 0.25, 0.4")]),
    ("well-known std", Pillow(std=(0.5, 0.5, 0.5)), CARD, [("std", "0.5 (0.5/0.5 (Inception, -1..1))")]),
    ("wrong mean", Pillow(mean=(0.1, 0.2, 0.3)), CARD, [("mean", "0.1, 0.2, 0.3")]),
    ("mean and std in reverse", Pillow(mean=MEAN[::-1], std=STD[::-1]), CARD,
     [("mean", "0.406, 0.456, 0.485 (in reverse order)"), ("std", "0.225, 0.224, 0.229 (in reverse order)")]),
    ("inception", Pillow(mean=(0.5,) * 3, std=(0.5,) * 3), CARD,
     [("mean", "0.5 (0.5/0.5 (Inception, -1..1))"), ("std", "0.5 (0.5/0.5 (Inception, -1..1))")]),
    ("no normalisation", Pillow(mean=(0, 0, 0), std=(1, 1, 1)), CARD,
     [("mean", "0 (none (0..1))"), ("std", "1 (none (0..1))")]),
    ("area", OpenCv(kernel=cv2.INTER_AREA), SQUASH, [("kernel", "area")]),
    ("lanczos", Pillow(kernel=Image.Resampling.LANCZOS), CARD, [("kernel", "lanczos, antialiased")]),
    ("nearest of OpenCV", OpenCv(kernel=cv2.INTER_NEAREST), SQUASH, [("kernel", "OpenCV's INTER_NEAREST")]),
    ("OpenCV's cubic", OpenCv(kernel=cv2.INTER_CUBIC), SQUASH, [("kernel", "bicubic"), ("antialias", "off")]),
    ("bgr with wrong std", Pillow(bgr=True, std=(0.3, 0.3, 0.3)), CARD, [("colour", "bgr"), ("std", "0.3")]),
    ("0..255 with wrong std", Pillow(scale=1.0, std=(0.3, 0.3, 0.3)), CARD, [("scale", "0..255"), ("std", "0.3")]),
    ("bgr, no antialias", OpenCv(bgr=True), SQUASH, [("antialias", "off"), ("colour", "bgr")]),
    ("squash, bicubic", Pillow(short=0, kernel=Image.Resampling.BICUBIC), CARD,
     [("resize", "squash"), ("kernel", "bicubic")]),
    ("letterbox", OpenCv(pad=114), replace(SQUASH, antialias=False), [("resize", "letterbox on 114")]),
    ("black letterbox", OpenCv(pad=0), replace(SQUASH, antialias=False), [("resize", "letterbox on 0")]),
    ("nearest in a letterbox", OpenCv(pad=114, kernel=cv2.INTER_NEAREST), replace(SQUASH, resize="letterbox"),
     [("kernel", "OpenCV's INTER_NEAREST")]),
    ("no letterbox", OpenCv(), replace(SQUASH, antialias=False, resize="letterbox"), [("resize", "squash")]),
)  # fmt: skip


@pytest.mark.parametrize(("function", "card", "expected"), [case[1:] for case in PLANTED], ids=[c[0] for c in PLANTED])
def test_a_planted_mistake_is_named_and_nothing_else(
    folder: Path, function: Callable[[Path], Any], card: ModelCard, expected: list[tuple[str, str]]
) -> None:
    finding = found(function, folder, card)
    assert named(finding) == expected, finding.sentence
    assert finding.explained
    assert finding.alternatives == ()
    assert finding.left.rms < 0.6 < finding.before.rms
    assert all(effect.levels.mean > 0.3 for effect in finding.effects)
    assert " and ".join(change.text for change in finding.culprits) in finding.sentence


CLEAN: Final = (
    ("Pillow", Pillow(), CARD),
    ("Pillow, squashed", Pillow(short=0), SQUASH),
    ("OpenCV", OpenCv(), replace(SQUASH, antialias=False)),
    ("OpenCV's cubic", OpenCv(kernel=cv2.INTER_CUBIC), replace(SQUASH, antialias=False, interpolation="bicubic")),
    ("OpenCV's letterbox", OpenCv(pad=114), replace(SQUASH, antialias=False, resize="letterbox")),
    ("the same on 0..255", Pillow(),
     replace(CARD, scale=1.0, mean=tuple(255 * m for m in MEAN), std=tuple(255 * s for s in STD))),
)  # fmt: skip


@pytest.mark.parametrize(("function", "card"), [case[1:] for case in CLEAN], ids=[case[0] for case in CLEAN])
def test_a_clean_path_has_no_culprit(folder: Path, function: Callable[[Path], Any], card: ModelCard) -> None:
    finding = found(function, folder, card)
    assert (finding.culprits, finding.alternatives, finding.explained) == ((), (), True), finding.sentence
    assert finding.left.max < 2.5
    assert finding.sentence == "the function and the card agree"


def test_crops_as_opencv_users_round_them_are_named(folder: Path) -> None:
    def device(path: Path) -> np.ndarray:
        image = cv2.imread(str(path))
        assert image is not None
        factor = 72 / min(image.shape[:2])
        size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
        image = cv2.resize(image, size)
        top, left = (image.shape[0] - 64) // 2, (image.shape[1] - 64) // 2
        return np.asarray(image[top : top + 64, left : left + 64] / 255).transpose(2, 0, 1)

    card = replace(CARD, mean=(0.0,) * 3, std=(1.0,) * 3)
    stages = [change.stage for change in found(device, folder, card).culprits]
    assert stages == ["crop", "antialias", "colour"]


def test_inputs_of_several_sizes_are_explained_by_those_of_the_first(folder: Path) -> None:
    samples = find_samples(folder, CARD.labels)
    fed = {sample.name: Pillow()(sample.path) for sample in samples}
    fed[samples[-1].name] = np.zeros((3, 9, 9), np.float32)
    finding = explain(Recorded.of(fed), samples, CARD, what="x and y")
    assert (finding.pictures, finding.culprits) == (len(samples) - 1, ())


def test_ignored_exif_orientation_is_named(turned: Path) -> None:
    finding = found(Pillow(upright=False), turned)
    assert named(finding) == [("decode", "ignored")], finding.sentence
    assert found(Pillow(), turned).culprits == ()


def test_ignored_exif_with_bgr_are_both_named(turned: Path) -> None:
    assert named(found(Pillow(upright=False, bgr=True), turned)) == [("decode", "ignored"), ("colour", "bgr")]


def test_grey_pictures_cannot_show_the_colour_order(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "grey")
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.convert("L").convert("RGB").save(path)
    finding = found(
        Pillow(bgr=True, mean=(0.5,) * 3, std=(0.5,) * 3), folder, replace(CARD, mean=(0.5,) * 3, std=(0.5,) * 3)
    )
    assert finding.culprits == ()
    assert any(text.startswith("colour order") for text in finding.unseen), finding.unseen


def test_one_colour_cannot_tell_what_is_wrong(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (90, 80), (200, 120, 40)).save(tmp_path / f"{number}.png")
    finding = found(Pillow(bgr=True), tmp_path)
    assert finding.explained
    assert finding.alternatives
    assert "cannot be told from these pictures" in finding.sentence
    assert any(text.startswith("mean and std") for text in finding.unseen)


def test_what_no_mistake_explains_is_said(folder: Path) -> None:
    generator = np.random.default_rng(3)
    finding = found(lambda _: generator.normal(size=(3, 64, 64)).astype(np.float32), folder)
    assert not finding.explained
    assert finding.culprits == ()
    assert "no known cause explains it" in finding.sentence
    assert finding.tried[0].rms > 5
    texts = [tried.text for tried in finding.tried]
    assert any(text.startswith("colour order: bgr") for text in texts)
    assert "antialias: off instead of on" in texts


def test_another_decoder_is_suspected_of_a_small_rest(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "jpeg", suffix=".jpg")
    generator = np.random.default_rng(4)

    def decoded_otherwise(path: Path) -> np.ndarray:
        fed = Pillow()(path)
        return fed + generator.normal(0, 1.2 / 255 / 0.226, fed.shape).astype(np.float32)

    finding = found(decoded_otherwise, folder)
    assert not finding.explained
    assert "another JPEG decoder" in finding.remark
    assert found(decoded_otherwise, write_scenes(tmp_path / "png")).remark == ""


def test_another_size_and_another_number_of_channels_are_named(folder: Path) -> None:
    assert [
        change.stage for change in found(Pillow(), folder, replace(CARD, size_hw=(32, 32), resize_px=36)).culprits
    ] == ["size"]


def test_grey_instead_of_colour_is_named(folder: Path) -> None:
    card = replace(CARD, mean=(0.0,) * 3, std=(1.0,) * 3)

    def grey(path: Path) -> np.ndarray:
        with Image.open(path) as image:  # squashed; luma as Pillow takes it, after the resize
            small = image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR).convert("L")
        return (np.asarray(small, np.float32) / 255)[None]

    finding = found(grey, folder, replace(card, resize="squash", resize_px=None))
    assert named(finding) == [("colour", "grey")], finding.sentence


def test_uint8_inputs_are_levels(folder: Path) -> None:
    def levels(path: Path) -> np.ndarray:
        return np.rint(Pillow(scale=1.0, mean=(0,) * 3, std=(1,) * 3)(path)).astype(np.uint8)

    assert found(levels, folder, LEVELS).culprits == ()
    assert named(found(levels, folder, replace(LEVELS, scale=1 / 255))) == [("scale", "0..255")]


def test_only_the_pictures_that_were_recorded_count(folder: Path) -> None:
    samples = find_samples(folder, CARD.labels)
    some = {sample.name: Pillow()(sample.path) for sample in samples[:2]}
    finding = explain(Recorded.of(some), samples, CARD, what="x and y")
    assert (finding.pictures, finding.culprits) == (2, ())
    assert finding.sides == ("card", "fed")
