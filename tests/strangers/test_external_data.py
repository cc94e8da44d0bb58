"""Weights in other files: the honest case works everywhere, every other one is a sentence, and no pipe is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.card import ModelCard
from misread.errors import FileError
from misread.report.text.inspection import inspection_text
from misread.runtime.fingerprint import fingerprint
from misread.runtime.inspect import external, inspect
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.session import Deployed

if TYPE_CHECKING:
    from collections.abc import Callable

onnx = pytest.importorskip("onnx")
CARD = ModelCard(labels=("dark", "bright"), size_hw=(8, 8))
WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)


@dataclass(frozen=True)
class Model:
    """A model whose one weight lies in another file, and that file."""

    path: Path
    data: Path

    def says(self, **told: str) -> None:
        """Let the model say something else of where its weight lies."""
        model = onnx.load(self.path, load_external_data=False)
        entries = {"location": self.data.name, "offset": "0", "length": str(WEIGHT.nbytes)} | told
        (weight,) = (tensor for tensor in model.graph.initializer if tensor.name == "weight")
        del weight.external_data[:]
        for key, value in entries.items():
            weight.external_data.add(key=key, value=value)
        self.path.write_bytes(model.SerializeToString())


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A classifier of 8x8 pictures: the mean of each plane times a weight that lies beside it."""
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = kinds(name="weight", data_type=kinds.FLOAT, dims=WEIGHT.shape, data_location=kinds.EXTERNAL)
    made = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("ReduceMean", ["input", "axes"], ["means"], keepdims=0),
                helper.make_node("MatMul", ["means", "weight"], ["logits"]),
            ],
            "g",
            [helper.make_tensor_value_info("input", kinds.FLOAT, ["n", 3, 8, 8])],
            [helper.make_tensor_value_info("logits", kinds.FLOAT, None)],
            [helper.make_tensor("axes", kinds.INT64, [2], [2, 3]), weight],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(made, CARD.to_metadata())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "m.data").write_bytes(WEIGHT.tobytes())
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    found = Model(folder / "m.onnx", folder / "m.data")
    found.says()
    return found


def test_the_honest_case_is_inspected_opened_and_made_differentiable(model: Model) -> None:
    found = inspect(model.path)
    assert (found.external, found.size_bytes) == (("m.data",), model.path.stat().st_size + WEIGHT.nbytes)
    assert "a part of them lies in another file" in inspection_text(found)
    picture = np.full((1, 8, 8, 3), 255, np.uint8)
    expected = WEIGHT.sum(0)[None]
    build = Deployed.open(model.path)
    np.testing.assert_allclose(build.read_prepared(picture).logits, expected, atol=1e-5)
    torch = pytest.importorskip("torch")
    from misread.attack.surrogate.twin import load_surrogate_origin

    twin = load_surrogate_origin(model.path).origin.twin
    np.testing.assert_allclose(twin(torch.ones(1, 3, 8, 8)).detach().numpy(), expected, atol=1e-5)


def test_one_byte_of_the_other_file_changes_every_hash(model: Model) -> None:
    before = inspect(model.path).sha256
    build = Deployed.open(model.path)
    assert before == build.sha256 == fingerprint(build).model_sha256 == model_sha256(model.path)
    model.data.write_bytes(b"\x01" + model.data.read_bytes()[1:])
    assert len({before, model_sha256(model.path), model_sha256(Deployed.open(model.path).path)}) == 2
    after = inspect(model.path).sha256
    assert after not in {before, ""}
    model.path.rename(model.path.with_name("other.onnx"))
    assert inspect(model.path.with_name("other.onnx")).sha256 == after


def test_a_cache_of_links_side_by_side_is_read(model: Model, tmp_path: Path) -> None:
    """As hubs keep them: names in one folder, files in another."""
    (tmp_path / "names").mkdir()
    for file in (model.path, model.data):
        (tmp_path / "names" / file.name).symlink_to(file)
    assert inspect(tmp_path / "names" / "m.onnx").external == ("m.data",)


def elsewhere(model: Model) -> Path:
    secret = model.path.parent.parent / "secret"
    secret.write_bytes(WEIGHT.tobytes())
    return secret


def points_up(model: Model) -> None:
    elsewhere(model)
    model.says(location="../secret")


def points_up_and_down(model: Model) -> None:
    model.says(location="../model/m.data")


def is_absolute(model: Model) -> None:
    model.says(location=str(elsewhere(model)))


def is_nowhere(model: Model) -> None:
    model.says(location="")


def is_windows(model: Model) -> None:
    model.says(location="C:secret")


def has_a_null(model: Model) -> None:
    model.says(location="m.data\0.png")


