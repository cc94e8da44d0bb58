"""Figures that others, or we ourselves with other code, have published for real models on real pictures."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from misread.flags import CardFlags
from misread.runtime.evaluate import EvalOptions, evaluate
from misread.runtime.session import Deployed

if TYPE_CHECKING:
    from misread.runtime.evaluate.result import Evaluation


@pytest.fixture(scope="module")
def signs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 test photographs of German signs, and the list that came with them: semicolons, `Filename`, `ClassId`."""
    folder = tmp_path_factory.mktemp("gtsrb")
    with tarfile.open(shared_data / "gtsrb" / "test-32.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    listed = folder / "list.csv"
    listed.write_bytes((shared_data / "gtsrb" / "test-32.csv").read_bytes())
    return listed


@pytest.fixture
def photos(shared_data: Path, tmp_path: Path) -> Path:
    """201 photographs, named by the number of their class."""
    files = sorted((shared_data / "imagenet" / "photos").glob("*.JPEG"))
    listed = tmp_path / "photos.csv"
    listed.write_text("image,target\n" + "".join(f"{path},{int(path.name[:3])}\n" for path in files), encoding="utf-8")
    return listed


def read(path: Path, flags: CardFlags, data: Path) -> Evaluation:
    return evaluate(Deployed.open(path, card=flags.facts()), EvalOptions(data=data))


def test_a_classifier_of_signs_by_others(shared_data: Path, signs: Path) -> None:
    """Its card is nowhere: the flags name the labels, the graph its size. Published with the data: 78.1 %."""
    flags = CardFlags(labels=shared_data / "gtsrb" / "classes.csv")
    result = read(shared_data / "gtsrb" / "simplecnn.onnx", flags, signs)
    assert (result.pictures, result.unreadable, result.top1.total) == (4000, 0, 4000)
    assert round(100 * (result.top1.share or 0), 1) == 78.1
    assert sum(score.right.total for score in result.classes) == 4000
    assert sum(pair.times for pair in result.confusions) == 4000 - result.top1.hits
    assert result.card_from == ("flags", "graph", "defaults of the flags")


@pytest.mark.slow
def test_the_embedded_classifier(signs: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from misread.export.onnx import export_onnx
    from misread.export.origin import load_origin

    origin = load_origin("signs")
    export_onnx(origin.twin, origin.card, tmp_path / "signs.onnx")
    result = evaluate(Deployed.open(tmp_path / "signs.onnx"), EvalOptions(data=signs))
    assert (result.top1.hits, result.top1.total) == (3962, 4000)


@pytest.mark.slow
def test_photographs_through_an_int8_and_an_fp16_file(shared_data: Path, photos: Path) -> None:
    """Known of the first: about 78 %, of the second: about 65 %; and that its channels are blue first matters."""
    folder = shared_data / "imagenet"
    flags = CardFlags(labels=Path("none"), size="224", resize="crop", resize_px=256)
    normalised = replace(flags, mean="0.485,0.456,0.406", std="0.229,0.224,0.225")
    int8 = read(folder / "mobilenet_v2_dynamic_int8.onnx", normalised, photos)
    levels = replace(flags, colour="bgr", scale="1", mean="103.94,116.78,123.68", output="probabilities")
    fp16 = read(folder / "squeezenet_fp16.onnx", levels, photos)
    assert int8.top1.total == fp16.top1.total == 201
    assert abs(int8.top1.hits - 0.78 * 201) < 4
    assert abs(fp16.top1.hits - 0.65 * 201) < 4
    third = photos.with_name("third.csv")
    header, *rows = photos.read_text(encoding="utf-8").splitlines(keepends=True)
    third.write_text(header + "".join(rows[::3]), encoding="utf-8")
    swapped = read(folder / "squeezenet_fp16.onnx", replace(levels, colour="rgb"), third)
    assert (swapped.top1.high or 1) < (fp16.top1.share or 0)
