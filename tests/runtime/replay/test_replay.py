"""Replay: what was packed comes back, and what differs on this device is named."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from misread.bundle import read_bundle
from misread.errors import OptionError
from misread.report.json import verification_document
from misread.report.text.verification import verification_text
from misread.runtime.gates import Gates
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.replay import packed_builds
from misread.runtime.replay.compare import differences
from misread.runtime.session import SessionOptions
from tests.runtime.planted import COLOURS, MEANS, bundle_of, verdicts
from tests.runtime.replay.packed import BGR, packed, record, replayed, rewritten, tinted


def test_what_is_packed_is_replayed_and_agrees(folder: Path, build: Path) -> None:
    result = packed(folder, build)
    build.unlink()
    found = replayed(folder)
    (only,) = found.replays
    assert (found.exit_code, verdicts(found)) == (0, ["verified", "verified"])
    assert (only.build, only.pictures, only.largest, only.median) == ("means.onnx", 6, 0.0, 0.0)
    assert (only.agrees, only.within_noise, only.disagreements, only.differing) == (True, True, (), ())
    assert found.sentence == "verified: 2 of 2 on means.onnx; this device agrees with the host"
    assert (folder / "builds" / "means.onnx").read_bytes() == MEANS
    assert result.builds == packed_builds(read_bundle(folder))
    assert result.builds[0].file.sha256 == hashlib.sha256(MEANS).hexdigest()
    assert result.size_bytes == len(MEANS) + (folder / "builds" / "0.npy").stat().st_size


def test_builds_that_are_named_are_not_compared(folder: Path, build: Path) -> None:
    packed(folder, build)
    assert replayed(folder, builds=(build,)).replays == ()


def test_a_small_difference_is_reported_and_not_failed(folder: Path, build: Path) -> None:
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle).copy()
    logits[0, 0] += 0.25
    logits[4] -= 0.125
    record(folder, logits)
    found = replayed(folder)
    (only,) = found.replays
    assert [only.largest, only.margin] == pytest.approx([0.25, 0.25])
    assert only.median == pytest.approx(0, abs=1e-6)
    assert (only.agrees, only.within_noise, found.exit_code) == (True, False, 0)
    assert "agrees, beyond noise" in verification_text(found)


def test_the_hosts_noise_counts_as_much_as_the_devices(folder: Path, build: Path) -> None:
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle).copy()
    logits[0, 0] += 0.125
    record(folder, logits)
    rewritten(folder, lambda entry: entry["noise"].update(margin=0.25))
    (only,) = replayed(folder).replays
    assert (only.noise, only.within_noise) == (0.25, True)


def test_a_witness_that_changed_its_verdict_is_named(folder: Path, build: Path) -> None:
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle).copy()
    logits[4, 0] += 0.5  # the changed picture of the second witness was read as red there
    record(folder, logits)
    found = replayed(folder)
    (one,) = found.replays[0].disagreements
    assert (one.witness, one.host, one.device) == ("0001", "refuted", "verified")
    assert one.labels == (("changed", "red", "green"),)
    assert (found.exit_code, found.passed) == (1, False)
    said = "this device disagrees with the host: means.onnx: 1 witness changed the verdict (0001)"
    assert found.sentence == f"{said}. verified: 2 of 2 on means.onnx"
    text = " ".join(verification_text(found).split())
    assert "witness 0001 refuted on the host, verified here (changed picture read as red there and green here)" in text
    (replay,) = verification_document(found)["replays"]
    assert (replay["agrees"], replay["disagreements"][0]["witness"]) == (False, "0001")


def test_a_label_that_changed_alone_is_a_disagreement_too(folder: Path, build: Path) -> None:
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle).copy()
    logits[1, 2] += 2  # misread as blue there and as green here: verified on both
    record(folder, logits)
    found = replayed(folder)
    (one,) = found.replays[0].disagreements
    assert (one.verdict_changed, one.labels) == (False, (("changed", "blue", "green"),))
    assert "1 witness changed a label alone (0000)" in found.sentence
    assert "verified on both" in verification_text(found)
    assert found.exit_code == 1


def test_a_disagreement_outlasts_open_gates(folder: Path, build: Path) -> None:
    packed(folder, build)
    record(folder, np.tile(np.array([0, 1, 0], np.float32), (6, 1)))
    found = replayed(folder, gates=Gates(max_flips=2))
    assert [gate.passed for gate in found.gates] == [True]
    assert (found.exit_code, found.sentence.startswith("this device disagrees")) == (1, True)
    assert "excluded on the host" in verification_text(found)


def test_other_settings_are_listed_and_what_is_the_same_is_not(folder: Path, build: Path) -> None:
    packed(folder, build, session=SessionOptions(threads=1))
    found = replayed(folder, session=SessionOptions(threads=2, level="disable", spinning=True))
    differing = {one.field: (one.host, one.device) for one in found.replays[0].differing}
    assert differing == {"threads": ("1", "2"), "level": ("all", "disable"), "option spinning": ("False", "True")}
    assert "level: all on the host, disable here" in verification_text(found)


def test_a_build_that_is_fed_otherwise_here_is_told_by_its_card(folder: Path, build: Path) -> None:
    packed(folder, build)
    (only,) = replayed(folder, card=BGR).replays
    assert [(one.host, one.device) for one in only.disagreements] == [("verified", "excluded")] * 2
    assert [one.field for one in only.differing] == ["card_sha256"]


def test_another_machine_is_described() -> None:
    host = {"onnxruntime": "1.17.0", "features": ["avx2", "avx512_vnni"], "cpu": "x" * 500, "options": None}
    device = {"onnxruntime": "1.22.0", "features": ["avx2"], "cpu": "y", "threads": 4, "options": {"arena": True}}
    said = {one.field: (one.host, one.device) for one in differences(host, device)}
    assert said["onnxruntime"] == ("1.17.0", "1.22.0")
    assert said["features"] == ("avx2 avx512_vnni", "avx2")
    assert len(said["cpu"][0]) == 200
    assert (said["threads"], said["option arena"]) == (("unknown", "4"), ("unknown", "True"))


def test_pictures_at_the_files_own_size_and_several_builds(tmp_path: Path, build: Path) -> None:
    pairs = [(tinted(200, 100, 0, (20, 30)), tinted(100, 200, 0, (20, 30)))]
    folder = bundle_of(tmp_path / "b", pairs, card=COLOURS, label="red", prepared=False).folder
    other = shutil.copy(build, tmp_path / "other.onnx")
    packed(folder, build, Path(other))
    found = replayed(folder)
    assert [replay.build for replay in found.replays] == ["means.onnx", "other.onnx"]
    assert all(replay.agrees and replay.pictures == 2 for replay in found.replays)


def test_a_build_without_a_card_is_fed_as_on_the_host(folder: Path, build: Path) -> None:
    """The flags that the host gave travel with it: there is no other way to know that it takes BGR."""
    packed(folder, build, card=BGR)
    found = replayed(folder)
    assert verdicts(found) == ["excluded", "excluded"]
    assert found.replays[0].agrees
    assert found.builds[0].fingerprint == replayed(folder, card=BGR).builds[0].fingerprint


def test_a_build_that_cannot_run_here_is_not_compared(folder: Path, build: Path) -> None:
    packed(folder, build)
    words = folder / "builds" / "means.onnx"
    words.write_bytes(MEANS.replace(b"Flatten", b"Flatter"))
    rewritten(folder, lambda entry: entry["file"].update(sha256=model_sha256(words)))
    found = replayed(folder)
    (only,) = found.replays
    assert (only.agrees, only.pictures) == (False, 0)
    assert only.reason
    assert found.exit_code in {2, 4}
    assert "not compared" in verification_text(found)


def test_a_bundle_without_builds_asks_for_some(folder: Path) -> None:
    with pytest.raises(OptionError, match=r"has no builds packed.*add -m MODEL.onnx"):
        replayed(folder)
