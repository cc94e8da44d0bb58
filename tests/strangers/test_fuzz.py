"""Valid samples with bytes and parts changed: read, or refused in one sentence; nothing else, and in little memory.

Examples are few and always the same ones, so that a run is short and says the same twice.
"""

from __future__ import annotations

import io
import json
import math
import resource
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misread.bundle import MANIFEST, Bundle, BundleWriter, read_bundle
from misread.card import CARD_KEY, ModelCard
from misread.cards import find_card
from misread.data import find_samples
from misread.errors import MisreadError
from misread.labels import read_labels
from misread.picture_header import read_header
from misread.pixels import decode_image
from misread.runtime.inspect import inspect
from misread.runtime.session import Deployed
from misread.text import printable
from misread.wish import UNTARGETED
from tests.models import graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CARD = ModelCard(labels=("dark", "bright"), size_hw=(8, 8), resize="crop", resize_px=10, mean=(0.5, 0.5, 0.5))
MEGABYTES = 512
fuzz = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def memory_is_bounded() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024


def only_sentences(read: Callable[[], object]) -> object:
    """Return what is read, or None where it is refused as it should be."""
    try:
        return read()
    except MisreadError as error:
        assert len(printable(str(error))) < 4000  # noqa: PT017  either outcome is right, and both are checked
        return None


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """The sample with some bytes changed, a part moved, doubled or left out, and perhaps its end."""
    raw = bytearray(data)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(raw) - 1))
        match draw(st.sampled_from(["byte", "bit", "number", "drop", "double"])):
            case "byte":
                raw[at] = draw(st.integers(0, 255))
            case "bit":
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case "number":
                raw[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
                )
            case "drop":
                del raw[at : at + draw(st.integers(1, 16))]
            case _:
                raw[at:at] = raw[at : at + draw(st.integers(1, 64))]
        raw = raw or bytearray(b"\0")
    return bytes(raw[: draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))])


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(exclude_categories=()), max_size=20),
        st.sampled_from([10**400, -1, 2**63, "\ud800", "\x1b[2J", "../..", "crop", "a" * 5000]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, entry in inner for place in [(*at, key), *paths(entry, (*at, key))]]


@st.composite
def rewritten(draw: st.DrawFn, text: str) -> str:
    """The document with some values replaced, left out, or under another name."""
    document = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        known = paths(document)
        if not known:
            break
        *before, last = draw(st.sampled_from(known))
        inside = document
        for step in before:
            inside = inside[step]
        match draw(st.sampled_from(["value", "value", "drop", "add"])):
            case "drop":
                del inside[last]
            case "add" if isinstance(inside, dict):
                inside[draw(st.text(max_size=8))] = draw(JSON)
            case _:
                inside[last] = draw(JSON)
    return json.dumps(document)


CARD_TEXT = CARD.to_metadata()[CARD_KEY]


@fuzz
@given(
    text=st.one_of(rewritten(CARD_TEXT), changed(CARD_TEXT.encode()).map(lambda raw: raw.decode("utf-8", "replace")))
)
def test_cards(text: str) -> None:
    found = only_sentences(lambda: ModelCard.from_metadata({CARD_KEY: text}))
    if isinstance(found, ModelCard):
        again = ModelCard.from_metadata(found.to_metadata())
        assert again == found
        assert all(math.isfinite(value) for value in (found.scale, *found.mean, *found.std))


@fuzz
@given(
    metadata=st.dictionaries(
        st.sampled_from(["names", "imgsz", "channels", "task", "author", "Image.BitmapPixelFormat", "misread.card"]),
        st.one_of(
            st.text(max_size=40),
            JSON.map(repr),
            JSON.map(json.dumps),
            changed(repr({0: "a", 1: "b"}).encode()).map(repr),
        ),
        max_size=5,
    )
)
def test_foreign_metadata(metadata: dict[str, str]) -> None:
    only_sentences(lambda: find_card(metadata, name="m.onnx"))


def bundle(folder: Path) -> str:
    writer = BundleWriter(folder)
    picture = np.zeros((8, 8, 3), np.uint8)
    for _ in range(2):
        writer.add(
            clean=picture,
            changed=picture,
            placebo=picture,
            label="dark",
            label_given=True,
            goal=UNTARGETED,
            prepared=True,
            torch_float=True,
            torch_8bit=True,
            source="a.png",
        )
    writer.finish(card=CARD, origin="o", threat={"norm": "linf"}, attack={"name": "a"}, counts={"seen": 2})
    return (folder / MANIFEST).read_text()


