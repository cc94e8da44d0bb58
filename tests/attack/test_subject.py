"""What is attacked: an origin, or a file that answers through onnxruntime and lends its gradients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from misread.attack.subject import FileModel, Subject, card_of, is_file, open_subject, quicken
from misread.card import ModelCard
from misread.errors import FileError, ModelError, OptionError
from misread.flags import CardFlags
from tests.models import graph

if TYPE_CHECKING:
    from torch import Tensor

FLAGS = CardFlags(labels=Path("none"), size="8", scale="1", colour="bgr", mean="1,2,3", output="logits")

ORIGIN = """
import torch

def make():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(ORIGIN)
    return f"{tmp_path / 'net.py'}:make"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Logits: mean of the first plane and of the second. It declares its two outputs and carries no card."""
    onnx = pytest.importorskip("onnx")
    path = graph(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 2]))
    onnx.save(model, path)
    return path


def pictures(*levels: tuple[int, int, int]) -> Tensor:
    return torch.tensor(levels).float().view(-1, 3, 1, 1).expand(-1, -1, 8, 8) / 255


@pytest.mark.parametrize(
    ("text", "expected"), [("a.onnx", True), ("A.ONNX", True), ("onnx.py:make", False), ("signs", False)]
)
def test_a_file_is_told_by_its_ending(text: str, expected: bool) -> None:
    assert is_file(text) is expected


def test_a_file_is_read_by_its_flags_and_judges_itself(build: Path) -> None:
    subject = open_subject(str(build), flags=FLAGS, builds=(build,))
    assert subject.card.labels == ("0", "1")
    assert (subject.card.colour, subject.card.mean, subject.is_file) == ("bgr", (1.0, 2.0, 3.0), True)
    assert [reader.name for reader in subject.judges.readers] == ["m.onnx", "m.onnx"]
    assert subject.digest == subject.judges.readers[0].sha256  # type: ignore[attr-defined]  # they are builds
    x = pictures((10, 20, 30), (200, 100, 50))
    torch.testing.assert_close(subject.model(x), torch.tensor([[29.0, 18.0], [49.0, 98.0]]))


def test_answers_are_onnxruntimes_and_gradients_the_graphs(build: Path) -> None:
    subject = open_subject(str(build), flags=FLAGS)
    assert subject.gradients
    x = (pictures((10, 20, 30)) + 0.4 / 255).requires_grad_()
    with torch.no_grad():
        torch.testing.assert_close(subject.model(x), torch.tensor([[29.0, 18.0]]))  # on the nearest level
    logits = subject.model(x)
    torch.testing.assert_close(logits, torch.tensor([[29.4, 18.4]]))
    (slope,) = torch.autograd.grad(logits[:, 0].sum(), x)
    torch.testing.assert_close(slope[0, :, 0, 0], torch.tensor([0.0, 0.0, 255 / 64]))


def test_an_attack_that_only_asks_needs_no_surrogate(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Any:
        raise AssertionError

    monkeypatch.setattr("misread.attack.subject._surrogate", never)
    subject = open_subject(str(build), flags=FLAGS, gradients=False)
    assert not subject.gradients
    assert not isinstance(subject.model, FileModel)
    torch.testing.assert_close(subject.model(pictures((10, 20, 30))), torch.tensor([[29.0, 18.0]]))


def test_an_operator_without_gradients_is_named_with_the_way_out(build: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(build)
    model.graph.node.append(
        onnx.helper.make_node("Scaler", ["logits"], ["out"], domain="ai.onnx.ml", scale=[2.0], offset=[0.0])
    )
    model.graph.output[0].name = "out"
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3))
    onnx.save(model, build)
    with pytest.raises(ModelError, match=r"m\.onnx.*Scaler.*square"):
        open_subject(str(build), flags=FLAGS)
    subject = open_subject(str(build), flags=FLAGS, gradients=False)
    torch.testing.assert_close(subject.model(pictures((10, 20, 30))), torch.tensor([[58.0, 36.0]]))


def test_the_files_own_card_comes_first(tmp_path: Path) -> None:
    own = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    found = card_of(graph(tmp_path / "m.onnx", metadata=own.to_metadata()), FLAGS)
    assert (found.card, found.sources) == (own, ("misread card",))


def test_flags_fill_only_what_a_file_leaves_open(tmp_path: Path) -> None:
    """A timm file that lacks its labels and its size, and flags that supply just these."""
    config = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic"}
    onnx = pytest.importorskip("onnx")
    path = graph(tmp_path / "m.onnx", shape=("n", 3, "h", "w"), metadata={"pretrained_cfg": json.dumps(config)})
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 2]))
    onnx.save(model, path)
    flags = CardFlags(labels=Path("none"), size="8", resize="squash", colour="rgb")
    subject = open_subject(str(path), flags=flags, gradients=False)
    assert subject.card_from == ("timm metadata", "flags")
    assert (subject.card.interpolation, subject.card.std, subject.card.size_hw) == ("bicubic", (0.25,) * 3, (8, 8))
    assert subject.judges.readers[0].card == subject.card
    with pytest.raises(ModelError, match="does not say all of how it is fed; add --labels FILE, --resize squash"):
        open_subject(str(path), flags=CardFlags(size="8", colour="rgb"), gradients=False)


def test_an_origin_is_read_by_its_own_flags(net: str) -> None:
    flags = CardFlags(labels=Path("none"), size="8", resize="crop", resize_px=9, mean="0.5,0.5,0.5", antialias=False)
    subject = open_subject(net, flags=flags)
    assert (subject.is_file, subject.gradients, subject.judges.readers) == (False, True, ())
    assert (subject.card.resize_px, subject.card.antialias) == (9, False)
    assert subject.model(pictures((127, 127, 127))).shape == (1, 2)


def test_a_digest_follows_the_weights(net: str, tmp_path: Path) -> None:
    def digest() -> str:
        return open_subject(net, flags=CardFlags(labels=Path("none"), size="8"), weights=tmp_path / "w.pt").digest

    state = {"1.weight": torch.zeros(2, 192), "1.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "w.pt")
    before = digest()
    assert digest() == before
    state["1.bias"][1] = 1e-6
    torch.save(state, tmp_path / "w.pt")
    assert digest() != before


@pytest.mark.parametrize(
    ("flags", "more", "error", "said"),
    [
        (CardFlags(), {}, ModelError, "carries no card, .* give --size PX and --labels FILE"),
        (CardFlags(size="8"), {}, ModelError, "add --labels FILE"),
        (FLAGS, {"weights": Path("w.pt")}, OptionError, "--weights belongs to a network in Python"),
        (FLAGS, {"device": "gpu"}, OptionError, "device is cpu, cuda or cuda:N, got 'gpu'"),
        (FLAGS, {"device": "cuda:x"}, OptionError, "device is cpu, cuda or cuda:N"),
        (FLAGS, {"device": "cuda:99"}, OptionError, r"torch sees \d+ GPUs here and cuda:99 was asked for"),
    ],
)
def test_a_file_is_refused_with_a_sentence(
    build: Path, flags: CardFlags, more: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        open_subject(str(build), flags=flags, **more)


def test_classes_must_be_declared_to_be_numbered(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not declare how many classes"):
        open_subject(str(graph(tmp_path / "open.onnx")), flags=FLAGS)
    with pytest.raises(ModelError, match="does not declare how many classes"):
        open_subject(str(graph(tmp_path / "two.onnx", outputs=2)), flags=FLAGS)
    with pytest.raises(FileError, match="no such file"):
        open_subject(str(tmp_path / "none.onnx"), flags=FLAGS)


def test_flags_of_a_file_mean_nothing_to_an_origin(net: str) -> None:
    with pytest.raises(OptionError, match=r"--colour and --scale tell how an ONNX file is fed"):
        open_subject(net, flags=CardFlags(labels=Path("none"), size="8", colour="bgr", scale="1"))


@pytest.mark.hardware
def test_a_subject_moves_to_the_gpu(net: str, build: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU here")
    flags = CardFlags(labels=Path("none"), size="8")
    on_cpu, on_gpu = (open_subject(net, flags=flags, device=device) for device in ("cpu", "cuda"))
    x = pictures((10, 20, 30))
    assert isinstance(on_gpu, Subject)
    assert on_gpu.model(x.cuda()).device.type == "cuda"
    assert on_gpu.model(x.cuda()).shape == on_cpu.model(x).shape
    file = open_subject(str(build), flags=FLAGS, device="cuda")
    point = x.cuda().requires_grad_()
    (slope,) = torch.autograd.grad(file.model(point)[:, 0].sum(), point)
    np.testing.assert_allclose(slope[0, :, 0, 0].cpu(), [0, 0, 255 / 64], rtol=1e-5)
    with torch.no_grad():
        assert file.model(point).device.type == "cuda"


def test_an_ensemble_is_the_mean_of_networks_and_files(net: str, build: Path) -> None:
    flags = CardFlags(labels=Path("none"), size="8")
    alone = open_subject(net, flags=flags)
    other = open_subject(str(build), flags=flags)
    both = open_subject(net, flags=flags, ensemble=(str(build),))
    assert isinstance(other.model, FileModel)
    images = pictures((10, 20, 30), (200, 100, 50))
    with torch.no_grad():
        mean = (alone.model(images) + other.model.surrogate(images)) / 2
        assert torch.allclose(both.model(images), mean, atol=1e-6)
    assert both.digest not in {alone.digest, other.digest}
    assert not both.is_file


def test_an_ensemble_reads_pictures_of_one_size(net: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = graph(tmp_path / "wide.onnx", shape=("n", 3, 16, 16))
    card = ModelCard(labels=("0", "1"), size_hw=(16, 16))
    model = onnx.load(path)
    onnx.helper.set_model_props(model, card.to_metadata())
    onnx.save(model, path)
    with pytest.raises(OptionError, match=r"members of an ensemble read the same pictures: .* \(8, 8\), .* \(16, 16\)"):
        open_subject(net, flags=CardFlags(labels=Path("none"), size="8"), ensemble=(str(path),))


def test_a_file_is_no_first_member(net: str, build: Path) -> None:
    with pytest.raises(OptionError, match="an ensemble is made of an origin and others"):
        open_subject(str(build), flags=FLAGS, ensemble=(net,))


def test_arguments_reach_the_factory_and_gradients_may_be_rough(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        ORIGIN.replace("def make():", "def make(classes):").replace("192, 2", "192, classes")
    )
    flags = CardFlags(labels=Path("none"), size="8")
    subject = open_subject(f"{tmp_path / 'net.py'}:make", flags=flags, arguments={"classes": 3})
    assert len(subject.card.labels) == 3
    images = pictures((10, 20, 30), (200, 100, 50))
    quick = quicken(subject, images, bfloat16=True)
    with torch.no_grad():
        assert torch.allclose(quick.model(images), subject.model(images), atol=1e-5)
    assert quick.pace is not None
