"""Replay: what was packed comes back, what differs is named, and nothing in a stranger's bundle leads out of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import MANIFEST, read_bundle
from misread.card import ModelCard
from misread.errors import FileError, InputError, OptionError
from misread.report.json import verification_document
from misread.report.text.verification import verification_text
from misread.runtime.gates import Gates
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.replay import PackOptions, PackResult, pack, packed_builds
from misread.runtime.replay.compare import differences
from misread.runtime.session import SessionOptions
from misread.runtime.verify import VerifyOptions, verify
from tests.models import graph
from tests.runtime.planted import COLOURS, MEANS, bundle_of, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from misread.runtime.verdict import Verification

BGR = ModelCard(labels=("red", "green", "blue"), size_hw=(8, 8), colour="bgr")
WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from misread.cli import main
main()
"""


def tinted(red: int, green: int, blue: int, size: tuple[int, int] = (8, 8)) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array([red, green, blue], np.uint8), (*size, 3)).copy()


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


def folder_of(where: Path, **changes: Any) -> Path:
    """Two witnesses that hold, the second by one level of 255."""
    pairs = [(tinted(200, 100, 0), tinted(100, 200, 0)), (tinted(200, 0, 50), tinted(100, 101, 50))]
    options = {"card": COLOURS, "label": "red", **changes}
    return bundle_of(where, pairs, **options).folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "bundle", placebo=tinted(190, 110, 0))


def packed(folder: Path, *builds: Path, **changes: Any) -> PackResult:
    return pack(PackOptions(bundle=folder, builds=builds, **changes))


