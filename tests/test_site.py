"""The site: every command and page is in it, links lead into it, and it asks nothing of the network."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from misread.cli import COMMANDS

ROOT: Final = Path(__file__).parents[1]
SCRIPTS: Final = ROOT / "scripts"
#: What a browser loads by itself when it opens a page.
LOADED: Final = re.compile(r"<(?:script|img|iframe)\b[^>]*\ssrc=\"(?:https?:)?//|<link\b[^>]*\shref=\"(?:https?:)?//")

pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").exists(), reason="the tests run away from the tree")


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for package in ("mkdocs", "jupytext", "nbclient"):
        pytest.importorskip(package, reason=f"{package} is not installed; the docs extra brings it")
    monkeypatch.syspath_prepend(str(SCRIPTS))
    module: ModuleType = __import__(name)
    return module


def test_the_page_of_commands_holds_every_command_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    page = script("docs_pages", monkeypatch).commands_page()
    parts = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    assert len(parts) == len(COMMANDS) + 1
    for name, said in parts.items():
        assert f"Usage: {name}" in said
        assert "--help" in said
    assert "--min-robust-accuracy" in parts["misread verify"]


def test_the_page_of_the_library_names_modules_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = script("docs_pages", monkeypatch)
    named = re.findall(r"^::: (\S+)$", pages.library_page(), flags=re.MULTILINE)
    assert len(named) >= 15
    files = [ROOT.joinpath(*module.split(".")) for module in named]
    assert [file for file in files if not (file.with_suffix(".py").exists() or (file / "__init__.py").exists())] == []


def test_every_page_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    site = script("docs_site", monkeypatch)
    uris = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    nav = site._order([*uris, *site.GENERATED, "project/README.md", "somebody-s-new-page.md"])
    sections = {title: pages for entry in nav for title, pages in entry.items()}
    listed = [page for title, pages in sections.items() if title != "Documentation" for page in pages]
    assert sorted(listed) == sorted(
        {*uris, *site.GENERATED, "project/README.md", "somebody-s-new-page.md"} - {"README.md"}
    )
    assert list(sections)[:5] == ["Documentation", "Tutorial", "How-to guides", "Reference", "Explanation"]
    assert "somebody-s-new-page.md" in sections["More"]
    assert sections["Tutorial"] == ["tutorial/integrity.md"]


@pytest.mark.parametrize(
    ("page", "written", "led"),
    [
        ("docs/README.md", "[a](../CHANGELOG.md)", "[a](project/CHANGELOG.md)"),
        ("docs/README.md", "[a](pixels.md#files)", "[a](pixels.md#files)"),
        ("docs/tutorial/integrity.md", "[a](../pixels.md)", "[a](../pixels.md)"),
        ("README.md", "![a](docs/images/demo.png)", "![a](../images/demo.png)"),
        ("README.md", "[a](CONTRIBUTING.md#1-floors)", "[a](CONTRIBUTING.md#1-floors)"),
        ("README.md", "[a](https://example.org/README.md)", "[a](https://example.org/README.md)"),
        ("docs/README.md", "[a](../../etc/passwd)", "[a](../../etc/passwd)"),
    ],
)
def test_links_are_led_into_the_site(monkeypatch: pytest.MonkeyPatch, page: str, written: str, led: str) -> None:
    assert script("docs_site", monkeypatch)._led(written, ROOT / page) == led


def test_a_notebook_becomes_text_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"output_type": "stream", "text": "42\n"}
    drawn = {"output_type": "display_data", "data": {"image/png": "AAEC"}}
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "# Figure: a line.\nplot()", "outputs": [said, drawn]},
    ]
    text, figures = script("docs_pages", monkeypatch).notebook_page({"cells": cells}, "page")
    assert figures == {"page-00.png": b"\x00\x01\x02"}
    assert text == (
        "# Title\n\n```python\n# Figure: a line.\nplot()\n```\n\n```text\n42\n```\n\n![a line.](page-00.png)\n"
    )


@pytest.mark.slow
def test_a_notebook_is_run_when_the_site_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = script("docs_site", monkeypatch)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; the docs extra brings it")
    from mkdocs.config import load_config
    from mkdocs.structure.files import File, Files

    cells = "print(6 * 7)", "# Figure: a dot.\nimport matplotlib.pyplot as plt\n\nplt.plot([1], '.');"
    blocks = "\n".join(f"```python\n{cell}\n```\n" for cell in cells)
    (tmp_path / "dot.md").write_text(
        f"---\njupyter:\n  kernelspec:\n    display_name: Python 3\n    name: python3\n---\n\n# A dot\n\n{blocks}"
    )
    file = File("dot.md", str(tmp_path), str(tmp_path / "site"), use_directory_urls=False)
    files = Files([file])
    config = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[])
    monkeypatch.setattr(config.plugins, "_current_plugin", "planted", raising=False)
    site._run(file, files, config)
    assert "```text\n42\n```" in file.content_string
    assert "![a dot.](dot-00.png)" in file.content_string
    figure = files.get_file_from_path("dot-00.png")
    assert figure is not None
    assert figure.content_bytes.startswith(b"\x89PNG")


def build(tree: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a tree as the Makefile does, its notebooks not run."""
    for package in ("material", "mkdocstrings", "jupytext", "nbclient", "torch"):
        pytest.importorskip(package, reason=f"{package} is not installed; the docs extra brings it")
    recipe = re.search(r"-m (mkdocs build .*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert recipe is not None
    return subprocess.run(
        [sys.executable, "-m", *shlex.split(recipe[1]), "--site-dir", str(site)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DRAFT": "1", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    """A page that is not there, and a heading that is not there: a warning for each, and --strict allows none."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "docs", tree / "docs")
    shutil.copytree(ROOT / "scripts", tree / "scripts")
    for name in ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    links = ("gone.md", "pixels.md#no-such-heading")
    planted = "".join(f"[there]({link})\n" for link in links)
    (tree / "docs" / "planted.md").write_text(f"# Planted\n\n{planted}", encoding="utf-8")
    done = build(tree, tmp_path / "site")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert [link for link in links if not re.search(f"WARNING .*{re.escape(link)}", said)] == []
    assert "2 warnings" in said


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = build(ROOT, site)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert {
        "index.html",
        "project/CHANGELOG.html",
        "reference/commands.html",
        "tutorial/integrity.html",
    } <= pages.keys()
    assert [name for name, text in pages.items() if LOADED.search(text)] == []
    assert "misread.runtime.verify.VerifyOptions" in pages["reference/library.html"]


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ('<script async src="https://example.org/a.js">', True),
        ('<link rel="stylesheet" href="//example.org/a.css">', True),
        ('<a href="https://example.org/">', False),
        ('<script src="assets/a.js">', False),
    ],
)
def test_what_a_page_loads_is_told_from_what_it_links_to(tag: str, found: bool) -> None:
    assert bool(LOADED.search(tag)) is found
