from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from misread.card import ModelCard
from misread.errors import FileError, InputError, MisreadError, ModelError, OptionError
from misread.export.origin import Origin, Preparation, load_origin
from misread.export.origins import ORIGIN_KINDS
from misread.export.origins.factory_file import _import_file
from misread.files import sha256_file
from tests.export.nets import LABELS, Tiny, tiny

if TYPE_CHECKING:
    from misread.export.origins.base import OriginKind

EXAMPLES = {
    "signs": "signs",
    "file.py:factory": "./nets/my file.py:make_it",
    "package.module:factory": "my_package.nets:make_it",
    "torchvision:NAME": "torchvision:resnet18",
    "timm:NAME": "timm:resnet18",
    "hf:ORG/NAME": "hf:org/name",
    "network.pt2": "./nets/net.pt2",
    "network.pt (TorchScript)": "./nets/net.pt",
}


def load(text: str, **more: object) -> Origin:
    given: dict[str, object] = {"labels": Path("none"), "size_hw": (16, 16), **more}
    return load_origin(text, **given)  # type: ignore[arg-type]


def write(folder: Path, body: str) -> str:
    path = folder / "net.py"
    path.write_text("from torch import nn\nimport torch\nfrom tests.export.nets import *\n" + body, encoding="utf-8")
    return f"{path}:network"


@pytest.mark.parametrize("kind", ORIGIN_KINDS, ids=lambda kind: kind.form)
def test_each_form_is_claimed_by_its_kind_alone(kind: OriginKind) -> None:
    assert [other.form for other in ORIGIN_KINDS if other.claims(EXAMPLES[kind.form])] == [kind.form]


@pytest.mark.parametrize("text", ["", "resnet18", "net.py", "net.py:", ":f", "a b:c", "x.py:not a name"])
def test_what_is_no_origin_names_the_forms(text: str) -> None:
    with pytest.raises(ModelError, match=r"names no classifier.*signs, torchvision:NAME, .*factory, network.pt2"):
        load_origin(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resnet18", "perhaps torchvision:resnet18 or timm:resnet18 is meant"),
        ("w.safetensors", "holds weights and no network; type file.py:factory --weights w.safetensors"),
        ("last.ckpt", "holds weights and no network"),
        ("a/net.py", r"name the function that returns the network, as in a/net.py:make"),
        ("M.ONNX", "a deployed file already"),
        ("google/vit", "of the Hugging Face hub is written hf:google/vit"),
    ],
)
def test_what_was_probably_meant_is_said(text: str, said: str) -> None:
    with pytest.raises(ModelError, match=f"names no classifier; .*{said}.*; an origin is written as one of"):
        load_origin(text)


def test_a_folder_was_probably_saved_by_transformers(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="that transformers saved is written hf:/"):
        load_origin(str(tmp_path))


def test_a_factory_in_a_file(factory_file: Path) -> None:
    origin = load(f"{factory_file}:network")
    assert origin.card == ModelCard(labels=("0", "1", "2", "3"), size_hw=(16, 16), baked_normalisation=True)
    given = torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    assert torch.equal(origin.twin(given), tiny().eval()(given))
    assert origin.weights_sha256 is None


def test_a_file_runs_as_it_is_now_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytecode is known by size and whole seconds, so an edit within the second would run as what was there before."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    file, seen = tmp_path / "net.py", []
    for number in (1, 2):
        file.write_text(f"VALUE = {number}\n")
        os.utime(file, (1e9, 1e9))
        seen.append(_import_file(file).VALUE)
    assert seen == [1, 2]
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_factory_in_a_module() -> None:
    assert load("tests.export.nets:tiny").card.labels == ("0", "1", "2", "3")


def test_a_module_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_nets.py").write_text("from tests.export.nets import tiny", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert len(load("my_own_nets:tiny").card.labels) == 4


def test_a_file_imports_its_neighbour_and_the_path_is_put_back(tmp_path: Path) -> None:
    import sys

    (tmp_path / "neighbour_of_net.py").write_text("CLASSES = 7", encoding="utf-8")
    before = list(sys.path)
    body = "def network():\n    from neighbour_of_net import CLASSES\n    return Tiny(CLASSES)"
    assert len(load(write(tmp_path, body)).card.labels) == 7
    assert sys.path == before