def replayed(folder: Path, **changes: Any) -> Verification:
    return verify(VerifyOptions(bundle=folder, **changes))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the entry of the first packed build, as someone who means harm would."""
    document = json.loads((folder / MANIFEST).read_text())
    change(document["builds"][0])
    (folder / MANIFEST).write_text(json.dumps(document))


def record(folder: Path, logits: NDArray[Any]) -> None:
    """Plant a record, and a hash that fits."""
    np.save(folder / "builds" / "0.npy", logits)
    digest = hashlib.sha256((folder / "builds" / "0.npy").read_bytes()).hexdigest()
    rewritten(folder, partial(_hashed, digest))


def _hashed(digest: str, entry: dict[str, Any]) -> None:
    entry["logits"]["sha256"] = digest


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


def test_the_record_is_what_the_build_says(folder: Path, build: Path) -> None:
    """The logits are the means of the planes: clean, changed, placebo of each witness."""
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle)
    levels = [(200, 100, 0), (100, 200, 0), (190, 110, 0), (200, 0, 50), (100, 101, 50), (190, 110, 0)]
    assert (logits.dtype.str, logits.shape) == ("<f4", (6, 3))
    np.testing.assert_allclose(logits * 255, levels, atol=1e-3)


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


def test_weights_in_other_files_are_packed_too(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = graph(tmp_path / "plain.onnx")
    model = onnx.load(path)
    place = tmp_path / "model.onnx"
    for tensor in [one for one in model.graph.initializer if one.name == "constant"]:
        tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor), tensor.name))
        onnx.external_data_helper.set_external_data(tensor, "w.bin")
    onnx.save_model(model, place)
    assert (tmp_path / "w.bin").is_file()
    two = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    pairs = [(tinted(200, 100, 0), tinted(100, 200, 0))]
    bundle = bundle_of(tmp_path / "b", pairs, card=two, label="red").folder
    result = packed(bundle, path, place)
    assert [one.file.path for one in result.builds] == ["builds/plain.onnx", "builds/1/model.onnx"]
    for gone in (path, place, tmp_path / "w.bin"):
        gone.unlink()
    assert replayed(bundle).exit_code == 0
    weights = bundle / "builds" / "1" / "w.bin"
    weights.write_bytes(b"\1" + weights.read_bytes()[1:])
    with pytest.raises(FileError, match="is not the build that was packed"):
        replayed(bundle)


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


def test_packing_leaves_the_hash_of_the_bundle_for_baselines(folder: Path, build: Path) -> None:
    before = read_bundle(folder).sha256
    packed(folder, build)
    assert replayed(folder).bundle_sha256 == before


def test_packing_twice_wants_overwrite(folder: Path, build: Path) -> None:
    packed(folder, build)
    with pytest.raises(InputError, match=r"has 1 builds packed already; add --overwrite"):
        packed(folder, build)
    other = build.rename(build.with_name("other.onnx"))
    packed(folder, other, overwrite=True)
    assert sorted(path.name for path in (folder / "builds").iterdir()) == ["0.npy", "other.onnx"]


def test_two_builds_of_one_name_are_refused(folder: Path, build: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    with pytest.raises(InputError, match="a name of its own"):
        packed(folder, build, Path(shutil.copy(build, tmp_path / "deep")))
    with pytest.raises(OptionError, match="give 1 to 64 builds"):
        packed(folder)


def test_a_build_that_cannot_read_the_pictures_is_not_packed(folder: Path, build: Path) -> None:
    large = ModelCard(labels=("red", "green", "blue"), size_hw=(16, 16))
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(InputError):
        packed(folder, build, card=large)
    assert (folder / MANIFEST).read_bytes() == before
    assert not (folder / "builds").exists()


def test_a_packed_build_that_changed_is_refused_in_a_sentence(folder: Path, build: Path) -> None:
    packed(folder, build)
    (folder / "builds" / "means.onnx").write_bytes(MEANS.replace(b"\x12\x01g", b"\x12\x01h"))  # the graph's name
    with pytest.raises(FileError, match=r"means\.onnx is not the build that was packed"):
        replayed(folder)


def test_a_record_that_changed_is_refused_in_a_sentence(folder: Path, build: Path) -> None:
    packed(folder, build)
    path = folder / "builds" / "0.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(FileError, match="is not the file that the manifest describes"):
        replayed(folder)


@pytest.mark.parametrize(
    "logits",
    [
        np.zeros((6, 2), np.float32),
        np.zeros((6, 3), np.float64),
        np.zeros((5, 3), np.float32),
        np.zeros((3, 6), np.float32),
        np.zeros((6, 3), np.int32),
        np.asfortranarray(np.zeros((6, 3), np.float32)),
    ],
    ids=["labels", "kind", "pictures", "turned", "whole numbers", "columns first"],
)
def test_a_record_of_something_else_is_refused(folder: Path, build: Path, logits: NDArray[Any]) -> None:
    packed(folder, build)
    record(folder, logits)
    with pytest.raises(FileError, match=r"holds no logits of this bundle|has .* bytes"):
        replayed(folder)


def test_a_record_that_asks_for_the_moon_is_refused_before_anything_is_allocated(folder: Path, build: Path) -> None:
    packed(folder, build)
    for data in (b"\x93NUMPY\x02\x00" + bytes(100), b"PK\x03\x04", b""):
        (folder / "builds" / "0.npy").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        rewritten(folder, partial(_hashed, digest))
        with pytest.raises(FileError, match="holds no logits of this bundle"):
            replayed(folder)


HOSTILE = {
    "above": lambda entry: entry["file"].update(path="../means.onnx"),
    "absolute": lambda entry: entry["file"].update(path="/etc/passwd"),
    "record above": lambda entry: entry["logits"].update(path="builds/../../0.npy"),
    "no path": lambda entry: entry["file"].update(path=7),
    "no card": lambda entry: entry.update(card=None),
    "card": lambda entry: entry["card"].update(labels=[]),
    "name": lambda entry: entry.update(name="x" * 201),
    "no name": lambda entry: entry.pop("name"),
    "noise": lambda entry: entry.update(noise={"logit": 0, "margin": -1, "pictures": 1}),
    "infinite": lambda entry: entry.update(noise={"logit": 0, "margin": float("inf"), "pictures": 1}),
    "fingerprint": lambda entry: entry.update(fingerprint="x"),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_strangers_entry_is_refused(folder: Path, build: Path, harm: Callable[[dict[str, Any]], None]) -> None:
    packed(folder, build)
    rewritten(folder, harm)
    with pytest.raises(FileError, match=r"describes a packed build wrongly|is broken"):
        replayed(folder)


def test_a_link_that_leaves_the_bundle_is_not_followed(folder: Path, build: Path) -> None:
    packed(folder, build)
    (folder / "builds" / "means.onnx").unlink()
    (folder / "builds" / "means.onnx").symlink_to(build)
    with pytest.raises(FileError, match="is a link that leaves the bundle"):
        replayed(folder)


def test_too_many_and_two_of_one_name_are_refused(folder: Path, build: Path) -> None:
    packed(folder, build)
    document = json.loads((folder / MANIFEST).read_text())
    for times, said in ((65, "lists 65 packed builds"), (2, "packs a build of the name 'means.onnx' twice")):
        (folder / MANIFEST).write_text(json.dumps(document | {"builds": document["builds"] * times}))
        with pytest.raises(FileError, match=said):
            replayed(folder)


def test_a_strangers_words_do_not_steer_the_terminal(folder: Path, build: Path) -> None:
    packed(folder, build)
    rewritten(folder, lambda entry: entry.update(name="\x1b[2Jx", fingerprint={"cpu": "\x1b[2J"}))
    text = verification_text(replayed(folder))
    assert "\x1b" not in text
    assert "\\x1b[2J on the host" in " ".join(text.split())


def test_the_commands_pack_and_replay_without_torch(folder: Path, build: Path) -> None:
    def ran(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_TORCH, *argv]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    done = ran("pack", str(folder), "-m", str(build))
    assert (done.returncode, done.stderr) == (0, "")
    assert "builds/means.onnx" in done.stdout
    said = ran("verify", str(folder), "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["replays"][0]["agrees"] is True


def test_pack_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[PackOptions] = []

    def call(options: PackOptions, **_: Any) -> None:
        seen.append(options)
        raise OptionError("seen")

    monkeypatch.setattr("misread.runtime.replay.pack", call)
    argv = ["pack", "b", "-m", "x.onnx", "-m", "y.onnx", "--threads", "1", "--colour", "bgr", "--overwrite"]
    assert CliRunner().invoke(cli.app, argv).exit_code == 2
    (options,) = seen
    assert (options.bundle, options.builds) == (Path("b"), (Path("x.onnx"), Path("y.onnx")))
    assert (options.session, options.overwrite) == (SessionOptions(threads=1), True)
    assert options.card is not None
    assert options.card.colour == "bgr"
