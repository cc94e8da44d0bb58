"""Readings through buffers that are used again: exact to `to_input`, never aliased, safe between threads."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from misread.card import ModelCard
from misread.errors import FileError, ModelError, ModelRunError, OptionError
from misread.pixels import to_input
from misread.runtime.session import MAX_BATCH, Deployed, SessionOptions, buffers
from misread.runtime.session.buffers import Buffers
from misread.runtime.session.feed import Feed, Writer
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

UInt8 = NDArray[np.uint8]
CARD = ModelCard(labels=("red", "green"), size_hw=(8, 8))


@pytest.fixture
def build(tmp_path: Path) -> Deployed:
    return Deployed.open(graph(tmp_path / "m.onnx"), card=CARD)


def flat(level: int, count: int = 1) -> UInt8:
    return np.full((count, 8, 8, 3), level, np.uint8)


def means(levels: list[int]) -> NDArray[np.float32]:
    return np.repeat(np.array(levels, np.float32)[:, None] / 255, 2, axis=1)


NORMALISED: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize(
    ("colour", "scale", "normalised", "dtype"),
    [
        *product(("rgb", "bgr"), (1 / 255, 1.0, 1 / 127.5), (False, True), (np.float32, np.float16)),
        *product(("grey",), (1 / 255, 1.0), (False, True), (np.float32, np.float16)),
        ("rgb", 1.0, False, np.uint8),
        ("grey", 1.0, False, np.uint8),
    ],
)
def test_a_feed_is_to_input_to_the_last_bit(
    colour: str, scale: float, normalised: bool, dtype: type[np.generic]
) -> None:
    size, channels = (24, 32), 1 if colour == "grey" else 3
    said = {name: values[:channels] for name, values in NORMALISED.items()} if normalised else {}
    said |= {} if said else {"mean": (0.0,) * channels, "std": (1.0,) * channels}
    card = ModelCard(labels=("a", "b"), size_hw=size, colour=colour, scale=scale, **said)  # type: ignore[arg-type]
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (3, *size, 3), dtype=np.uint8)
    pictures[0] = np.arange(256, dtype=np.uint8).repeat(9).reshape(24, 32, 3)  # every level in every channel
    into = np.full((3, channels, *size), 7, dtype)
    Writer(Feed(card, dtype), into).write(pictures)
    np.testing.assert_array_equal(into, to_input(pictures, card).astype(dtype))


def test_pictures_in_any_order_of_memory_are_fed_alike() -> None:
    generator = np.random.default_rng(1)
    whole = generator.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for view in (whole[2:10, 4:12], whole[::-1][:8, :8], whole[:16:2, :16:2], whole.transpose(1, 0, 2)[:8, :8]):
        into = np.empty((1, 3, 8, 8), np.float32)
        Writer(Feed(CARD, np.float32), into).write([view])
        np.testing.assert_array_equal(into, to_input(view[None], CARD))


@pytest.mark.parametrize("wrong", [np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3))])
def test_a_prepared_picture_of_another_shape_or_type_is_refused(build: Deployed, wrong: NDArray[Any]) -> None:
    with pytest.raises(
        OptionError, match=r"a prepared picture is \(8, 8, 3\) uint8 for this model, got .*let read\(\)"
    ):
        build.run([wrong])


def test_a_result_stays_what_it_was_when_the_buffers_are_used_again(build: Deployed) -> None:
    first, second = build.run(flat(255)), build.read_prepared(flat(51))
    kept = first.copy(), second.logits.copy()
    for level in range(0, 250, 50):
        build.run(flat(level))
        build.read([flat(level)[0]])
    np.testing.assert_array_equal(first, kept[0])
    np.testing.assert_array_equal(second.logits, kept[1])
    first[:] = 9
    np.testing.assert_allclose(build.run(flat(51)), means([51]), rtol=1e-6)


def test_large_values_are_finite_too(tmp_path: Path) -> None:
    """Their squares are not: 1e30 is beyond what a sum of squares holds in float32."""
    build = Deployed.open(graph(tmp_path / "m.onnx", constant=1e30), card=CARD)
    assert (build.run(flat(0)) == np.float32(1e30)).all()
    for constant in ("inf", "-inf", "nan"):
        build = Deployed.open(graph(tmp_path / "m.onnx", constant=float(constant)), card=CARD)
        with pytest.raises(ModelRunError, match="not finite"):
            build.run(flat(0))


def test_the_callers_pictures_are_not_touched(build: Deployed) -> None:
    pictures = flat(200, 3)
    build.read_prepared(pictures)
    build.read(list(pictures))
    assert (pictures == 200).all()


def test_batches_of_changing_size_are_not_mixed_up(build: Deployed) -> None:
    for count in (1, 5, 2, 5, 1, MAX_BATCH + 3, 1):
        levels = [(7 * at + count) % 256 for at in range(count)]
        pictures = np.concatenate([flat(level) for level in levels])
        np.testing.assert_allclose(build.read_prepared(pictures).logits, means(levels), rtol=1e-5)
        np.testing.assert_allclose(build.read(list(pictures)).logits, means(levels), rtol=1e-5)


def test_room_that_is_left_over_holds_nothing_of_an_earlier_run(tmp_path: Path) -> None:
    """Four pictures a call, quantised by the range of all four: a bright one left behind would coarsen a dark one."""
    build = Deployed.open(graph(tmp_path / "m.onnx", shape=(4, 3, 8, 8), dynamic=True), card=CARD)
    dark = flat(3)
    dark[0, 0, 0] = 10
    fresh = build.run(dark)
    build.run(np.concatenate([flat(9), flat(255), flat(255), flat(255)]))
    np.testing.assert_array_equal(build.run(dark), fresh)


def test_idle_buffers_are_few_and_small(build: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(1, 9):
        build.run(flat(1, count))
    assert {size: len(idle) for size, idle in build._pool._idle.items()} == {7: 1, 8: 1}
    before = build._pool._idle[8][0]
    build.run(flat(1, 8))
    assert build._pool._idle[8] == [before]
    many = [build._pool.take(8) or Buffers(build.session, build._feed, 8, build._names) for _ in range(5)]
    for one in many:
        build._pool.put(one)
    assert build._pool._idle[8] == many[: buffers.KEPT]
    monkeypatch.setattr(buffers, "KEPT_BYTES", 10)
    build.run(flat(1, 3))
    assert set(build._pool._idle) == {7, 8}


def test_threads_that_share_a_build_do_not_read_each_others_pictures(build: Deployed) -> None:
    def reads(level: int) -> bool:
        wanted = means([level] * 3)
        return all(np.allclose(build.run(flat(level, 3)), wanted, rtol=1e-5) for _ in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(reads, range(0, 256, 16)))


def test_two_threads_at_once_never_hold_the_same_buffers(build: Deployed) -> None:
    build.run(flat(1))
    first, second = build._pool.take(1), build._pool.take(1)
    assert first is not None
    assert second is None


@pytest.mark.parametrize("way", [copy.deepcopy, lambda build: pickle.loads(pickle.dumps(build))])  # noqa: S301  our own
def test_a_build_is_handed_to_another_process_as_its_file(tmp_path: Path, way: Any) -> None:
    options = SessionOptions(threads=1, level="basic")
    build = Deployed.open(graph(tmp_path / "m.onnx"), card=CARD, options=options)
    build.name = "mine"
    other = way(build)
    assert (other.path, other.card, other.options, other.name) == (build.path, CARD, options, "mine")
    assert other.card_sources == build.card_sources
    assert other.session is not build.session
    np.testing.assert_array_equal(other.run(flat(99)), build.run(flat(99)))


def test_a_file_that_has_changed_meanwhile_is_not_taken_for_the_same(tmp_path: Path) -> None:
    data = pickle.dumps(Deployed.open(graph(tmp_path / "m.onnx"), card=CARD))
    graph(tmp_path / "m.onnx", constant=1.0)
    with pytest.raises(FileError, match="has changed since it was handed over; open it again"):
        pickle.loads(data)  # noqa: S301  our own
    (tmp_path / "m.onnx").unlink()
    with pytest.raises(FileError, match="no such file"):
        pickle.loads(data)  # noqa: S301  our own


def rewritten(path: Path, nodes: list[tuple[str, list[str], str]], values: dict[str, list[int]], **said: Any) -> Path:
    """Append nodes to the usual graph; the last one's output is the model's."""
    onnx = pytest.importorskip("onnx")
    model, helper, kinds = onnx.load(graph(path, **said)), onnx.helper, onnx.TensorProto
    model.graph.initializer.extend(helper.make_tensor(k, kinds.INT64, [len(v)], v) for k, v in values.items())
    for kind, inputs, output in nodes:
        to = {"to": kinds.FLOAT} if kind == "Cast" else {}
        model.graph.node.append(helper.make_node(kind, inputs, [output], **to))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(nodes[-1][2], kinds.FLOAT, None))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("shape", [[-1], [1, -1], [-1, 2, 1, 1]])
def test_an_output_of_any_shape_is_read_as_one_row_a_picture(tmp_path: Path, shape: list[int]) -> None:
    nodes = [("Reshape", ["logits", "shape"], "out")]
    build = Deployed.open(rewritten(tmp_path / "m.onnx", nodes, {"shape": shape}), card=CARD)
    for _ in range(2):
        np.testing.assert_allclose(build.run(np.concatenate([flat(51), flat(255)])), means([51, 255]), rtol=1e-6)


def test_an_output_whose_shape_hangs_on_the_picture_is_refused_and_not_overrun(tmp_path: Path) -> None:
    """The places of the means that are not 0: two of them, one where red is 255 and its mean less the constant 0."""
    nodes = [("NonZero", ["logits"], "where"), ("Gather", ["where", "last"], "column"), ("Cast", ["column"], "out")]
    build = Deployed.open(rewritten(tmp_path / "n.onnx", nodes, {"last": [1]}, constant=-1.0), card=CARD)
    red = flat(0)
    red[..., 0] = 255
    for _ in range(2):
        with pytest.raises((ModelRunError, ModelError), match=r"shape|returns 1 values a picture"):
            build.run(red)
        np.testing.assert_array_equal(build.run(flat(9)), [[0, 1]])


@pytest.mark.parametrize(
    "changed",
    [
        {"arena": False},
        {"shrink": True},
        {"memory_pattern": False},
        {"level": "layout"},
        {"deterministic": True},
        {"exact_int8": True},
        {"spinning": True},
    ],
)
def test_no_option_changes_what_a_float_model_says(build: Deployed, changed: dict[str, Any]) -> None:
    other = Deployed.open(build.path, card=CARD, options=SessionOptions(**changed))
    np.testing.assert_array_equal(other.run(flat(77, 4)), build.run(flat(77, 4)))