def test_a_grey_network_is_found_out(tmp_path: Path) -> None:
    card = load(write(tmp_path, "def network():\n    return tiny(channels=1)")).card
    assert (card.colour, card.channels, card.mean) == ("grey", 1, (0.0,))


def test_the_size_and_the_labels_are_asked_for_together(factory_file: Path) -> None:
    with pytest.raises(ModelError, match=r"--size 224 .* and --labels FILE"):
        load_origin(f"{factory_file}:network")
    with pytest.raises(ModelError, match=r"add --labels FILE \(or --labels none\)$"):
        load_origin(f"{factory_file}:network", size_hw=(16, 16))


def test_labels_must_be_as_many_as_outputs(factory_file: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(LABELS), encoding="utf-8")
    assert load(f"{factory_file}:network", labels=labels).card.labels == LABELS
    with pytest.raises(ModelError, match="holds 4 labels, the model has 5 outputs"):
        load(f"{factory_file}:other", labels=labels)


def test_a_card_of_the_network_itself_is_used_and_flags_come_over_it(tmp_path: Path) -> None:
    body = (
        "from misread.card import ModelCard\n"
        "def network():\n    net = tiny()\n"
        "    net.card = ModelCard(labels=LABELS, size_hw=(16, 16), interpolation='bicubic', mean=(.5, .5, .5))\n"
        "    return net"
    )
    text = write(tmp_path, body)
    own = load_origin(text)
    assert (own.card.labels, own.card.interpolation, own.card.mean) == (LABELS, "bicubic", (0.0, 0.0, 0.0))
    over = load_origin(text, size_hw=(20, 20))
    assert (over.card.size_hw, over.card.interpolation, over.card.labels) == ((20, 20), "bicubic", LABELS)
    cropped = load_origin(text, preparation=Preparation(resize="crop", resize_px=20))
    assert (cropped.card.resize, cropped.card.interpolation) == ("crop", "bilinear")


def test_normalisation_of_a_card_moves_into_the_twin(factory_file: Path) -> None:
    # Caffe's way: BGR, 0..255, mean of each channel in levels.
    card = ModelCard(
        labels=LABELS, size_hw=(16, 16), colour="bgr", scale=1.0, mean=(104.0, 117.0, 123.0), std=(2.0, 3.0, 4.0)
    )
    origin = load_origin(f"{factory_file}:network", card=card)
    unit = torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor(card.mean).view(1, 3, 1, 1), torch.tensor(card.std).view(1, 3, 1, 1)
    expected = tiny().eval()((unit.flip(1) * 255 - mean) / std)
    assert torch.allclose(origin.twin(unit), expected, rtol=1e-4, atol=1e-3)
    assert (origin.card.colour, origin.card.scale, origin.card.baked_normalisation) == ("rgb", 1 / 255, True)


def test_a_card_and_flags_are_not_mixed(factory_file: Path) -> None:
    card = ModelCard(labels=LABELS, size_hw=(16, 16))
    with pytest.raises(OptionError, match="not both"):
        load_origin(f"{factory_file}:network", card=card, size_hw=(16, 16))


def test_a_card_with_other_outputs_is_refused(factory_file: Path) -> None:
    with pytest.raises(ModelError, match="has 4 outputs and its card 2 labels"):
        load_origin(f"{factory_file}:network", card=ModelCard(labels=("a", "b"), size_hw=(16, 16)))
    card = ModelCard(labels=LABELS, size_hw=(16, 16), output="probabilities")
    with pytest.raises(ModelError, match="leave the softmax out"):
        load_origin(f"{factory_file}:network", card=card)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def networks():\n    return tiny()", r"unknown factory 'network'; did you mean 'networks'"),
        ("from pathlib import Path\ndef made():\n    return tiny()", r"known: (?!.*Path).*made"),
        ("network = 3", r"is a int; name a function"),
        ("def network():\n    raise KeyError('backbone')", r"raised KeyError: 'backbone' \(at net.py:5\)"),
        ("def network():\n    raise SystemExit(3)", r"raised SystemExit: 3"),
        ("def network():\n    return 'weights.pt'", r"returned a str; a factory returns the torch.nn.Module itself"),
        ("raise ValueError('at import')", r"importing net.py raised ValueError: at import \(at net.py:4\)"),
        ("import no_such_package_here", r"importing net.py raised ModuleNotFoundError"),
        ("def network(:", r"importing net.py raised SyntaxError: .* \(at net.py:4\)"),
        ("from misread.errors import ModelError\ndef network():\n    raise ModelError('said well')", "^said well$"),
    ],
)
def test_a_factory_that_fails_says_where(tmp_path: Path, body: str, words: str) -> None:
    text = write(tmp_path, body)
    with pytest.raises(ModelError, match=words):
        load(text)


