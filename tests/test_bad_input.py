"""Bad input of every kind through the command line: one clear sentence, the right code, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import BundleWriter, read_bundle
from misread.card import ModelCard
from misread.pixels import encode_jpeg, encode_png, write_png
from misread.wish import UNTARGETED
from tests.models import graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NET = """
from torch import nn

class Mean(nn.Module):
    def forward(self, pictures):
        return pictures.mean((2, 3))[:, :2] * 20

def make():
    return Mean()
"""
CARD = ModelCard(labels=("red", "green"), size_hw=(8, 8))


@dataclass(frozen=True)
class Place:
    """A folder with pictures that a two-class net reads right."""

    folder: Path

    @property
    def attack(self) -> list[str]:
        """Arguments that work."""
        net = ["attack", f"{self.folder / 'net.py'}:make", "--labels", str(self.folder / "labels.txt"), "--size", "8"]
        return [*net, "--data", str(self.folder / "data"), "-o", str(self.folder / "bundle")]

    def listing(self) -> set[str]:
        """Every file and folder there is, caches of Python's left out."""
        return {str(path) for path in self.folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "labels.txt").write_text("red\ngreen\n")
    for name, colour in (("red", (140, 120, 60)), ("green", (120, 140, 60))):
        write_png(tmp_path / "data" / name / "a.png", np.full((8, 8, 3), colour, np.uint8))
    return Place(tmp_path)


def said(argv: Sequence[str], *, code: int) -> str:
    """Run a command; return its one sentence on standard error."""
    result = CliRunner().invoke(cli.app, list(argv))
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("misread: ")
    return lines[0]


def refused(place: Place, extra: Sequence[str], *, code: int = 2) -> str:
    """Run the attack with something wrong; nothing may appear or go."""
    before = place.listing()
    sentence = said([*place.attack, *extra], code=code)
    assert place.listing() == before
    return sentence


def test_the_arguments_that_the_others_spoil_work(place: Place) -> None:
    pytest.importorskip("torch")
    result = CliRunner().invoke(cli.app, place.attack)
    assert result.exit_code == 0, result.output
    assert len(read_bundle(place.folder / "bundle").witnesses) == 2


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--attack", "minimall"], "unknown attack 'minimall'; did you mean 'minimal'"),
        (["--target", "geen"], "unknown label 'geen'; did you mean 'green'"),
        (["--away-from", "geen"], "unknown label 'geen'; did you mean 'green'"),
        (["--target", "green", "--target", "green"], "green is given twice as a label of the goal"),
        (["--target", "green", "--away-from", "red"], "got both (green and red); give one of the two"),
        (["--norm", "l_inf"], "unknown norm 'l_inf'; did you mean 'linf'"),
        (["--space", "files"], "unknown space 'files'; did you mean 'file'"),
        (["--eps", "8"], "eps is a fraction of full scale in (0, 1], got 8.0; write 8/255, not 8"),
        (["--eps", "nan"], "expected a finite number such as 8/255"),
        (["--eps", "eight"], "expected a number such as 8/255 or 0.03, got 'eight'"),
        (["--limit", "0"], "limit is at least 1, got 0"),
        (["--set", "stepps=3"], "unknown setting"),
        (["--size", "8by8"], "expected a size in pixels such as 224"),
    ],
)
def test_an_option_that_makes_no_sense(place: Place, extra: list[str], words: str) -> None:
    pytest.importorskip("torch")
    assert words in refused(place, extra)


def truncated(path: Path) -> None:
    path.write_bytes(encode_png(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))[:2000])


def one_pixel(path: Path) -> None:
    path.write_bytes(encode_png(np.zeros((1, 1, 3), np.uint8)))


def text(path: Path) -> None:
    path.write_text("I am a text file.\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (truncated, "is truncated: it ends before its picture does"),
        (one_pixel, "is 1x1 pixels; a picture needs at least 4x4"),
        (text, "is not a picture; expected one of .png"),
        (Path.mkdir, "cannot read"),
    ],
)
def test_a_picture_that_is_none(place: Place, spoil: Callable[[Path], None], words: str) -> None:
    pytest.importorskip("torch")
    (place.folder / "list.csv").write_text("file,label\nbad.png,red\n")
    spoil(place.folder / "bad.png")
    sentence = refused(place, ["--data", str(place.folder / "list.csv")])
    assert words in sentence
    assert "bad.png" in sentence


@pytest.mark.parametrize("kind", ["grey", "rgba", "16 bit"])
def test_a_picture_of_another_kind_is_read(place: Place, kind: str) -> None:
    pytest.importorskip("torch")
    levels = np.full((8, 8, 3), (140, 120, 60), np.uint8)
    folder = place.folder / "data" / "red"
    if kind == "grey":
        (folder / "b.png").write_bytes(encode_png(np.full((8, 8), 99, np.uint8)))
    else:
        from PIL import Image

        deep = np.full((8, 8), 140 * 257, np.uint16)
        image = Image.fromarray(deep) if kind == "16 bit" else Image.fromarray(np.dstack([levels, levels[..., 0]]))
        image.save(folder / "b.png")
    result = CliRunner().invoke(cli.app, place.attack)
    assert result.exit_code == 0, result.output


