"""`misread export --bake-preprocessing`: the flag arrives."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli


@pytest.mark.parametrize(("more", "wanted"), [([], False), (["--bake-preprocessing"], True)])
def test_the_flag_arrives(more: list[str], wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    given: list[Any] = []

    class Caught(Exception):  # noqa: N818
        pass

    def catch(options: Any, **_: Any) -> None:
        given.append(options)
        raise Caught

    monkeypatch.setattr("misread.export.run.export_builds", catch)
    with pytest.raises(Caught):
        CliRunner().invoke(cli.app, ["export", "signs", "-o", "a.onnx", *more], catch_exceptions=False)
    assert given[0].bake_preprocessing is wanted
