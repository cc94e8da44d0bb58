"""The hooks of mkdocs: what is generated, where links that leave docs/ lead, and in which order pages stand.

The order is that of the links in docs/README.md, section by section. A page that nobody listed there stands in the last
section, so that a new page never breaks the build. `DRAFT=1` leaves the notebook unexecuted.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from docs_pages import commands_page, library_page, notebook_page
from mkdocs.structure.files import File
from tutorial import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
#: Where files that lie outside docs/ stand in the site.
ELSEWHERE: Final = "project"
GENERATED: Final[dict[str, Callable[[], str]]] = {
    "reference/commands.md": commands_page,
    "reference/library.md": library_page,
}
INDEX: Final = "README.md"
_LINK: Final = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
_NOTEBOOK: Final = re.compile(r"\A---\njupyter:\n")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated and what docs/ links to, put the outputs into notebooks, and lay down the order."""
    for uri, make in GENERATED.items():
        files.append(File.generated(config, uri, content=make()))
    for file in [file for file in files if file.is_documentation_page() and file.abs_src_path]:
        if _NOTEBOOK.match(file.content_string) and not os.environ.get("DRAFT"):
            _run(file, files, config)
    for path in sorted(_outside()):
        uri = _uri(path)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    config.nav = _order([file.src_uri for file in files if file.is_documentation_page()])
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead links to the files of the repository to where these stand in the site."""
    uri = page.file.src_uri
    return markdown if uri in GENERATED else _led(markdown, _path(uri))


def _run(file: File, files: Files, config: MkDocsConfig) -> None:
    text, figures = notebook_page(execute(Path(str(file.abs_src_path))), Path(file.src_uri).stem)
    file.content_string = text
    for name, data in figures.items():
        files.append(File.generated(config, str(PurePosixPath(file.src_uri).parent / name), content=data))


def _outside() -> set[Path]:
    """Return the files outside docs/ that a page links to, and those that these link to."""
    found: set[Path] = set()
    waiting = sorted(DOCS.rglob("*.md"))
    while waiting:
        for target in _targets(waiting.pop()):
            if target.is_file() and not target.is_relative_to(DOCS) and target not in found:
                found.add(target)
                waiting += [target] if target.suffix == ".md" else []
    return found


def _targets(page: Path) -> Iterator[Path]:
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        if "://" not in match[1]:
            yield (page.parent / match[1]).resolve()


def _uri(path: Path) -> str:
    inside = path.is_relative_to(DOCS)
    return path.relative_to(DOCS).as_posix() if inside else f"{ELSEWHERE}/{path.relative_to(ROOT).as_posix()}"


def _path(uri: str) -> Path:
    outside = uri.startswith(f"{ELSEWHERE}/")
    return ROOT / uri.removeprefix(f"{ELSEWHERE}/") if outside else DOCS / uri


def _led(markdown: str, page: Path) -> str:
    def lead(match: re.Match[str]) -> str:
        target = (page.parent / match[1]).resolve()
        if "://" in match[1] or not target.is_file() or not target.is_relative_to(ROOT):
            return match[0]
        there = os.path.relpath(_uri(target), PurePosixPath(_uri(page)).parent)
        return f"]({there}{match[2] or ''})"

    return _LINK.sub(lead, markdown)


def _order(uris: list[str]) -> list[Any]:
    """Return the navigation: the sections of docs/README.md, then the project's own files, then what is left."""
    left = set(uris) - {INDEX}
    nav: list[Any] = [{"Documentation": INDEX}]
    for section in re.split(r"^## ", (DOCS / INDEX).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0].strip()
        pages = [uri for match in _LINK.finditer(section) if (uri := _uri((DOCS / match[1]).resolve())) in left]
        if title == "Reference":
            pages = [*GENERATED, *pages]
        pages = list(dict.fromkeys(pages))
        left -= set(pages)
        nav += [{title: pages}] if pages else []
    return [*nav, *([{"More": sorted(left)}] if left else [])]