def test_a_file_or_module_that_is_not_there() -> None:
    with pytest.raises(FileError, match="is not a file"):
        load("nowhere/net.py:network")
    with pytest.raises(ModelError, match="there is no module no_such_module_here"):
        load("no_such_module_here.net:network")
    with pytest.raises(ModelError, match="unknown factory 'tinny'; did you mean 'tiny'"):
        load("tests.export.nets:tinny")


def test_a_module_that_fails_while_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_nets.py").write_text("import no_such_dependency", encoding="utf-8")
    (tmp_path / "failing_nets.py").write_text("raise RuntimeError('planted')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="importing broken_nets raised ModuleNotFoundError"):
        load("broken_nets:network")
    with pytest.raises(ModelError, match="importing failing_nets raised RuntimeError: planted"):
        load("failing_nets:network")


def test_a_factory_is_quiet_on_standard_output_and_leaves_the_random_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = torch.get_rng_state()
    load(write(tmp_path, "def network():\n    print('building')\n    torch.rand(3)\n    return Tiny()"))
    assert capsys.readouterr() == ("", "building\n")
    assert torch.equal(before, torch.get_rng_state())


class TestWeights:
    def state(self) -> dict[str, torch.Tensor]:
        return Tiny().state_dict()

    def check(self, origin: Origin, state: dict[str, torch.Tensor], path: Path) -> None:
        assert torch.equal(origin.twin.state_dict()["body.conv.weight"], state["conv.weight"])
        assert origin.weights_sha256 == sha256_file(path)

    @pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model"])
    @pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod.", "model.net."])
    def test_state_dicts(self, factory_file: Path, tmp_path: Path, wrapper: str | None, prefix: str) -> None:
        state = self.state()
        named = {prefix + name: value for name, value in state.items()}
        path = tmp_path / "weights.pt"
        torch.save({wrapper: named, "epoch": 3} if wrapper else named, path)
        self.check(load(f"{factory_file}:network", weights=path), state, path)

    def test_a_prefix_of_the_network_s_own_stays(self, tmp_path: Path) -> None:
        text = write(tmp_path, "def network():\n    return nn.Sequential(Tiny())")
        state = {f"0.{name}": value for name, value in self.state().items()}
        torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "w.pt")
        origin = load(text, weights=tmp_path / "w.pt")
        assert torch.equal(origin.twin.state_dict()["body.0.conv.weight"], state["0.conv.weight"])

    def test_safetensors(self, factory_file: Path, tmp_path: Path) -> None:
        state, path = self.state(), tmp_path / "weights.safetensors"
        save_file(state, path)
        self.check(load(f"{factory_file}:network", weights=path), state, path)

    def test_a_pickle_that_needs_code_is_refused_and_not_run(self, factory_file: Path, tmp_path: Path) -> None:
        path, ran = tmp_path / "weights.pt", tmp_path / "ran"
        torch.save({"conv.weight": Payload(str(ran))}, path)
        with pytest.raises(FileError, match=r"needs code to be read; .*state_dict\(\)"):
            load(f"{factory_file}:network", weights=path)
        assert not ran.exists()
        torch.load(path, weights_only=False)
        assert ran.exists()  # the payload was live

    def test_a_whole_module_is_refused(self, factory_file: Path, tmp_path: Path) -> None:
        path = tmp_path / "weights.pt"
        torch.save(nn.Linear(2, 2), path)
        with pytest.raises(FileError, match="needs code to be read"):
            load(f"{factory_file}:network", weights=path)

    def test_what_unpacks_into_memory_is_refused(self, factory_file: Path, tmp_path: Path) -> None:
        plain, path = tmp_path / "plain.pt", tmp_path / "weights.pt"
        torch.save(self.state(), plain)
        with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                new.writestr(entry.filename, old.read(entry))
        with pytest.raises(FileError, match="compressed archive"):
            load(f"{factory_file}:network", weights=path)

    @pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
    @pytest.mark.parametrize("keep", [0, 100, -1])
    def test_a_truncated_file(self, factory_file: Path, tmp_path: Path, suffix: str, keep: int) -> None:
        path = tmp_path / f"weights{suffix}"
        if suffix == ".pt":
            torch.save(self.state(), path)
        else:
            save_file(self.state(), path)
        data = path.read_bytes()
        path.write_bytes(data[: keep if keep >= 0 else len(data) * 2 // 3])
        with pytest.raises(FileError, match=r"weights\.(pt|safetensors) is "):
            load(f"{factory_file}:network", weights=path)

    def test_a_damaged_archive(self, factory_file: Path, tmp_path: Path) -> None:
        path = tmp_path / "weights.pt"
        torch.save(self.state(), path)
        data = bytearray(path.read_bytes())
        at = data.find(b"PK\x01\x02")
        data[at : at + 4] = b"XXXX"
        path.write_bytes(bytes(data))
        with pytest.raises(FileError, match="is not a whole file of weights"):
            load(f"{factory_file}:network", weights=path)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ([1, 2], "holds a list"),
            ({}, "it is empty"),
            ({"epoch": 3, "loss": 0.5}, "holds no state dict: epoch, loss"),
        ],
    )
    def test_other_contents(self, factory_file: Path, tmp_path: Path, content: object, words: str) -> None:
        path = tmp_path / "weights.pt"
        torch.save(content, path)
        with pytest.raises(FileError, match=words):
            load(f"{factory_file}:network", weights=path)

    def test_weights_of_another_network(self, factory_file: Path, tmp_path: Path) -> None:
        path = tmp_path / "weights.pt"
        torch.save({f"layer{number}": torch.ones(1) for number in range(5)}, path)
        with pytest.raises(ModelError, match=r"conv.weight, .* and 5 more missing, layer0, .* and 2 more not known"):
            load(f"{factory_file}:network", weights=path)
        torch.save(Tiny(9).state_dict(), path)
        with pytest.raises(ModelError, match=r"does not fit the network: size mismatch for linear"):
            load(f"{factory_file}:network", weights=path)

    def test_a_missing_file(self, factory_file: Path, tmp_path: Path) -> None:
        with pytest.raises(FileError, match=r"cannot read .*no such file"):
            load(f"{factory_file}:network", weights=tmp_path / "none.pt")

    def test_signs_take_none(self, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="brings its own weights"):
            load_origin("signs", weights=tmp_path / "weights.pt")


class Payload:
    """Pickles as a call that makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_every_refusal_is_an_input_error() -> None:
    for refusal in (FileError, ModelError, OptionError):
        assert issubclass(refusal, InputError)
        assert issubclass(refusal, MisreadError)


def test_a_factory_takes_arguments(tmp_path: Path) -> None:
    text = write(tmp_path, "def network(classes, channels=3):\n    return Tiny(classes, channels)")
    origin = load(text, arguments={"classes": 6, "channels": 1})
    assert (len(origin.card.labels), origin.card.colour) == (6, "grey")
    for wrong in ({"classes": 6, "depth": 1}, {}):
        with pytest.raises(ModelError, match=r"argument:? '(depth|classes)'; it takes classes, channels, each"):
            load(text, arguments=wrong)
    with pytest.raises(ModelError, match="raised TypeError: "):  # a function in C says so itself
        load(write(tmp_path, "network = type"), arguments={"depth": 1})
    ready = write(tmp_path, "network = tiny()")
    with pytest.raises(OptionError, match="is a network already and takes no arguments; leave out --arg depth"):
        load(ready, arguments={"depth": 1})
    with pytest.raises(OptionError, match="signs takes no arguments"):
        load_origin("signs", arguments={"depth": 1})
