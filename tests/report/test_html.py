from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import StorageError
from misread.pixels import decode_image
from misread.report.content import ReportContent
from misread.report.html import render_report, write_report
from misread.report.markup import VOID

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


class Page(HTMLParser):
    """Counts elements, and refuses an element that is not closed in turn."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.attributes.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.seen[tag] += 1
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_section_is_there_and_every_element_is_closed(content: ReportContent) -> None:
    page = Page(render_report(content))
    assert page.open == []
    anchors = {attributes.get("id") for tag, attributes in page.attributes if tag == "section"}
    assert anchors == {"witnesses", "ladder", "camera", "record"}
    assert page.seen["h1"] == 1


def test_the_size_of_a_change_is_said_in_every_measure(content: ReportContent) -> None:
    page = render_report(content)
    for value in ("300 of 6,912", "2 of 255 levels", "0.136", "0.0078", "0.9877"):
        assert f"<dd>{value}</dd>" in page


def test_foreign_strings_are_text_wherever_they_stand(content: ReportContent) -> None:
    source = render_report(content)
    assert Page(source).seen["script"] == 0
    assert "<script" not in source
    assert source.count("&lt;script&gt;") >= 25


def test_nothing_is_fetched_and_the_policy_says_so(content: ReportContent) -> None:
    page = Page(render_report(content))
    links = [value for _, attributes in page.attributes for key, value in attributes.items() if key in {"src", "href"}]
    assert links
    assert all(link is not None and link.startswith("data:image/") for link in links)
    policies = [attributes.get("content") for _, attributes in page.attributes if "http-equiv" in attributes]
    assert policies
    assert all("default-src 'none'" in (policy or "") for policy in policies)


def test_pictures_have_words_and_sizes_and_tables_have_headings(content: ReportContent) -> None:
    page = Page(render_report(content))
    images = [attributes for tag, attributes in page.attributes if tag == "img"]
    assert len(images) == 4
    assert all(image["alt"] and image["width"] and image["height"] for image in images)
    headings = [attributes for tag, attributes in page.attributes if tag == "th"]
    assert all(heading["scope"] in {"row", "col"} for heading in headings)
    assert page.seen["table"] == page.seen["caption"]


def test_small_pictures_travel_pixel_by_pixel(content: ReportContent) -> None:
    found = re.search(r'src="data:image/png;base64,([^"]+)"[^>]*class="pixels"', render_report(content))
    assert found is not None
    assert np.array_equal(decode_image(base64.b64decode(found[1]), "embedded"), content.witnesses[0].pictures[0].image)


def test_sections_without_content_are_left_out() -> None:
    page = Page(render_report(ReportContent(title="Empty", headline="Nothing happened.")))
    assert page.seen["section"] == 0
    assert page.open == []


def test_a_name_that_is_no_text_does_not_break_the_file(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", ReportContent(title="caf\udce9", headline="\x00ok\u202egnp"))
    written = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "caf?" in written
    assert "\x00" not in written
    assert "\u202e" not in written


def test_nothing_is_left_where_nothing_can_be_written(tmp_path: Path, content: ReportContent) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(StorageError):
        write_report(tmp_path / "taken" / "r.html", content)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_browser_loads_the_pictures_and_complains_of_nothing(tmp_path: Path, content: ReportContent) -> None:
    assert CHROMIUM is not None
    report = tmp_path / "r.html"
    write_report(report, content)
    # The outer page asks the report, in a frame, how wide each picture came out; --dump-dom prints the answer.
    probe = tmp_path / "probe.html"
    probe.write_text(
        '<iframe src="r.html" onload="document.title = [...this.contentDocument.images]'
        ".map((i) => i.naturalWidth).join() + ' ' + this.contentDocument.title.slice(0, 8)\"></iframe>"
    )
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    own = f"--user-data-dir={tmp_path / 'profile'} --allow-file-access-from-files --enable-logging=stderr --v=0"
    command = [CHROMIUM, *flags.split(), *own.split(), "--virtual-time-budget=3000", "--dump-dom", probe.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "<title>48,48,48,80 &lt;script&gt;</title>" in ran.stdout
    assert "CONSOLE" not in ran.stderr