def is_a_link_out(model: Model) -> None:
    model.data.unlink()
    model.data.symlink_to(elsewhere(model))


def is_behind_a_link_out(model: Model) -> None:
    secret = elsewhere(model)
    (model.path.parent / "deep").symlink_to(secret.parent)
    model.says(location="deep/secret")


def is_a_circle(model: Model) -> None:
    model.data.unlink()
    model.data.symlink_to(model.data)


def is_a_hard_link(model: Model) -> None:
    model.data.unlink()
    os.link(elsewhere(model), model.data)


def is_a_pipe(model: Model) -> None:
    model.data.unlink()
    os.mkfifo(model.data)


def is_a_device(model: Model) -> None:
    model.data.unlink()
    model.data.symlink_to("/dev/zero")


def is_a_folder(model: Model) -> None:
    model.data.unlink()
    model.data.mkdir()


def is_missing(model: Model) -> None:
    model.data.unlink()


def is_short(model: Model) -> None:
    model.data.write_bytes(WEIGHT.tobytes()[:-1])


def starts_late(model: Model) -> None:
    model.says(offset="4")


def starts_beyond_64_bits(model: Model) -> None:
    model.says(offset=str(2**63 - 1), length=str(WEIGHT.nbytes))


def starts_before(model: Model) -> None:
    model.says(offset="-1")


def is_no_number(model: Model) -> None:
    model.says(length="1e3")


def is_too_long(model: Model) -> None:
    model.data.write_bytes(bytes(100))
    model.says(length="100")


REFUSALS: tuple[tuple[Callable[[Model], None], str], ...] = (
    (points_up, "is no file in the model's folder"),
    (points_up_and_down, "is no file in the model's folder"),
    (is_absolute, "is no file in the model's folder"),
    (is_nowhere, "is no file in the model's folder"),
    (is_windows, "is no file in the model's folder"),
    (has_a_null, "is no file in the model's folder"),
    (is_a_link_out, "a link that leaves the model's folder"),
    (is_behind_a_link_out, "a link that leaves the model's folder"),
    (is_a_circle, "cannot be read"),
    (is_a_hard_link, "a file with 2 names"),
    (is_a_pipe, "is no plain file"),
    (is_a_device, "a link that leaves"),
    (is_a_folder, "is no plain file"),
    (is_missing, "there is no such file; copy it beside the model"),
    (is_short, "which has 23; copy both files again"),
    (starts_late, "wants bytes 4 to 28"),
    (starts_beyond_64_bits, "which has 24"),
    (starts_before, "in another file is '-1'"),
    (is_no_number, "in another file is '1e3'"),
    (is_too_long, "takes 100 bytes, and its shape needs 24"),
)


@pytest.mark.parametrize(("spoil", "words"), REFUSALS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_not_as_it_says_is_one_sentence(model: Model, spoil: Callable[[Model], None], words: str) -> None:
    spoil(model)
    for read in (inspect, Deployed.open, model_sha256):
        with pytest.raises(FileError, match=words) as caught:
            read(model.path)
        assert "\n" not in str(caught.value)


def test_a_weight_in_an_attribute_counts_too(model: Model) -> None:
    made = onnx.load(model.path, load_external_data=False)
    (weight,) = (tensor for tensor in made.graph.initializer if tensor.name == "weight")
    constant = made.graph.node.add(op_type="Constant", output=["unused"])
    constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(weight)
    entry = constant.attribute[0].t.external_data[0]
    entry.value = "../secret"
    model.path.write_bytes(made.SerializeToString())
    with pytest.raises(FileError, match="is no file in the model's folder"):
        inspect(model.path)


def test_there_is_a_bound_to_how_much_and_how_many(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MAX_EXTERNAL_BYTES", 23)
    with pytest.raises(FileError, match="at most 23 are read"):
        inspect(model.path)
    monkeypatch.setattr(external, "MAX_EXTERNAL_FILES", 0)
    with pytest.raises(FileError, match="in more than 0 files"):
        inspect(model.path)


def command(argv: list[str]) -> Any:
    return CliRunner().invoke(cli.app, argv)


def test_every_command_says_the_same(model: Model, tmp_path: Path) -> None:
    points_up(model)
    for argv in (
        ["inspect", str(model.path)],
        ["camera", "-m", str(model.path), "--headless"],
        ["attack", str(model.path), "--data", str(tmp_path), "-o", str(tmp_path / "out")],
    ):
        if argv[0] == "attack":
            pytest.importorskip("torch")
        result = command(argv)
        assert result.exit_code == 2
        assert "is no file in the model's folder" in result.stderr
        assert len(result.stderr.splitlines()) == 1
