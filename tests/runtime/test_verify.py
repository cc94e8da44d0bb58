"""`verify` on files: what onnxruntime reads, what a broken build leaves behind, what the options refuse."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.card import ModelCard
from misread.cards.facts import CardFacts
from misread.errors import FileError, OptionError, UnknownName
from misread.report.text.verification import verification_text
from misread.runtime.judge import judge
from misread.runtime.ladder import RUNGS
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.verify import VerifyOptions, verify
from tests.runtime.planted import CARD, COLOURS, MEANS, bundle_of, verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tinted(red: int, green: int, blue: int, size: tuple[int, int] = (8, 8)) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array([red, green, blue], np.uint8), (*size, 3)).copy()


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pairs = [(tinted(200, 100, 0), tinted(100, 200, 0)), (tinted(200, 0, 0), tinted(190, 0, 0))]
    return bundle_of(tmp_path / "bundle", pairs, card=COLOURS, label="red").folder


def test_a_bundle_is_judged_on_the_file(folder: Path, build: Path) -> None:
    result = verify(VerifyOptions(bundle=folder, builds=(build,)))
    assert verdicts(result) == ["verified", "refuted"]
    (only,) = result.builds
    first = only.judgements[0]
    assert first.changed is not None
    assert first.changed.margin == pytest.approx((100 - 200) / 255, abs=1e-5)
    assert only.sha256 == hashlib.sha256(MEANS).hexdigest()
    assert only.card_from == ("bundle",)
    assert only.fingerprint is not None
    assert only.fingerprint.nodes == (("CPUExecutionProvider", 2),)
    climbed = [rung.name for rung in RUNGS if rung.name != "preprocessing"]  # which would repeat the first here
    assert [step.rung for step in result.ladder] == ["torch-float", "torch-8bit", *climbed]
    assert result.exit_code == 1
    assert result.sentence == "not verified: means.onnx: 1 of 2 verified, 1 refuted"


def test_all_verified_is_exit_0(tmp_path: Path, build: Path) -> None:
    pairs = [(tinted(200, 100, 0), tinted(100, 200, 0)), (tinted(0, 100, 0), tinted(0, 100, 0))]
    bundle = bundle_of(tmp_path / "b", pairs, card=COLOURS, label="red")
    result = verify(VerifyOptions(bundle=bundle.folder, builds=(build,)))
    assert (result.passed, result.exit_code) == (True, 0)
    assert result.sentence == "verified: 1 of 1 on means.onnx (1 excluded, misread when clean)"


def test_the_builds_noise_is_measured_over_batch_threads_and_levels(folder: Path, build: Path) -> None:
    result = verify(VerifyOptions(bundle=folder, builds=(build,), session=SessionOptions(threads=1)))
    noise = result.builds[0].noise
    assert noise is not None
    assert [entry.setting for entry in noise.measured_over] == ["batch 1", "threads 2", "level disable", "level basic"]
    assert (noise.pictures, noise.skipped) == (4, ())
    assert noise.margin < 1e-5


def test_the_card_given_is_taken_before_the_bundles(folder: Path, build: Path) -> None:
    bgr = ModelCard(labels=("red", "green", "blue"), size_hw=(8, 8), colour="bgr")
    result = verify(VerifyOptions(bundle=folder, builds=(build,), card=bgr))
    assert result.builds[0].card_from == ("flags",)
    assert verdicts(result) == ["excluded", "excluded"]


def test_what_is_no_model_is_unavailable_and_the_others_go_on(folder: Path, build: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    result = verify(VerifyOptions(bundle=folder, builds=(text, tmp_path / "gone.onnx", build)))
    words, gone, works = result.builds
    assert "is not an ONNX model" in words.reason
    assert words.sha256 == hashlib.sha256(b"not a model").hexdigest()
    assert "no such file" in gone.reason
    assert gone.sha256 == ""
    assert verdicts(result, 0) == verdicts(result, 1) == ["unavailable", "unavailable"]
    assert verdicts(result, 2) == ["verified", "refuted"]
    assert works.available
    assert result.exit_code == 1


def test_nothing_but_wrong_input_is_exit_2(folder: Path, tmp_path: Path) -> None:
    assert verify(VerifyOptions(bundle=folder, builds=(tmp_path / "gone.onnx",))).exit_code == 2


def test_a_damaged_picture_ends_the_verification(folder: Path, build: Path) -> None:
    victim = next((folder / "images").glob("0001-changed*"))
    victim.write_bytes(victim.read_bytes()[:-20])
    with pytest.raises(FileError, match="0001-changed"):
        verify(VerifyOptions(bundle=folder, builds=(build,)))


def test_no_bundle_is_one_sentence(tmp_path: Path, build: Path) -> None:
    with pytest.raises(FileError, match="is no bundle"):
        verify(VerifyOptions(bundle=tmp_path / "none", builds=(build,)))


def test_builds_of_one_name_are_told_apart_by_their_paths(folder: Path, build: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "means.onnx"
    other.parent.mkdir()
    other.write_bytes(MEANS)
    result = verify(VerifyOptions(bundle=folder, builds=(build, other)))
    assert [entry.name for entry in result.builds] == [str(build), str(other)]


def test_rungs_can_be_chosen_and_the_file_always_comes_first(folder: Path, build: Path) -> None:
    result = verify(VerifyOptions(bundle=folder, builds=(build,), rungs=("jpeg-50",)))
    assert [step.rung for step in result.ladder] == ["torch-float", "torch-8bit", "file", "jpeg-50"]


def test_pictures_at_their_own_size_take_the_whole_path(tmp_path: Path, build: Path) -> None:
    pair = (tinted(200, 100, 0, (31, 17)), tinted(100, 200, 0, (31, 17)))
    bundle = bundle_of(tmp_path / "b", [pair], card=COLOURS, label="red", prepared=False)
    assert verify(VerifyOptions(bundle=bundle.folder, builds=(build,))).passed


def test_an_open_build_brings_its_fingerprint_and_its_settings(tmp_path: Path, build: Path) -> None:
    bundle = bundle_of(tmp_path / "b", [(tinted(9, 1, 1), tinted(1, 9, 1))], card=COLOURS, label="red")
    (only,) = judge(bundle, [Deployed.open(build, card=COLOURS)]).builds
    assert only.passed
    assert only.fingerprint is not None
    assert only.noise is not None
    assert len(only.noise.measured_over) == 4


def test_a_setting_that_cannot_run_is_said(folder: Path, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The file vanishes between the verdict and the noise: every other setting opens it again.
    reader = Deployed.open(build, card=COLOURS)
    run = Deployed.run

    def once(self: Deployed, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        build.unlink(missing_ok=True)
        return run(self, prepared)

    monkeypatch.setattr(Deployed, "run", once)
    bundle = bundle_of(folder.parent / "again", [(tinted(9, 1, 1), tinted(1, 9, 1))], card=COLOURS, label="red")
    (only,) = judge(bundle, [reader]).builds
    assert only.passed
    assert only.noise is not None
    assert [entry.setting for entry in only.noise.measured_over] == ["batch 1"]
    assert len(only.noise.skipped) == 3
    assert all("no such file" in reason for reason in only.noise.skipped)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"builds": tuple(Path(f"{number}.onnx") for number in range(65))}, "at most 64 builds"),
        ({"builds": (Path("a.onnx"), Path("./a.onnx"))}, "given twice"),
        ({"builds": (Path("a.onnx"),), "noise_witnesses": 0}, "1 witness or more"),
    ],
)
def test_options_without_an_answer_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        VerifyOptions(bundle=Path("b"), **options)  # type: ignore[arg-type]


def test_an_unknown_rung_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean 'jpeg-90'"):
        VerifyOptions(bundle=Path("b"), builds=(Path("a.onnx"),), rungs=("jpg-90",))


def test_flags_come_before_the_bundles_card_and_leave_the_rest_to_it(folder: Path, build: Path) -> None:
    result = verify(VerifyOptions(bundle=folder, builds=(build,), card=CardFacts(colour="bgr")))
    assert result.builds[0].card_from == ("flags", "bundle")
    assert verdicts(result) == ["excluded", "excluded"]
    assert "means.onnx: card from flags, bundle" in verification_text(result)


def test_a_build_with_its_own_card_says_so(tmp_path: Path, folder: Path, build: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(build)
    for key, value in COLOURS.to_metadata().items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, tmp_path / "carded.onnx")
    result = verify(VerifyOptions(bundle=folder, builds=(tmp_path / "carded.onnx",), card=CARD))
    assert result.builds[0].card_from == ("misread card",)
    assert verdicts(result) == ["verified", "refuted"]
