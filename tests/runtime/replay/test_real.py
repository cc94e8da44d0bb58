"""Somebody else's file, end to end: attacked through its weights, proved on the export, replayed without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from misread import cli
from tests.runtime.replay.packed import WITHOUT_TORCH

if TYPE_CHECKING:
    from types import ModuleType

PICTURES = 12


@pytest.fixture
def signs(shared_data: Path, tmp_path: Path) -> Path:
    """A few photographs of German signs with their list."""
    lines = (shared_data / "gtsrb" / "test-32.csv").read_text().splitlines()[: 1 + PICTURES]
    wanted = {line.partition(";")[0] for line in lines[1:]}
    with tarfile.open(shared_data / "gtsrb" / "test-32.tar.xz") as archive:
        members = [one for one in archive if Path(one.name).name in wanted]
        archive.extractall(tmp_path, members, filter="data")
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(lines) + "\n")
    return listed


def test_a_bundle_made_on_weights_is_verified_and_replayed_on_their_authors_export(
    zoo: ModuleType, shared_data: Path, signs: Path, tmp_path: Path
) -> None:
    """The file carries no card; the bundle's says how it is fed. What torch found holds on every witness."""
    bundle, build = tmp_path / "bundle", tmp_path / "simplecnn.onnx"
    shutil.copy(shared_data / "gtsrb" / "simplecnn.onnx", build)
    labels = str(shared_data / "gtsrb" / "classes.csv")
    origin = f"{zoo.__file__}:gtsrb_simplecnn"
    runner = CliRunner()
    made = runner.invoke(
        cli.app, ["attack", origin, "--labels", labels, "--size", "32", "--data", str(signs), "-o", str(bundle)]
    )
    assert made.exit_code == 0, made.output
    said = runner.invoke(cli.app, ["verify", str(bundle), "-m", str(build), "--json"])
    (found,) = json.loads(said.stdout)["builds"]
    assert (said.exit_code, found["card_from"]) == (0, ["bundle"])
    assert found["verified"]["hits"] == found["verified"]["total"] > PICTURES // 2
    assert runner.invoke(cli.app, ["pack", str(bundle), "-m", str(build)]).exit_code == 0
    build.unlink()
    command = [sys.executable, "-c", WITHOUT_TORCH, "verify", str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "this device agrees with the host" in " ".join(done.stdout.split())
