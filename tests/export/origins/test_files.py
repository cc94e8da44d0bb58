"""Exported programs and TorchScript archives: what they give, and what is refused before it is loaded."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from misread.errors import FileError, ModelError, OptionError
from misread.export.onnx import export_onnx
from misread.export.origin import Origin, load_origin
from misread.files import sha256_file
from tests.export.nets import tiny


def load(path: Path, *, trust: bool = True) -> Origin:
    return load_origin(str(path), labels=Path("none"), size_hw=(16, 16), trust=trust)


def program(path: Path, module: nn.Module, *, fixed: bool = False) -> Path:
    shapes = None if fixed else ({0: torch.export.Dim("batch")},)
    captured = torch.export.export(module, (torch.zeros(2, 3, 16, 16),), dynamic_shapes=shapes)
    torch.export.save(captured, path)
    return path


def script(path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(tiny().eval()).save(path)  # type: ignore[no-untyped-call]
    return path


@pytest.fixture(params=["net.pt2", "net.ts"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    return program(path, tiny().eval()) if path.suffix == ".pt2" else script(path)


def test_an_archive_reads_attacks_and_exports_as_its_network_does(archive: Path, tmp_path: Path) -> None:
    origin = load(archive)
    pictures = torch.rand((3, 3, 16, 16), generator=torch.Generator().manual_seed(1), requires_grad=True)
    wanted = tiny().eval()(pictures)
    assert torch.allclose(origin.twin(pictures), wanted, atol=1e-5)
    (mine,) = torch.autograd.grad(origin.twin(pictures)[:, 0].sum(), pictures)
    (its,) = torch.autograd.grad(wanted[:, 0].sum(), pictures)
    assert torch.allclose(mine, its, atol=1e-5)
    assert origin.weights_sha256 == sha256_file(archive)
    export_onnx(origin.twin, origin.card, tmp_path / "net.onnx")
    (logits,) = ort.InferenceSession(tmp_path / "net.onnx").run(None, {"input": pictures.detach().numpy()})
    assert np.allclose(logits, wanted.detach().numpy(), atol=1e-4)


def test_nothing_is_loaded_without_trust(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch.export.load", "torch.jit.load", "pickle.loads", "torch.load"):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(OptionError, match="where you trust whoever made it, add --trust"):
        load(archive, trust=False)


def test_an_archive_takes_no_weights_and_no_arguments(archive: Path) -> None:
    with pytest.raises(OptionError, match="brings its own weights; leave out --weights"):
        load_origin(str(archive), weights=Path("none"))
    with pytest.raises(OptionError, match="takes no arguments; leave out --arg depth"):
        load_origin(str(archive), arguments={"depth": 3})


def test_a_missing_archive(tmp_path: Path) -> None:
    for name in ("gone.pt2", "gone.pt"):
        with pytest.raises(FileError, match="no such file"):
            load(tmp_path / name)


@pytest.mark.parametrize("whole", [True, False], ids=["pickled network", "weights"])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pt2"])
def test_pickles_are_refused_with_the_way_to_convert_them(tmp_path: Path, suffix: str, whole: bool) -> None:
    path = tmp_path / f"net{suffix}"
    torch.save(tiny() if whole else tiny().state_dict(), path)
    with pytest.raises(FileError, match=r"give weights with --weights beside file.py:factory; of a whole pickled"):
        load(path)


def test_an_archive_under_the_other_s_ending(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"is an exported program; name it with the ending .pt2"):
        load(program(tmp_path / "a.pt2", tiny().eval()).rename(tmp_path / "a.pt"))
    with pytest.raises(FileError, match=r"is a TorchScript archive; name it with the ending .ts"):
        load(script(tmp_path / "b.ts").rename(tmp_path / "b.pt2"))


def test_a_program_of_one_batch_or_in_training_mode(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"for a batch of 2 alone; export it again with dynamic_shapes"):
        load(program(tmp_path / "fixed.pt2", tiny().eval(), fixed=True))
    with pytest.raises(ModelError, match=r"in training mode .*; call .eval\(\) before"):
        load(program(tmp_path / "training.pt2", tiny()))


def test_a_program_that_takes_no_pictures(tmp_path: Path) -> None:
    captured = torch.export.export(nn.Linear(3, 2), (torch.zeros(2, 3),))
    torch.export.save(captured, tmp_path / "rows.pt2")
    with pytest.raises(ModelError, match=r"takes 1 inputs of shape \(2, 3\); a classifier takes one picture"):
        load(tmp_path / "rows.pt2")


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        ("a.pt2", "a/archive_format", "cannot be loaded as an exported program"),
        ("a.ts", "a/code/__torch__.py", "cannot be loaded as TorchScript"),
    ],
)
def test_a_damaged_archive(tmp_path: Path, name: str, entry: str, said: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(entry, "pt2")
    with pytest.raises(FileError, match=said) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_archive_whose_directory_is_cut(tmp_path: Path) -> None:
    path = script(tmp_path / "a.ts")
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at : at + 4] = b"XXXX"
    path.write_bytes(data)
    with pytest.raises(FileError, match="is not a whole network"):
        load(path)
