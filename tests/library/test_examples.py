"""Every public name has an example in its docstring, and it runs: on `signs`, in one folder for all of them."""

from __future__ import annotations

import doctest
import inspect
import shutil
from pathlib import Path
from typing import Any

import pytest

import misread

pytest.importorskip("torch")


def example_of(text: str, name: str, said: dict[str, Any]) -> doctest.DocTest:
    """Return the runnable lines of the `Examples:` block of a docstring."""
    _, found, block = inspect.cleandoc(text).partition("\nExamples:\n")
    assert found, f"{name} has no example"
    return doctest.DocTestParser().get_doctest(inspect.cleandoc("\n" + block) + "\n", said, name, None, 0)


def failures(test: doctest.DocTest) -> str:
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert outcome.attempted > 0, f"{test.name} has no example that runs"
    return "".join(said) if outcome.failed else ""


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build and the bundle of two witnesses that the examples start from."""
    folder = tmp_path_factory.mktemp("examples")
    misread.export_builds("signs", folder / "signs.onnx")
    misread.attack_to_bundle("signs", folder / "bundle", limit=2, builds=folder / "signs.onnx")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", misread.__all__)
def test_it_runs(name: str, signs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(signs, tmp_path / "here"))
    assert failures(example_of(getattr(misread, name).__doc__, name, {"misread": misread})) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nothing.\n\nExamples:\n    >>> 1 + 1\n    3\n", "Expected:\n    3\nGot:\n    2"),
        ("Nothing.\n\nExamples:\n    >>> nix\n", "NameError"),
    ],
)
def test_a_wrong_example_is_found(text: str, words: str) -> None:
    assert words in failures(example_of(text, "planted", {}))


def test_no_example_is_found() -> None:
    with pytest.raises(AssertionError, match="planted has no example"):
        example_of("Nothing.", "planted", {})
    with pytest.raises(AssertionError, match="that runs"):
        failures(example_of("Nothing.\n\nExamples:\n    words\n", "planted", {}))
