"""`misread assess` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from misread.attack.assess.suite import SUITES
from misread.cli import app
from tests.attack.assess.linear import classifier, write_onnx, write_pictures

if TYPE_CHECKING:
    import pytest


def test_a_file_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUITES, "linf", SUITES["linf"][:2])
    model = write_onnx(classifier(), tmp_path / "net.onnx")
    data = write_pictures(classifier(), tmp_path / "data")
    asked = ["assess", str(model), "--data", str(data), "--eps", "40/255"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "robust" in said.output
    document = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert (document["pictures"], document["robust"]["total"]) == (12, 12)


def test_no_eps_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["assess", "signs"]).exit_code == 2
