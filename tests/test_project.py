"""The project around the code: pins, extras, package data, links."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

import misread

ROOT: Final = Path(__file__).parents[1]
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
PIN: Final = re.compile(r"[A-Za-z0-9_.-]+==[^=\s]+")

pytestmark = pytest.mark.skipif(not (ROOT / "constraints.txt").exists(), reason="the tests run away from the tree")


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pin_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements() -> list[Requirement]:
    project = pyproject()["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [found for found in map(Requirement, texts) if found.name != "misread"]


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def broken_links(page: Path) -> list[str]:
    targets = (link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
    return [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]


def test_version_is_the_package_s() -> None:
    assert version("misread") == misread.__version__


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="misread")
    assert command.value == "misread.cli:main"


def test_pytest_finds_the_plugin() -> None:
    (plugin,) = entry_points(group="pytest11", name="misread")
    assert plugin.value == "misread.pytest_plugin"


def test_constraints_are_plain_pins() -> None:
    assert [line for line in pin_lines() if not PIN.fullmatch(line)] == []


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pins = {normal(name): number for name, number in (line.split("==") for line in pin_lines())}
    loose = [str(found) for found in requirements() if not found.specifier.contains(pins.get(normal(found.name), "0"))]
    assert loose == []
    assert pins["torch"] == "2.13.0"


def test_device_needs_no_torch() -> None:
    base = {Requirement(text).name for text in pyproject()["project"]["dependencies"]}
    assert base == {"numpy", "onnxruntime", "opencv-python", "typer"}


def test_every_rule_that_is_off_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = re.findall(r'^ +"[A-Z]+[0-9]*",.*$', text, flags=re.MULTILINE)
    assert len(rules) > 10
    assert [rule for rule in rules if not re.search(r"# \w+", rule)] == []


@pytest.mark.parametrize("name", ["py.typed", "assets/labels.txt", "report/schemas/verification.json"])
def test_package_data_is_there(name: str) -> None:
    assert (Path(misread.__file__).parent / name).is_file()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md#top) [there](gone.md) [out](https://example.org/x)", encoding="utf-8")
    assert broken_links(page) == ["gone.md"]