def test_data_and_files_that_are_not_there(place: Place) -> None:
    pytest.importorskip("torch")
    assert "no such file or folder" in refused(place, ["--data", str(place.folder / "nothing")])
    assert "nothing.txt" in refused(place, ["--labels", str(place.folder / "nothing.txt")])
    assert "nothing.onnx: no such file" in refused(place, ["-m", str(place.folder / "nothing.onnx")])
    assert "nothing.pt" in refused(place, ["--weights", str(place.folder / "nothing.pt")])


def test_an_output_folder_that_exists_is_kept(place: Place) -> None:
    pytest.importorskip("torch")
    (place.folder / "bundle").mkdir()
    (place.folder / "bundle" / "mine.txt").write_text("mine")
    assert "add --overwrite to replace it" in refused(place, [])


FULL = """
import resource, sys
from misread.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sys.argv = ["misread", *sys.argv[1:]]
main()
"""


def test_a_full_disk(place: Place) -> None:
    """The operating system refuses every byte past the hundredth, as it does on a disk that is full."""
    pytest.importorskip("torch")
    before = place.listing()
    command = [sys.executable, "-B", "-c", FULL, *place.attack]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("misread: cannot write ")
    assert "free some space or choose another place with -o" in done.stderr
    assert place.listing() == before


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    writer = BundleWriter(tmp_path / "made")
    red, green = (np.full((8, 8, 3), colour, np.uint8) for colour in ((140, 120, 60), (120, 140, 60)))
    writer.add(
        clean=red,
        changed=green,
        label="red",
        label_given=True,
        goal=UNTARGETED,
        prepared=True,
        torch_float=True,
        torch_8bit=True,
        source="a.png",
    )
    writer.finish(card=CARD, origin="test", threat={}, attack={}, counts={})
    return tmp_path / "made"


def verification(bundle: Path, build: Path, *, code: int) -> str:
    result = CliRunner().invoke(cli.app, ["verify", str(bundle), "-m", str(build)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_builds_that_are_none(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("I am a text file.\n")
    assert "is not an ONNX model" in verification(bundle, tmp_path / "text.onnx", code=2)
    assert "no such file" in verification(bundle, tmp_path / "none.onnx", code=2)
    two = graph(tmp_path / "two.onnx", outputs=2, metadata=CARD.to_metadata())
    assert "no image classifier" in verification(bundle, two, code=2)
    good = graph(tmp_path / "good.onnx", metadata=CARD.to_metadata())
    assert "verified" in verification(bundle, good, code=0)


def test_a_bundle_that_is_none(bundle: Path, tmp_path: Path) -> None:
    good = str(graph(tmp_path / "good.onnx", metadata=CARD.to_metadata()))
    assert "is no bundle: no such folder" in said(["verify", str(tmp_path / "none"), "-m", good], code=2)
    picture = bundle / "images" / "0000-changed.png"
    picture.write_bytes(picture.read_bytes()[:-20])
    assert "SHA-256 differs" in said(["verify", str(bundle), "-m", good], code=2)
    (bundle / "manifest.json").write_text("{")
    assert "is not a JSON document" in said(["verify", str(bundle), "-m", good], code=2)


def test_a_model_without_a_card_and_without_flags(tmp_path: Path) -> None:
    bare = str(graph(tmp_path / "bare.onnx"))
    sentence = said(["camera", "-m", bare, "--headless"], code=2)
    assert "carries no card" in sentence
    assert "give --labels FILE and --size PX" in sentence


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    good = str(graph(tmp_path / "good.onnx", metadata=CARD.to_metadata()))
    sentence = said(["camera", "-m", good, "--headless", "--source", "device:77", "-o", str(tmp_path / "out")], code=4)
    assert "device:77" in sentence
    assert "misread doctor" in sentence
    assert not (tmp_path / "out").exists()
    said(["camera", "-m", good, "--headless", "--source", "http://127.0.0.1:9/none"], code=4)
    assert "no such" in said(["camera", "-m", good, "--headless", "--source", str(tmp_path / "none.mp4")], code=2)


class Dying(BaseHTTPRequestHandler):
    """Sends six frames to the first viewer, hangs up, and has nothing for those who come back."""

    def do_GET(self) -> None:
        if getattr(self.server, "seen", False):
            self.send_error(503)
            return
        self.server.seen = True  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        frame = encode_jpeg(np.full((120, 160, 3), 90, np.uint8), 90)
        head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(frame)
        self.wfile.write((head + frame + b"\r\n") * 6)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def dying() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Dying)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/stream.mjpg"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stream_that_stops(tmp_path: Path, dying: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.runtime.source.live.MAX_BACKOFF_S", 0.02)  # it asks as often, and waits less between
    good = str(graph(tmp_path / "good.onnx", metadata=CARD.to_metadata()))
    argv = ["camera", "-m", good, "--headless", "--locate", "frame", "--source", dying, "-o", str(tmp_path / "out")]
    sentence = said(argv, code=4)
    assert "stopped after 6 frames" in sentence
    assert str(tmp_path / "out") in sentence
