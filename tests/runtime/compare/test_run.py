"""Agreement, flips, margins, percentiles, noise and the gate, on readers whose answers are known in closed form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from misread.card import ModelCard
from misread.errors import FileError, InputError, ModelRunError, OptionError
from misread.pixels import write_png
from misread.report.json import dumps, result_document
from misread.runtime.compare import CompareOptions, Percentiles, compare
from misread.runtime.compare.shared import Shared
from misread.runtime.session import Deployed, FunctionReader
from tests.runtime.compare.builds import write_build

if TYPE_CHECKING:
    from pathlib import Path

CARD: Final = ModelCard(labels=("dark", "bright", "odd"), size_hw=(8, 8))


def reader(name: str, shift: float = 0.0, *, card: ModelCard = CARD, alone: float = 0.0) -> FunctionReader:
    """`bright` where the mean level and `shift` exceed 127.5, by twice that; `alone` is gained in a batch of one."""

    def logits(prepared: np.ndarray) -> np.ndarray:
        excess = prepared.astype(np.float64).mean(axis=(1, 2, 3)) - 127.5 + shift
        excess = excess + (alone / 2 if len(prepared) == 1 else 0.0)
        return np.stack([-excess, excess, np.full_like(excess, -200.0)], axis=1).astype(np.float32)

    return FunctionReader(card, logits, name=name)


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """Ten flat pictures in the folders of what they show: levels 100, 106 ... 154."""
    for level in range(100, 160, 6):
        folder = tmp_path / "data" / ("bright" if level > 127 else "dark")
        folder.mkdir(parents=True, exist_ok=True)
        write_png(folder / f"{level}.png", np.full((8, 8, 3), level, np.uint8))
    return tmp_path / "data"


def test_flips_margins_and_differences_are_those_of_the_closed_form(levels: Path) -> None:
    found = compare(reader("a"), reader("b", 8.0), CompareOptions(data=levels))
    assert (found.agreement.hits, found.agreement.total) == (9, 10)
    (flip,) = found.flips
    assert (flip.name, flip.label_a, flip.label_b, flip.truth) == ("dark/124.png", "dark", "bright", "dark")
    assert [flip.margin_a, flip.margin_b] == pytest.approx([7, 9])
    assert flip.in_noise_of == ()
    assert found.difference == Percentiles(p50=8.0, p90=8.0, p99=8.0, max=8.0)
    assert found.relative.max == pytest.approx(8 / (200 + 3.5 - 2 * 0), rel=0.1)
    assert (found.a.accuracy.hits, found.b.accuracy.hits) == (10, 9)  # type: ignore[union-attr]
    assert (found.passed, found.exit_code) == (False, 1)
    assert "A and B agree too seldom: they read alike on 9/10 (90.0 %, 95 % CI 59.6-98.2)" in found.sentence
    assert "at least 95.0 % is asked for" in found.sentence
    assert "the model, not the path, is the difference" in found.sentence


def test_the_gate_is_the_caller_s(levels: Path) -> None:
    found = compare(reader("a"), reader("b", 8.0), CompareOptions(data=levels, min_agreement=0.9))
    assert (found.passed, found.exit_code) == (True, 0)
    assert found.sentence.startswith("A and B agree on 9/10")


def test_a_flip_inside_the_noise_of_one_side_is_no_failure(levels: Path) -> None:
    found = compare(reader("a"), reader("b", 8.0, alone=10.0), CompareOptions(data=levels))
    assert found.b.noise.margin == pytest.approx(10)
    assert found.flips[0].in_noise_of == ("B",)
    assert (found.in_noise, found.agreement.hits, found.exit_code) == (1, 9, 0)
    assert "1 more within the noise" in found.sentence
    assert compare(reader("a"), reader("b", 8.0, alone=8.0), CompareOptions(data=levels)).exit_code == 1


def test_percentiles_are_those_of_numpy() -> None:
    values = [float(value) for value in np.random.default_rng(1).exponential(size=500)]
    found = Percentiles.of(values)
    assert [found.p50, found.p90, found.max] == pytest.approx([*np.percentile(values, [50, 90]), max(values)])


def test_labels_are_matched_by_name_in_whatever_order(levels: Path) -> None:
    turned = replace(CARD, labels=("Bright", "other", "dark"))

    def logits(prepared: np.ndarray) -> np.ndarray:
        same = reader("x").read_prepared(prepared).logits
        return np.stack([same[:, 1], np.full(len(same), 9.0, np.float32), same[:, 0]], axis=1)

    found = compare(reader("a"), FunctionReader(turned, logits, name="b"), CompareOptions(data=levels))
    assert (found.shared_labels, found.agreement.hits) == (2, 10)
    assert (found.a.unshared, found.b.unshared) == (0, 3)  # levels 118, 124 and 130 are within 9 of the middle
    assert found.difference.max == 0


def test_nothing_shared_is_refused() -> None:
    other = reader("b", card=replace(CARD, labels=("x", "y", "dark")))
    with pytest.raises(InputError, match=r"a and b share 1 labels .* --labels FILE"):
        Shared.between(reader("a"), other)


def test_probabilities_and_logits_meet_in_the_middle(levels: Path) -> None:
    def probabilities(prepared: np.ndarray) -> np.ndarray:
        logits = reader("x").read_prepared(prepared).logits.astype(np.float64) / 20
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def logits(prepared: np.ndarray) -> np.ndarray:
        return reader("x").read_prepared(prepared).logits / 20 + 3

    soft = FunctionReader(replace(CARD, output="probabilities"), probabilities, name="soft")
    found = compare(FunctionReader(CARD, logits, name="hard"), soft, CompareOptions(data=levels))
    assert found.space == "log-probabilities"
    assert found.difference.max < 1e-3


def test_noise_of_a_build_is_taken_over_settings_and_a_fresh_process(tmp_path: Path, levels: Path) -> None:
    a, b = (Deployed.open(write_build(tmp_path / name)) for name in ("a.onnx", "b.onnx"))
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in levels.rglob("*.png"):
        (flat / path.name).write_bytes(path.read_bytes())
    found = compare(a, b, CompareOptions(data=flat))
    settings = [entry.setting for entry in found.b.noise.measured_over]
    assert settings[0] == "batch 1"
    assert settings[-1] == "fresh process"
    assert {"level disable", "level basic"} < set(settings)
    assert any(setting.startswith("threads") for setting in settings)
    assert found.b.noise.skipped == ()
    assert found.b.fingerprint is not None
    assert found.b.fingerprint.model_sha256 == b.sha256
    assert found.a.accuracy is None
    assert (found.agreement.share, found.exit_code) == (1, 0)
    assert "their outputs agree up to noise" in found.sentence


def test_what_cannot_be_measured_is_named(levels: Path) -> None:
    one = reader("b")
    one.reopen = lambda: one  # type: ignore[attr-defined]
    found = compare(reader("a"), one, CompareOptions(data=levels))
    assert found.b.noise.skipped[0].startswith("fresh process: another process cannot open this reader")


def test_a_graph_that_prepares_pictures_itself_gets_them_whole(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.full((20, 31, 3), 90, np.uint8))
    shapes: list[tuple[int, ...]] = []

    class Whole(FunctionReader):
        def read(self, images: Any) -> Any:
            shapes.extend(image.shape for image in images)
            return super().read(images)

    inner = reader("b")
    card = ModelCard(labels=CARD.labels, size_hw=(8, 8), baked_preprocessing=True)
    found = compare(
        inner, Whole(card, lambda x: inner.read_prepared(x).logits, name="b"), CompareOptions(data=tmp_path)
    )
    assert shapes[0] == (20, 31, 3)
    assert found.agreement.share == 1


def test_the_result_is_one_json_document(levels: Path) -> None:
    found = compare(reader("a"), reader("b", 8.0), CompareOptions(data=levels))
    document = json.loads(dumps(result_document("misread-comparison", found)))
    assert (document["schema"], document["exit_code"], document["passed"]) == (1, 1, False)
    assert document["agreement"]["share"] == 0.9
    assert document["flips"][0]["name"] == "dark/124.png"
    assert document["paths"][0]["explained"] is True


def test_progress_is_told(levels: Path) -> None:
    said: list[tuple[str, int, int]] = []
    options = CompareOptions(data=levels, limit=9)
    compare(reader("a"), reader("b"), options, progress=lambda *entry: said.append(entry))
    assert ("reading pictures", 9, 9) in said
    assert said[-1] == ("done", 1, 1)


def test_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder"):
        compare(reader("a"), reader("b"), CompareOptions(data=tmp_path / "none"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"min_agreement": 95.0}, "write 0.95, not 95"),
        ({"min_agreement": float("nan")}, "share from 0 to 1"),
        ({"limit": 0}, "number of pictures from 1"),
        ({"noise_pictures": 0}, "1 picture or more"),
    ],
)
def test_options_refuse_nonsense(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        CompareOptions(data=tmp_path, **changed)


def test_a_model_that_breaks_ends_it(levels: Path) -> None:
    def broken(_: np.ndarray) -> np.ndarray:
        raise ModelRunError("the planted fault")

    with pytest.raises(ModelRunError, match="the planted fault"):
        compare(reader("a"), FunctionReader(CARD, broken, name="b"), CompareOptions(data=levels))
