"""The browser view: what it serves, whom it refuses, and a real browser that looks and clicks."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.errors import CameraError, OptionError
from misread.pixels import decode_image
from misread.runtime.camera import CameraResult, FilmOptions, film
from misread.runtime.camera.clips import Clips
from misread.runtime.camera.guide import Prompt
from misread.runtime.camera.locate.sight import Sight
from misread.runtime.camera.loop import Command, Views
from misread.runtime.camera.web import WebOptions, WebView
from misread.runtime.camera.web.state import Shot, state
from misread.runtime.source import SOURCES, Frame, Health
from tests.runtime.camera.browser import CHROMIUM, browsing
from tests.runtime.camera.planted import observe, subject, tally
from tests.runtime.camera.scenes import RED, colour_reader, flat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from misread.runtime.camera.observe import Observation

HOSTILE = "<img src=x onerror=alert(1)>"


class Endless:
    """A picture again and again, until somebody stops the run."""

    name, example = "endless", "endless"
    end = threading.Event()

    @classmethod
    def accepts(cls, text: str) -> bool:
        return text == "endless"

    @classmethod
    def open(cls, text: str, options: object) -> Endless:
        del text, options
        return cls()

    def frames(self) -> Iterator[Frame]:
        index = 0
        while not self.end.wait(0.01):
            yield Frame(image=flat(RED, 240), index=index, time_ns=index * 40_000_000)
            index += 1

    def health(self) -> Health:
        return Health()

    def close(self) -> None:
        """Do nothing."""


def seen(reads: str = "4") -> Observation:
    (observation,) = observe(subject(HOSTILE), reads, Clips())
    return observation


@pytest.fixture
def view() -> Iterator[WebView]:
    with closing(WebView()) as opened:
        yield opened


def port(view: WebView) -> int:
    return int(view.url.split(":")[2].partition("/")[0])


def get(view: WebView, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port(view), timeout=60)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def post(view: WebView, body: str, path: str = "/command", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port(view), timeout=60)
    own = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port(view)}"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, body, own)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_page_allows_nothing_but_its_own(view: WebView) -> None:
    with get(view, "/") as answer:
        page = answer.read().decode()
        policy = answer.headers["Content-Security-Policy"]
    nonce = policy.split("'nonce-")[1].partition("'")[0]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.count(f'nonce="{nonce}"') == 2
    assert "NONCE" not in page
    assert "innerHTML" not in page
    with get(view, "/") as again:
        assert nonce not in again.headers["Content-Security-Policy"]


def test_a_picture_and_its_numbers_reach_a_viewer(view: WebView) -> None:
    assert view.show(seen(), tally(subject(), "4")) is None  # nobody looks, so nothing is drawn
    with get(view, "/events") as events, get(view, "/picture.mjpg") as pictures:
        view.show(seen(), tally(subject(HOSTILE), "4s", "4"))
        document = json.loads(events.readline().removeprefix(b"data: "))
        head = [pictures.readline() for _ in range(4)]
        assert head[1] == b"Content-Type: image/jpeg\r\n"
        picture = decode_image(pictures.read(int(head[2].split()[1])), "frame")
        view.close()
        assert events.read().endswith(b"event: over\ndata: {}\n\n")
    assert picture.shape[1] == 480
    assert (document["frames"], document["dropped"]) == (3, 0)
    assert (document["exhibit"], document["arm"], document["label"]) == (HOSTILE, "adversarial", "Stop")
    assert (document["hint"], document["grid"], document["age_ms"], document["distance_m"]) == (None,) * 4
    assert [(one["build"], one["label"], one["right"]) for one in document["readouts"]] == [
        ("fp32", "Speed 40", False),
        ("int8", "Speed 40", False),
    ]
    (score, _) = document["scores"]
    assert (score["misread"], score["measured"], score["clips"], score["clips_misread"]) == (2, 3, 2, 2)


def test_guided_mode_sends_its_grid_and_a_live_frame_its_age_and_sight() -> None:
    frame = seen()
    assert frame.target is not None
    prompt = Prompt(
        text="bring it", filled=((1.0, 0.5), (0.0, 0.0)), here=(0, 1), wanted=(1, 0), missing=3,
        distances=("1-2 m", "2-3 m"), angles=("0-30 deg", "30-60 deg"),
    )  # fmt: skip
    sight = Sight(distance_m=1.834, angle_deg=14.4, yaw_deg=14.4, markers_px=30.0)
    status = replace(frame.status, age_ms=12.4)
    frame = replace(frame, prompt=prompt, target=replace(frame.target, sight=sight), status=status)
    told = state(Shot(observation=frame, frames=1, dropped=0, summaries=()))
    assert (told["hint"], told["age_ms"], told["distance_m"], told["angle_deg"]) == ("bring it", 12, 1.83, 14)
    assert json.loads(json.dumps(told["grid"])) == {
        "distances": ["1-2 m", "2-3 m"], "angles": ["0-30 deg", "30-60 deg"], "filled": [[1.0, 0.5], [0.0, 0.0]],
        "here": [0, 1], "wanted": [1, 0], "missing": 3,
    }  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_the_page_shows_the_grid_and_what_to_do_next(tmp_path: Path) -> None:
    """One frame of a guided run, as the page sets it: far on top, the wanted cell and the board marked and said."""
    prompt = Prompt(
        text="bring the clean board to 2-3 m", filled=((1.0, 0.5), (0.0, 0.25)), here=(0, 1), wanted=(1, 0), missing=3,
        distances=("1-2 m", "2-3 m"), angles=("0-30 deg", "30-60 deg"),
    )  # fmt: skip
    with closing(WebView()) as view, browsing(tmp_path) as browser:
        browser.open(view.url)
        browser.until("typeof $ === 'function' && events.readyState === 1")
        frame = replace(seen(), prompt=prompt)
        deadline = time.monotonic() + 60
        while not browser.ask("Boolean(last)") and time.monotonic() < deadline:
            view.show(frame, tally(subject(), "4"))
            time.sleep(0.05)
        assert browser.ask("$('grid').hidden") is False
        assert browser.ask("$('hint').textContent") == "bring the clean board to 2-3 m"
        cells = "[...$('cells').tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent))"
        assert browser.ask(f"JSON.stringify({cells})") == '[["2-3 m","0 %","25 %"],["1-2 m","100 %","50 %"]]'
        labels = (
            "[...document.querySelectorAll('.wanted, .here')].map(cell => cell.getAttribute('aria-label')).join('; ')"
        )
        assert browser.ask(labels) == "0 % filled, asked for; 50 % filled, the board is here"
        assert browser.complaints == []


def test_the_last_score_and_what_was_dropped_are_shown_at_the_end(view: WebView) -> None:
    counted, clips = tally(subject(), "4"), Clips()
    with get(view, "/events") as events:
        view.show(seen(), counted)
        assert json.loads(events.readline().removeprefix(b"data: "))["scores"][0]["measured"] == 1
        events.readline()
        (late,) = observe(subject(), "s", clips, start=7)
        counted.add(late)
        view.show(late, counted)
        view.close()
        said = [json.loads(line[6:]) for line in events.read().splitlines() if line.startswith(b"data: ")]
    assert said[-2]["scores"][0]["measured"] == 2
    assert (said[-2]["index"], said[-2]["dropped"]) == (7, 6)
    assert said[-1] == {}


def test_a_hung_viewer_holds_nobody_up(view: WebView) -> None:
    with socket.create_connection(("127.0.0.1", port(view)), timeout=60) as hung, get(view, "/events") as events:
        hung.sendall(f"GET /picture.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port(view)}\r\n\r\n".encode())
        hung.recv(12)  # it is answered, and never reads again
        counted = tally(subject(), "4")
        noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
        (one,) = observe(subject(), "4", Clips())
        big = replace(one, frame=replace(one.frame, image=noise))
        done = threading.Event()

        def loop() -> None:
            while not done.wait(0.005):
                view.show(big, counted)

        looping = threading.Thread(target=loop)
        looping.start()
        try:
            for _ in range(12):  # more pictures than the socket's buffers hold
                assert events.readline().startswith(b"data: ")
                events.readline()
        finally:
            done.set()
            looping.join()
        view.close()


@pytest.mark.parametrize(
    ("do", "command"),
    [
        ("stop", Command(quit=True)),
        ("next", Command(cut=True)),
        ("start", Command(count=True)),
        ("pause", Command(count=False)),
        ("record", Command(record=True)),
        ("record-off", Command(record=False)),
        ("background", Command(arm="background")),
    ],
)
def test_a_button_becomes_a_command(view: WebView, do: str, command: Command) -> None:
    assert post(view, json.dumps({"do": do})) == (200, "done")
    assert view.show(seen(), tally(subject(), "4")) == command
    assert view.show(seen(), tally(subject(), "4")) is None


def test_what_is_asked_at_once_is_asked_together(view: WebView) -> None:
    for do in ("placebo", "record", "next", "clean"):
        post(view, json.dumps({"do": do}))
    assert view.show(seen(), tally(subject(), "4")) == Command(arm="clean", cut=True, record=True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"body": "{"}, 400),
        ({"body": '{"do": "dance"}'}, 400),
        ({"body": '{"do": ["stop"]}'}, 400),
        ({"body": '["stop"]'}, 400),
        ({"body": "[" * 1000}, 400),
        ({"Content_Type": "text/plain"}, 400),
        ({"Content_Length": "-4"}, 400),
        ({"Content_Length": "5000"}, 413),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({"Host": "elsewhere.example", "Origin": "http://elsewhere.example"}, 403),
        ({"path": "/other"}, 404),
    ],
)
def test_a_command_from_elsewhere_or_of_no_sense_is_refused(view: WebView, sent: dict[str, Any], status: int) -> None:
    assert post(view, **({"body": '{"do": "stop"}'} | sent))[0] == status
    assert view.show(seen(), tally(subject(), "4")) is None


def test_a_name_that_was_pointed_here_sees_nothing(view: WebView) -> None:
    for path in ("/", "/events", "/picture.mjpg", "/other"):
        with get(view, path, Host=f"elsewhere.example:{port(view)}") as answer:
            assert answer.status == 403
    with get(view, "/other") as answer:
        assert answer.status == 404
    with get(view, "/", Host=f"localhost:{port(view)}") as answer:
        assert answer.status == 200


def test_with_a_token_every_path_needs_it() -> None:
    with closing(WebView(WebOptions(token="pass-word"))) as view:  # noqa: S106
        assert view.url.endswith("/?token=pass-word")
        for path in ("/", "/events", "/picture.mjpg", "/?token=pass-wor", "/?token=", "/?token=%ff%C3%A9"):
            with get(view, path) as answer:
                assert answer.status == 403
        with get(view, "/?token=pass-word", Host="rig.example") as answer:
            assert answer.status == 200
        assert post(view, '{"do": "stop"}')[0] == 403
        assert post(view, '{"do": "stop"}', "/command?token=pass-word")[0] == 200


def test_beyond_this_machine_a_token_is_made() -> None:
    first, second = WebOptions(host="0.0.0.0").token, WebOptions(host="0.0.0.0").token  # noqa: S104
    assert first is not None
    assert len(first) >= 20
    assert first != second
    assert WebOptions().token is None


@pytest.mark.parametrize(
    "given", [{"port": -1}, {"port": 65536}, {"host": "rig"}, {"host": "::1"}, {"token": "short"}, {"token": "a b" * 9}]
)
def test_what_cannot_be_served_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        WebOptions(**given)


def test_a_taken_port_is_one_sentence(view: WebView) -> None:
    with pytest.raises(CameraError, match="--serve PORT"):
        WebView(WebOptions(port=port(view)))


def test_too_many_viewers_are_turned_away(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.runtime.camera.web.server.MAX_VIEWERS", 1)
    with get(view, "/events"), pytest.raises((http.client.HTTPException, OSError)):
        get(view, "/")


class Fixed:
    """Asks for the same with every frame."""

    def __init__(self, command: Command | None) -> None:
        self.command, self.closed = command, False

    def show(self, *_: object) -> Command | None:
        return self.command

    def close(self) -> None:
        self.closed = True


def test_several_views_are_heard_together() -> None:
    both = [Fixed(Command(arm="placebo")), Fixed(None), Fixed(Command(quit=True))]
    views = Views(both)
    assert views.show(seen(), tally(subject(), "4")) == Command(arm="placebo", quit=True)
    assert Views([Fixed(None)]).show(seen(), tally(subject(), "4")) is None
    views.close()
    assert all(one.closed for one in both)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_browser_looks_clicks_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.runtime.source.SOURCES", (Endless, *SOURCES))
    Endless.end.clear()
    results: list[CameraResult] = []
    asked = FilmOptions(source="endless", locate="frame", expect="red", out=tmp_path / "run")
    with closing(WebView()) as view:
        thread = threading.Thread(
            target=lambda: results.append(film([], [colour_reader("<b>fp32</b>")], asked, view=view))
        )
        thread.start()
        try:
            with browsing(tmp_path) as browser:
                browser.open(view.url)
                assert browser.until("typeof $ === 'function' && $('picture').naturalWidth") == 480
                first = browser.until("last && last.frames")
                assert browser.until(f"last.frames > {first} && last.frames")
                assert browser.until("document.querySelector('.read.right')?.textContent") == "red"
                assert browser.ask("document.querySelector('#builds .name').textContent") == "<b>fp32</b>, raw"
                assert browser.ask("document.querySelectorAll('b').length") == 0
                browser.ask("$('arm-adversarial').click()")
                browser.until("$('arm-adversarial').getAttribute('aria-pressed') === 'true'")
                browser.until("$('scores').innerText.includes('adversarial')")
                browser.ask("$('record').click()")
                browser.until("$('record').getAttribute('aria-pressed') === 'true'")
                browser.ask("$('count').click()")
                browser.until("$('count').textContent === 'Start'")
                browser.ask("$('count').click()")
                browser.until("$('count').textContent === 'Pause'")
                browser.ask("$('stop').click()")
                thread.join(60)
                assert [one.ended for one in results] == ["quit"]
                view.close()
                browser.until("$('status').textContent.startsWith('the run has ended') && $('stop').disabled")
                assert browser.complaints == []
        finally:
            Endless.end.set()
            thread.join(60)
    assert [one.arm for one in results[0].summaries] == ["clean", "adversarial"]
    assert results[0].summaries[1].clips == 2
    assert (tmp_path / "run" / "recording" / "index.jsonl").is_file()
