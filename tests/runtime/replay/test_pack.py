"""Packing: what lies in the bundle afterwards, what is refused, and the commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import MANIFEST, read_bundle
from misread.card import ModelCard
from misread.errors import FileError, InputError, OptionError
from misread.runtime.replay import PackOptions, packed_builds
from misread.runtime.session import SessionOptions
from tests.models import graph
from tests.runtime.planted import bundle_of
from tests.runtime.replay.packed import WITHOUT_TORCH, packed, replayed, tinted


def test_the_record_is_what_the_build_says(folder: Path, build: Path) -> None:
    """The logits are the means of the planes: clean, changed, placebo of each witness."""
    packed(folder, build)
    bundle = read_bundle(folder)
    logits = packed_builds(bundle)[0].read_logits(bundle)
    levels = [(200, 100, 0), (100, 200, 0), (190, 110, 0), (200, 0, 50), (100, 101, 50), (190, 110, 0)]
    assert (logits.dtype.str, logits.shape) == ("<f4", (6, 3))
    np.testing.assert_allclose(logits * 255, levels, atol=1e-3)


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
