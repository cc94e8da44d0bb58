"""Reading labelled pictures: a reader in closed form, pictures that cannot be read, files that are whole or absent."""

from __future__ import annotations

import csv
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.card import ModelCard
from misread.errors import FileError, InputError, ModelRunError, OptionError
from misread.pixels import write_png
from misread.report.json import result_document
from misread.report.text.evaluation import evaluation_text
from misread.runtime import evaluate as module
from misread.runtime.evaluate import EvalOptions, evaluate
from misread.runtime.session import Deployed, FunctionReader
from tests.models import graph
from tests.runtime.planted import brightness, flat

if TYPE_CHECKING:
    from numpy.typing import NDArray


def put(path: Path, level: int) -> None:
    write_png(path, flat(level, (12, 9)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four dark pictures, one of which is bright; two bright ones; one file that is no picture; nothing odd."""
    for at, level in enumerate((10, 20, 200, 30)):
        put(tmp_path / "data" / "dark" / f"{at}.png", level)
    for at, level in enumerate((250, 240)):
        put(tmp_path / "data" / "bright" / f"{at}.png", level)
    (tmp_path / "data" / "bright" / "0a.png").write_bytes(b"no picture")
    return tmp_path / "data"


def test_the_figures_are_those_of_the_hand(data: Path) -> None:
    said: list[tuple[str, int, int]] = []
    result = evaluate(brightness(), EvalOptions(data=data), progress=lambda *parts: said.append(parts))
    assert (result.top1.hits, result.top1.total, result.top5) == (5, 6, None)
    assert (result.pictures, result.unreadable) == (7, 1)
    assert [one.name for one in result.unreadable_named] == ["bright/0a.png"]
    assert "is not a picture" in result.unreadable_named[0].reason
    assert [(score.label, score.right.hits, score.right.total, score.read_as) for score in result.classes] == [
        ("dark", 3, 4, 3),
        ("bright", 2, 2, 3),
        ("odd", 0, 0, 0),
    ]
    assert [(pair.truth, pair.read, pair.times) for pair in result.confusions] == [("dark", "bright", 1)]
    assert (result.absent, result.passed, result.exit_code, result.fingerprint) == (("odd",), True, 0, None)
    assert said == [("reading pictures", 7, 0), ("reading pictures", 7, 7)]
    text = evaluation_text(result)
    assert "1, in no figure: bright/0a.png:" in text
    assert "of 1 of 3 classes: odd" in text
    assert result.sentence in " ".join(text.split())
    assert "reads 5 of 6 pictures right (83.3 %, 95 % CI 43.6-97.0), and 1 of 7 could not be read" in result.sentence


@pytest.mark.parametrize(("wanted", "code"), [(0.83, 0), (5 / 6, 0), (0.84, 1), (1.0, 1), (0.0, 0)])
def test_a_gate_closes_below_what_was_asked_for(data: Path, wanted: float, code: int) -> None:
    result = evaluate(brightness(), EvalOptions(data=data, min_accuracy=wanted))
    assert (result.exit_code, result.passed) == (code, code == 0)
    assert ("so this fails" in result.sentence) is (code == 1)


@pytest.mark.parametrize("right", [7, 14, 28, 29, 56, 57, 58])
def test_a_gate_at_the_very_share_is_open(tmp_path: Path, right: int) -> None:
    """0.07 * 100 is more than 7 in floating point, and 7 of 100 is 0.07 all the same."""
    images = np.zeros((100, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([0] * right + [1] * (100 - right)))
    assert evaluate(brightness(), EvalOptions(data=tmp_path / "a.npz", min_accuracy=right / 100)).exit_code == 0
    assert evaluate(brightness(), EvalOptions(data=tmp_path / "a.npz", min_accuracy=(right + 1) / 100)).exit_code == 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 32])
def test_neither_workers_nor_batches_change_anything(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, batch: int
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", batch)
    out = tmp_path / f"lines-{workers}-{batch}.csv"
    threads = threading.active_count()
    result = evaluate(brightness(), EvalOptions(data=data, workers=workers, out=out))
    assert threading.active_count() == threads
    assert result.top1.hits == 5
    rows = list(csv.reader(out.read_text().splitlines()))
    assert [row[0] for row in rows] == [
        "file", "bright/0.png", "bright/0a.png", "bright/1.png", *(f"dark/{at}.png" for at in range(4))
    ]  # fmt: skip
    assert rows[1][1:] == ["bright", "bright", "1", "1", ""]
    assert rows[2][1:5] == ["bright", "", "", ""]
    assert "not a picture" in rows[2][5]
    assert rows[6][1:5] == ["dark", "bright", "1", "2"]


def test_lines_may_be_json(data: Path, tmp_path: Path) -> None:
    evaluate(brightness(), EvalOptions(data=data, out=tmp_path / "lines.jsonl", limit=2))
    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [(line["file"], line["read"]) for line in lines] == [("bright/0.png", "bright"), ("dark/0.png", "dark")]
    assert set(lines[0]) == {"file", "label", "read", "confidence", "place", "error"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ModelRunError("the planted fault")])
def test_what_is_stopped_leaves_no_file_and_no_thread(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 1)

    def stop(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise error

    before, threads = sorted(tmp_path.iterdir()), threading.active_count()
    with pytest.raises(type(error)) as held:  # with the error, its frames are held, and what is open in them
        evaluate(FunctionReader(brightness().card, stop), EvalOptions(data=data, out=tmp_path / "lines.csv", workers=2))
    assert threading.active_count() == threads, held
    assert sorted(tmp_path.iterdir()) == before


def test_pictures_without_a_label_are_refused_with_the_cure(data: Path) -> None:
    with pytest.raises(InputError, match=r"nobody said what 0\.png .* shows; put the pictures into one folder a class"):
        evaluate(brightness(), EvalOptions(data=data / "dark"))


def test_nothing_readable_is_an_error_and_no_figure(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / "dark").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "dark" / f"{name}.png").write_bytes(b"")
    with pytest.raises(FileError, match=r"none of the 2 pictures in .* can be read; .*a\.png"):
        evaluate(brightness(), EvalOptions(data=tmp_path / "data", out=tmp_path / "lines.csv"))
    assert not (tmp_path / "lines.csv").exists()


def test_unreadable_pictures_are_counted_without_end_and_named_up_to_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_NAMED", 1)
    for at in range(3):
        (data / "dark" / f"bad{at}.png").write_bytes(b"")
    result = evaluate(brightness(), EvalOptions(data=data))
    assert (result.unreadable, len(result.unreadable_named), result.top1.total) == (4, 1, 6)
    assert "and 3 more" in evaluation_text(result)


def test_memory_is_bounded_by_the_batch(data: Path) -> None:
    card = ModelCard(labels=("dark", "bright"), size_hw=(4096, 4096))
    assert module._batch_size(card) == 1
    assert module._batch_size(brightness().card) == 32


def test_names_of_classes_come_from_a_file_or_from_their_order(data: Path, tmp_path: Path) -> None:
    (data / "dark").rename(data / "n1")
    (data / "bright").rename(data / "n2")
    (tmp_path / "names.json").write_text('{"n1": "dark", "n2": "bright"}')
    assert evaluate(brightness(), EvalOptions(data=data, classes=tmp_path / "names.json")).top1.hits == 5
    (data / "n3").mkdir()
    assert evaluate(brightness(), EvalOptions(data=data, classes=Path("sorted"))).top1.hits == 5


def test_a_build_says_what_ran_and_where_its_card_is_from(tmp_path: Path) -> None:
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    build = Deployed.open(graph(tmp_path / "m.onnx", metadata=card.to_metadata()))
    for name, colour in (("red", (200, 10, 0)), ("green", (10, 200, 0))):
        write_png(tmp_path / "data" / name / "a.png", np.full((9, 7, 3), colour, np.uint8))
    result = evaluate(build, EvalOptions(data=tmp_path / "data"))
    assert result.fingerprint is not None
    assert result.model_sha256 == result.fingerprint.model_sha256 == build.sha256
    assert (result.card_from, result.top1.hits) == (("misread card",), 2)
    document = result_document("misread-evaluation", result)
    assert document["top1"]["share"] == 1.0
    assert document["fingerprint"]["onnxruntime"] == result.fingerprint.onnxruntime
    assert "card        from misread card" in evaluation_text(result)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": 0}, "limit is a number of pictures from 1"),
        ({"min_accuracy": 90.0}, "a fraction in .0, 1., got 90; write 0.9, not 90"),
        ({"min_accuracy": float("nan")}, "a fraction in"),
        ({"workers": -1}, "workers must be from 0"),
        ({"out": Path("lines.txt")}, "a line for each picture, .csv or .jsonl, got lines.txt"),
    ],
)
def test_nonsense_is_refused_at_birth(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        EvalOptions(data=Path("data"), **options)


def test_lines_are_not_replaced_unless_told(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "lines.csv"
    out.write_text("old")
    with pytest.raises(InputError, match="add --overwrite"):
        evaluate(brightness(), EvalOptions(data=data, out=out))
    assert out.read_text() == "old"
    evaluate(brightness(), EvalOptions(data=data, out=out, overwrite=True))
    assert out.read_text().startswith("file,")