@fuzz
@given(data=st.data())
def test_manifests(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("b")
    text = bundle(folder)
    raw = data.draw(st.one_of(rewritten(text).map(str.encode), changed(text.encode())))
    (folder / MANIFEST).write_bytes(raw)
    found = only_sentences(lambda: read_bundle(folder))
    if isinstance(found, Bundle):
        for witness in found.witnesses:
            for picture in (witness.clean, witness.changed):
                only_sentences(partial(found.read, picture))


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
PICTURES = {
    suffix: cv2.imencode(suffix, PIXELS)[1].tobytes() for suffix in (".png", ".jpg", ".webp", ".bmp", ".ppm", ".tiff")
}


@pytest.mark.parametrize("suffix", PICTURES)
@fuzz
@given(data=st.data())
def test_picture_headers(suffix: str, data: st.DataObject) -> None:
    raw = data.draw(changed(PICTURES[suffix]))
    header = read_header(raw)
    assert header is None or min(header.size_hw) >= 0
    picture = only_sentences(lambda: decode_image(raw, "a"))
    assert picture is None or isinstance(picture, np.ndarray)


@fuzz
@given(raw=st.one_of(*[st.binary(max_size=60).map(data[:24].__add__) for data in PICTURES.values()]))
def test_noise_behind_a_mark(raw: bytes) -> None:
    header = read_header(raw)
    assert header is None or min(header.size_hw) >= 0


def npz(**options: Any) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if options else np.savez)(
        out, images=np.zeros((2, 5, 6, 3), np.uint8), labels=np.array([0, 1])
    )
    return out.getvalue()


@pytest.mark.parametrize("data", [npz(), npz(compressed=True)], ids=["plain", "compressed"])
@fuzz
@given(draw=st.data())
def test_npz_files(data: bytes, draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("n") / "a.npz"
    path.write_bytes(draw.draw(changed(data)))
    samples = only_sentences(lambda: find_samples(path, ("a", "b")))
    for sample in samples if isinstance(samples, tuple) else ():
        only_sentences(sample.read)


@fuzz
@given(draw=st.data())
def test_array_headers(draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 5, 6, 3), }\n"
    header = draw.draw(changed(text))
    path = tmp_path_factory.mktemp("n") / "a.npz"
    with zipfile.ZipFile(path, "w") as out:
        length = len(header).to_bytes(2, "little")
        out.writestr("images.npy", b"\x93NUMPY\x01\x00" + length + header + bytes(2 * 5 * 6 * 3))
    only_sentences(lambda: find_samples(path, ("a",)))


@fuzz
@given(
    raw=st.one_of(
        changed(b"name,id\nred,0\ngreen,1\n"), changed(b'{"0": "red", "1": "green"}'), changed(b"red\ngreen\n")
    )
)
def test_labels(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("l")
    for name in ("a.csv", "a.json", "a.txt"):
        (folder / name).write_bytes(raw)
        only_sentences(partial(read_labels, folder / name))


@fuzz
@given(raw=st.one_of(changed(b"file,label\na.png,a\n"), changed(b'{"file": "a.png", "label": 0}\n')))
def test_lists(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("l")
    for name in ("a.csv", "a.jsonl"):
        (folder / name).write_bytes(raw)
        only_sentences(partial(find_samples, folder / name, ("a", "b")))


def test_a_model_cut_anywhere_is_one_sentence_or_a_model(tmp_path: Path) -> None:
    whole = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata()).read_bytes()
    path, read = tmp_path / "cut.onnx", 0
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        read += only_sentences(lambda: inspect(path)) is not None
    assert read < 20  # between two entries of its end, where it lacks something and is sound


@settings(fuzz, max_examples=40)
@given(data=st.data())
def test_models(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Through the trial and into onnxruntime: whatever is wrong with a model, opening it ends in a sentence."""
    folder = tmp_path_factory.mktemp("m")
    raw = data.draw(changed(graph(folder / "m.onnx", metadata=CARD.to_metadata()).read_bytes()))
    (folder / "m.onnx").write_bytes(raw)
    only_sentences(lambda: inspect(folder / "m.onnx"))
    opened = only_sentences(lambda: Deployed.open(folder / "m.onnx"))
    if isinstance(opened, Deployed):
        only_sentences(lambda: opened.read_prepared(np.zeros((1, *opened.card.size_hw, 3), np.uint8)))
