"""What ran: read off an open build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import onnxruntime as ort

from misread.files import jsonable
from misread.runtime.fingerprint import card_digest, cpu_features, fingerprint, fingerprints, placement
from misread.runtime.session import Deployed, FunctionReader, SessionOptions
from misread.runtime.threads import usable_threads
from tests.runtime.planted import COLOURS, MEANS

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fingerprint_names_the_file_the_software_and_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    found = fingerprint(Deployed.open(path, card=COLOURS, options=SessionOptions(threads=3, level="basic")))
    assert found.model_sha256 == hashlib.sha256(MEANS).hexdigest()
    assert found.card_sha256 == card_digest(COLOURS)
    assert found.onnxruntime == ort.__version__
    assert found.providers == ("CPUExecutionProvider",)
    assert found.nodes == (("CPUExecutionProvider", 2),)
    assert (found.threads, found.level) == (3, "basic")
    assert found.features == cpu_features()
    assert found.options == SessionOptions(threads=3, level="basic")
    assert found.options_sha256 == found.options.digest()
    assert found.onnxruntime_build == ort.get_build_info()
    assert json.loads(json.dumps(jsonable(found)))["machine"] == found.machine


def test_only_builds_leave_a_fingerprint(tmp_path: Path, brightness: FunctionReader) -> None:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    build = Deployed.open(path, card=COLOURS)
    assert fingerprints([brightness, build]) == {"means.onnx": fingerprint(build)}


def test_automatic_threads_are_written_as_their_number(tmp_path: Path) -> None:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    assert fingerprint(Deployed.open(path, card=COLOURS)).threads == usable_threads()


def test_nodes_are_counted_per_provider_the_busiest_first() -> None:
    def part(name: str, nodes: int) -> SimpleNamespace:
        return SimpleNamespace(ep_name=name, get_nodes=lambda: [SimpleNamespace(name="", op_type="Add")] * nodes)

    told = [part("CPU", 1), part("NPU", 3), part("CPU", 1)]
    assert placement(SimpleNamespace(get_provider_graph_assignment_info=lambda: told)) == (("NPU", 3), ("CPU", 2))


def test_an_onnxruntime_that_cannot_tell_is_no_error() -> None:
    assert placement(SimpleNamespace()) == ()


def test_a_card_is_told_from_every_other_by_its_digest() -> None:
    # Worked out once by hand: sha256 of the card's fields as JSON with sorted keys and no blanks.
    fields = {
        "antialias": True,
        "baked_normalisation": False,
        "colour": "rgb",
        "interpolation": "bilinear",
        "labels": ["red", "green", "blue"],
        "mean": [0.0, 0.0, 0.0],
        "output": "logits",
        "resize": "squash",
        "resize_px": None,
        "scale": 1 / 255,
        "size_hw": [8, 8],
        "std": [1.0, 1.0, 1.0],
    }
    text = json.dumps(fields, separators=(",", ":"))
    assert card_digest(COLOURS) == hashlib.sha256(text.encode()).hexdigest()
    assert card_digest(replace(COLOURS, antialias=False)) != card_digest(COLOURS)
