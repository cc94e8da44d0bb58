"""What is installed, told by metadata: extras, pairs that do not match, packages that overwrite each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from misread.runtime import packages
from misread.runtime.packages import Wheel, clashes, extras, mismatch, numbers, versions, wheel

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
FOR_WORKING_ON_IT = {"dev", "docs", "test"}


def declared() -> dict[str, list[str]]:
    if not PROJECT.is_file():
        pytest.skip("no pyproject.toml beside the tests")
    found = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert isinstance(found, dict)
    return found


def modules_of(extra: str, brought: dict[str, list[str]]) -> list[str]:
    """Follow `misread[other]` to what it brings in the end."""
    found = []
    for entry in brought[extra]:
        inner = re.fullmatch(r"misread\[([\w,]+)\]", entry)
        if inner:
            found += [module for name in inner[1].split(",") for module in modules_of(name, brought)]
        else:
            package = re.split(r"[><=~!\s]", entry)[0].replace("-", "_")
            found.append({"fpdf2": "fpdf"}.get(package, package))
    return found


def test_the_extras_are_those_of_the_project() -> None:
    brought = declared()
    assert {name for name, _ in packages.EXTRAS} == set(brought) - FOR_WORKING_ON_IT
    for name, modules in packages.EXTRAS:
        assert modules_of(name, brought) == list(modules)


def test_an_extra_says_what_it_lacks_and_how_to_get_it() -> None:
    found = {extra.name: extra for extra in extras(lambda module: module not in {"torch", "timm"})}
    assert found["attack"].missing == ("torch",)
    assert found["attack"].install == "pip install 'misread[attack]'"
    assert found["timm"].missing == ("torch", "timm")
    assert found["video"].missing == found["report"].missing == ()


def test_a_module_whose_parent_is_broken_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: str) -> None:
        raise ValueError(module)

    monkeypatch.setattr(packages, "find_spec", refuse)
    assert all(extra.missing for extra in extras() if extra.name != "report")


def test_two_wheels_of_one_module_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"onnxruntime", "onnxruntime-gpu", "opencv-python"}

    def distribution(name: str) -> str:
        if name not in both:
            raise metadata.PackageNotFoundError(name)
        return name

    monkeypatch.setattr(metadata, "distribution", distribution)
    (warning,) = clashes()
    assert warning.startswith("onnxruntime and onnxruntime-gpu are both installed")


GOOD = [
    (Wheel(version="2.13.0"), Wheel(version="0.28.0")),
    (Wheel(version="2.0.1"), Wheel(version="0.15.2")),
    (Wheel(version="2.13.0", tag="cpu"), Wheel(version="0.28.0", tag="cpu", torch="2.13.0")),
    (Wheel(version="2.13.0", tag="cpu"), Wheel(version="0.28.0")),  # nobody says, so nobody is blamed
    (Wheel(version="2.13.1"), Wheel(version="0.28.9")),
    (Wheel(version="1.13.0"), Wheel(version="0.14.0")),  # before the rule
    (Wheel(version="2.14.0a0"), Wheel(version="nonsense")),
    (None, Wheel(version="0.28.0")),
    (Wheel(version="2.13.0"), None),
]


@pytest.mark.parametrize(("torch", "vision"), GOOD)
def test_a_pair_that_matches_is_not_warned_of(torch: Wheel | None, vision: Wheel | None) -> None:
    assert mismatch(torch, vision) == ""


@pytest.mark.parametrize(
    ("torch", "vision", "words", "cure"),
    [
        (Wheel(version="2.13.0"), Wheel(version="0.27.0"), "torchvision 0.27.0 belongs to torch 2.12 and", "0.28.*"),
        (Wheel(version="2.1.0"), Wheel(version="0.28.0"), "torchvision 0.28.0 belongs to torch 2.13 and", "0.16.*"),
        (Wheel(version="2.13.1"), Wheel(version="0.28.0", torch="2.13.0"), "belongs to torch 2.13.0 and", "0.28.*"),
        (Wheel(version="2.13.0", tag="cpu"), Wheel(version="0.28.0", tag="cu130"),
         "torch 2.13.0+cpu and torchvision 0.28.0+cu130 are made for different devices", "0.28.*"),
        (Wheel(version="3.0.0"), Wheel(version="0.43.0"), "belongs to torch 2.28 and torch is 3.0.0", "0.43.0"),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_match_is_said_with_its_cure(torch: Wheel, vision: Wheel, words: str, cure: str) -> None:
    said = mismatch(torch, vision)
    assert words in said
    assert "operator torchvision::nms does not exist" in said
    assert f"--no-deps --index-url URL 'torchvision=={cure}'" in said


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("__version__ = '0.28.0+cu130'\ngit_version = 'a+b'\n", "cu130"),
        ('from typing import Optional\n__version__: str = "2.13.0+cpu"\n', "cpu"),
        ("__version__ = '2.13.0'\n", ""),
        (None, ""),
    ],
)
def test_a_wheel_is_known_by_its_metadata_and_its_version_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, tag: str
) -> None:
    if text is not None:
        (tmp_path / "version.py").write_text(text)
    double = SimpleNamespace(version="0.28.0", requires=["numpy", "torch (==2.13.0)"], locate_file=lambda _: tmp_path)
    monkeypatch.setattr(metadata, "distribution", lambda _: double)
    assert wheel("torchvision") == Wheel(version="0.28.0", tag=tag, torch="2.13.0")


@pytest.mark.parametrize(
    ("requires", "torch"),
    [(None, ""), (["torch>=2.4"], ""), (["torch==2.13.0"], "2.13.0"), (["torch==2.13.0; extra == 'x'"], "")],
)
def test_only_an_exact_wish_counts(monkeypatch: pytest.MonkeyPatch, requires: Any, torch: str) -> None:
    double = SimpleNamespace(version="1+cpu", requires=requires, locate_file=lambda name: Path("/nowhere") / name)
    monkeypatch.setattr(metadata, "distribution", lambda _: double)
    assert wheel("torchvision") == Wheel(version="1", tag="cpu", torch=torch)


def test_versions_are_those_of_the_metadata() -> None:
    found = dict(versions())
    assert found["typer"] == metadata.version("typer")
    assert "numpy" not in found


@pytest.mark.parametrize(("version", "found"), [("1.31.1", (1, 31)), ("2.13.0a0+git", (2, 13)), ("", (-1, -1))])
def test_the_first_two_numbers(version: str, found: tuple[int, int]) -> None:
    assert numbers(version) == found


@pytest.mark.slow
def test_the_verdict_on_the_pair_that_is_installed_is_true() -> None:
    """Where it warns, importing torchvision fails in just that way; where it does not, it works."""
    pytest.importorskip("torch")
    if wheel("torchvision") is None:
        pytest.skip("no torchvision here")
    code = "import torchvision"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=200)
    assert (done.returncode != 0) is bool(mismatch(wheel("torch"), wheel("torchvision")))
    assert done.returncode == 0 or "operator torchvision::nms does not exist" in done.stderr
