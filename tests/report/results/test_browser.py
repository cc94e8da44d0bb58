"""The report in headless Chromium: pictures load, the list sorts and filters, nothing is asked of any network."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from misread.report.results.whole import ReportOptions, report
from tests.report.test_html import CHROMIUM

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")

#: What a reader does, run from the page around the report; what it saw becomes that page's title.
PROBE = """<iframe src="r.html" width="900" height="900"></iframe><script>
const frame = document.querySelector("iframe");
const seen = {};
frame.onload = () => {
  const page = frame.contentDocument, table = page.querySelector(".sortable");
  // Copies, which this page waits for: the report's own load when they come into view.
  seen.lazy = [...page.images].filter((image) => image.loading === "lazy").length;
  document.body.append(...[...page.images].map((image) => Object.assign(new Image(), { src: image.src })));
  const ids = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
  const heading = (words) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent.includes(words));
  const click = (words) => {
    heading(words).querySelector("button").click();
    return [ids(), heading(words).getAttribute("aria-sort")];
  };
  seen.first = ids();
  seen.up = click("Largest change");
  seen.down = click("Largest change");
  seen.text = click("Outcome");
  seen.other = heading("Largest change").getAttribute("aria-sort");
  click("Witness");
  const [words, outcome, status] = ["input", "select", "output"].map((name) => page.querySelector(".controls " + name));
  outcome.value = "misread by some builds";
  outcome.dispatchEvent(new Event("change"));
  seen.some = [ids(), status.textContent];
  outcome.value = "";
  words.value = "STOP 4-";
  words.dispatchEvent(new Event("input"));
  seen.words = [ids(), status.textContent];
  seen.wide = page.documentElement.scrollWidth <= 900;
  seen.title = page.title;
};
window.onload = () => {
  seen.widths = [...document.images].map((image) => image.naturalWidth);
  document.title = JSON.stringify(seen);
};
</script>"""


class Counting(BaseHTTPRequestHandler):
    """Counts what is asked of it."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def opened(folder: Path, page: str) -> tuple[Any, str]:
    """Open a page of the folder; return what its title says, and what the browser complains of."""
    assert CHROMIUM is not None
    (folder / "probe.html").write_text(page)
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    own = f"--user-data-dir={folder / 'profile'} --allow-file-access-from-files --enable-logging=stderr --v=0"
    address = (folder / "probe.html").as_uri()
    command = [CHROMIUM, *flags.split(), *own.split(), "--virtual-time-budget=10000", "--dump-dom", address]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", ran.stdout, re.DOTALL)
    assert title is not None, ran.stdout[-500:] + ran.stderr
    return json.loads(unescape(title[1])), ran.stderr


def test_a_reader_sorts_and_filters_and_every_picture_is_there(verdicts: Path, tmp_path: Path) -> None:
    report(ReportOptions(results=(verdicts,), out=tmp_path / "r.html", title="A title"))
    seen, complaints = opened(tmp_path, PROBE)
    ids = [f"000{number}" for number in range(6)]
    assert seen["widths"] == [16] * 18 + [64] * 6
    assert seen["lazy"] == 9 + 6
    assert seen["first"] == ids
    assert seen["up"] == [ids, "ascending"]
    assert seen["down"] == [ids[::-1], "descending"]
    assert seen["text"] == [[*ids[2:], "0000", "0001"], "ascending"]
    assert seen["other"] == "none"
    assert seen["some"] == [["0000", "0001"], "2 of 6 shown"]
    assert seen["words"] == [["0004"], "1 of 6 shown"]
    assert seen["wide"]
    assert seen["title"] == "A title"
    assert "CONSOLE" not in complaints


def test_the_policy_holds_where_escaping_would_fail(verdicts: Path, tmp_path: Path) -> None:
    report(ReportOptions(results=(verdicts,), out=tmp_path / "r.html", title="A title"))
    Counting.asked = []
    with HTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        away = f"http://127.0.0.1:{server.server_port}"
        bad = f"<script>document.title = 'broken'; fetch('{away}/script')</script><img src='{away}/picture'>"
        whole = (tmp_path / "r.html").read_text()
        (tmp_path / "r.html").write_text(whole.replace("<main>", f"<main>{bad}", 1))
        probe = (
            """<iframe src="r.html" onload="document.title = JSON.stringify([this.contentDocument.title])"></iframe>"""
        )
        seen, complaints = opened(tmp_path, probe)
        assert seen == ["A title"]
        assert "Content Security Policy" in complaints
        assert Counting.asked == []
        # The control: without the policy both leave.
        (tmp_path / "r.html").write_text(whole.replace("Content-Security-Policy", "nothing").replace("<main>", bad, 1))
        seen, _ = opened(tmp_path, probe)
        assert seen == ["broken"]
        assert sorted(Counting.asked) == ["/picture", "/script"]
        server.shutdown()
