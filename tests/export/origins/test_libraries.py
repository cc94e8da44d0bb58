"""torchvision, timm and transformers themselves, with untrained weights and with files in their own caches."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch

from misread.card import ModelCard
from misread.cards import metadata_of
from misread.errors import FileError, MissingExtra, ModelError, OptionError, RuntimeFailure, UnknownName
from misread.export.origin import load_origin
from misread.export.origins import library
from misread.export.origins.base import Request
from misread.pixels import fit, to_input

if TYPE_CHECKING:
    from types import ModuleType

NONE = Path("none")
SMALL = "torchvision:squeezenet1_1"
TINY = "timm:test_resnet.r160_in1k"
FLAGS: dict[str, Any] = {"labels": NONE, "size_hw": (64, 64)}


def saved(folder: Path, builder: Any) -> Path:
    torch.save(builder.state_dict(), folder / "weights.pth")
    return folder / "weights.pth"


def test_torchvision_untrained_is_drawn_alike_each_time(torchvision_models: ModuleType) -> None:
    state = torch.get_rng_state()
    origin = load_origin(SMALL, weights=NONE)
    assert torch.equal(state, torch.get_rng_state())
    card = origin.card
    assert (len(card.labels), card.labels[0], card.size_hw) == (1000, "tench", (224, 224))
    assert (card.resize_px, card.interpolation, card.antialias) == (256, "bilinear", True)
    assert (origin.card_sources, origin.weights_sha256) == (("torchvision metadata",), None)
    again = load_origin(SMALL, weights=NONE, **FLAGS)
    pairs = zip(origin.twin.body.parameters(), again.twin.body.parameters(), strict=True)
    assert all(torch.equal(mine, its) for mine, its in pairs)
    assert origin.twin.mean is not None
    assert torch.allclose(origin.twin.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]))


def test_torchvision_with_other_outputs_asks_for_labels(torchvision_models: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"add --labels FILE$"):
        load_origin(SMALL, weights=NONE, arguments={"num_classes": 5})
    origin = load_origin(SMALL, weights=NONE, arguments={"num_classes": 5}, labels=NONE)
    assert (len(origin.card.labels), origin.card.resize_px) == (5, 256)


def test_torchvision_with_a_file_that_it_did_not_publish(torchvision_models: ModuleType, tmp_path: Path) -> None:
    path = saved(tmp_path, torchvision_models.get_model("squeezenet1_1", num_classes=3))
    with pytest.raises(ModelError, match=r"does not say how it is fed; add --size 224 .* and --labels FILE"):
        load_origin(SMALL, weights=path, arguments={"num_classes": 3})
    origin = load_origin(SMALL, weights=path, arguments={"num_classes": 3}, **FLAGS)
    assert origin.card_sources == ("flags", "defaults of the flags")
    assert origin.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cached(torchvision_models: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    weights = torchvision_models.get_model_weights("squeezenet1_1").DEFAULT
    path = saved(tmp_path, torchvision_models.get_model("squeezenet1_1"))
    name = f"net-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    before = weights.url
    object.__setattr__(weights.value, "url", f"https://weights.example/{name}")
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    yield path, tmp_path / "hub" / "checkpoints" / name
    object.__setattr__(weights.value, "url", before)


def test_torchvision_pretrained_from_its_cache(cached: tuple[Path, Path]) -> None:
    path, place = cached
    place.write_bytes(path.read_bytes())
    origin = load_origin(SMALL)
    assert (origin.card.labels[1], origin.card_sources) == ("goldfish", ("torchvision metadata",))
    assert origin.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = torch.load(path, weights_only=True)
    assert all(torch.equal(value, wanted[name]) for name, value in origin.twin.body.state_dict().items())
    known = load_origin(SMALL, weights=path)  # the same bytes, wherever they lie
    assert known.card == origin.card


def test_torchvision_fetches_what_the_cache_misses(cached: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path, place = cached
    asked = []

    def fetch(url: str, target: str, expected: str, *, progress: bool) -> None:
        asked.append((url, expected))
        Path(target).write_bytes(path.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    load_origin(SMALL)
    assert asked == [(f"https://weights.example/{place.name}", place.stem.removeprefix("net-"))]
    assert place.is_file()


def test_torchvision_without_a_network(cached: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(RuntimeFailure, match=r"cannot be fetched: no route to host; .* give --weights FILE, or"):
        load_origin(SMALL)


def test_a_cache_that_somebody_changed_is_not_read(cached: tuple[Path, Path]) -> None:
    cached[1].write_bytes(b"something else")
    with pytest.raises(FileError, match="its hash differs; delete it"):
        load_origin(SMALL)


def test_timm_untrained(timm: ModuleType) -> None:
    card = load_origin(TINY, weights=NONE).card
    assert (len(card.labels), card.labels[0]) == (1000, "tench, Tinca tinca")
    assert (card.size_hw, card.resize_px, card.interpolation) == ((160, 160), 168, "bilinear")


def test_timm_with_a_file(timm: ModuleType, tmp_path: Path) -> None:
    path = saved(tmp_path, timm.create_model("test_resnet", num_classes=3))
    given: dict[str, Any] = {"weights": path, "arguments": {"num_classes": 3}}
    with pytest.raises(ModelError, match=r"add --labels FILE$"):
        load_origin(TINY, **given)
    assert load_origin(TINY, **given, labels=NONE).card.resize_px == 168
    with pytest.raises(ModelError, match="does not say how it is fed; add --size 224"):
        load_origin("timm:test_resnet", **given)


def test_timm_pretrained_and_its_own_labels(timm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    build = timm.create_model

    def create(name: str, *, pretrained: bool, **more: Any) -> Any:
        asked.append(pretrained)
        module = build(name, pretrained=False, num_classes=3, **more)
        module.pretrained_cfg |= {"num_classes": 3, "label_names": ["cat", "dog", "cat"]}
        return module

    monkeypatch.setattr(timm, "create_model", create)
    assert load_origin(TINY).card.labels == ("cat (0)", "dog", "cat (2)")
    assert asked == [True]


def test_timm_says_what_it_does_not_have(timm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="unknown timm network 'resnet19'; did you mean"):
        load_origin("timm:resnet19")
    monkeypatch.setattr(timm.models, "is_model_pretrained", lambda _: False)
    with pytest.raises(ModelError, match="no pretrained weights of resnet18; give --weights FILE"):
        load_origin("timm:resnet18")


def test_timm_without_a_network(timm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_: object, **__: object) -> None:
        raise RuntimeError("download failed") from ConnectionError("refused")

    monkeypatch.setattr(timm, "create_model", create)
    with pytest.raises(RuntimeFailure, match="cannot be fetched: download failed"):
        load_origin(TINY)


@pytest.fixture
def folder(transformers: ModuleType, tmp_path: Path) -> Path:
    config = transformers.ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 4], depths=[1, 1], id2label={0: "cat", 1: "dog", 2: "cow"}
    )
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path)
    preprocessor = {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": 32},
        "crop_pct": 0.8,
        "resample": 3,
        "image_mean": [0.5] * 3,
        "image_std": [0.25] * 3,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    return tmp_path


def test_hugging_face(folder: Path) -> None:
    origin = load_origin(f"hf:{folder}")
    card = origin.card
    assert (card.labels, card.size_hw, card.resize_px) == (("cat", "dog", "cow"), (32, 32), 40)
    assert (card.interpolation, origin.card_sources) == ("bicubic", ("Hugging Face metadata",))
    assert origin.twin.std is not None
    assert origin.twin.std.flatten().tolist() == [0.25] * 3
    weights = next(folder.glob("*.safetensors"))
    same = load_origin(f"hf:{folder}", weights=weights)
    pictures = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    assert torch.equal(same.twin(pictures), origin.twin(pictures))
    assert not torch.equal(load_origin(f"hf:{folder}", weights=NONE).twin(pictures), origin.twin(pictures))


def test_hugging_face_never_runs_a_repository_s_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "evil.Config"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "evil.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot be built: ValueError"):
        load_origin(f"hf:{folder}")


def test_hugging_face_without_preprocessor_or_with_a_broken_one(folder: Path) -> None:
    place = folder / "preprocessor_config.json"
    for text, said in (("{", "is no JSON"), ("[]", "holds no JSON object")):
        place.write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=said):
            load_origin(f"hf:{folder}")
    place.unlink()
    with pytest.raises(ModelError, match="does not say how it is fed; add --size 224"):
        load_origin(f"hf:{folder}")
    assert load_origin(f"hf:{folder}", size_hw=(32, 32)).card.labels == ("cat", "dog", "cow")


def test_hugging_face_names(transformers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("we could not connect") from ConnectionError("refused")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(ModelError, match="is written as hf:ORG/NAME, or hf:FOLDER"):
        load_origin("hf:../secret/place")
    with pytest.raises(OptionError, match="takes no arguments"):
        load_origin("hf:org/name", arguments={"a": 1})
    with pytest.raises(RuntimeFailure, match="the weights of hf:nobody/nothing cannot be fetched: we could not"):
        load_origin("hf:nobody/nothing")


def test_an_unknown_torchvision_name_and_argument(torchvision_models: ModuleType) -> None:
    with pytest.raises(UnknownName, match="unknown torchvision classifier 'resnet19'; did you mean"):
        load_origin("torchvision:resnet19")
    with pytest.raises(ModelError, match="with depth cannot be built: TypeError"):
        load_origin(SMALL, weights=NONE, arguments={"depth": 3})


def test_a_library_that_is_not_there_or_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"this needs not_there_at_all, .* pip install 'misread\[timm\]'"):
        library.imported("not_there_at_all", extra="timm")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "half_a_library.py").write_text("import its_missing_part", encoding="utf-8")
    with pytest.raises(MissingExtra, match="half_a_library misses its_missing_part; type: pip install"):
        library.imported("half_a_library", extra="hf")
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('operator x does not exist')", encoding="utf-8")
    with pytest.raises(
        MissingExtra, match=r"broken_library of an unknown version does not load: operator x .* --force-reinstall"
    ):
        library.imported("broken_library", extra="timm")
    assert "broken_library" not in sys.modules


def test_a_torchvision_of_another_torch_is_named_whoever_imports_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the wheel says it whose compiled part fits no torch here; timm and transformers pass it on."""
    monkeypatch.syspath_prepend(tmp_path)
    said = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "unfit_library.py").write_text(said, encoding="utf-8")
    versions = {"torchvision": "0.28.0"}
    monkeypatch.setattr("importlib.metadata.version", versions.__getitem__)
    with pytest.raises(MissingExtra) as caught:
        library.imported("unfit_library", extra="timm")
    assert str(caught.value) == (
        f"torchvision 0.28.0, which unfit_library needs, does not fit torch {torch.__version__} (operator "
        "torchvision::nms does not exist); install both together from the place where your torch is from: "
        "pip install --force-reinstall torch torchvision"
    )
    assert caught.value.exit_code == 3
    with pytest.raises(MissingExtra, match=r"^torchvision 0.28.0, which hf:org/name needs, does not fit torch"):
        late()


def late() -> None:
    """Fail as transformers does, which imports its parts only as they are used."""
    with library.building("hf:org/name", Request()):
        try:
            importlib.import_module("unfit_library")
        except RuntimeError as error:
            raise ModuleNotFoundError("Could not import module 'ViT'") from error


CARD = ModelCard(labels=("a", "b", "c"), size_hw=(32, 32), mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"interpolation": "bicubic", "size_hw": (24, 40)},
        {"resize": "crop", "resize_px": 36, "interpolation": "bicubic"},
        {"resize": "crop", "resize_px": 32, "scale": 1.0, "mean": (120.0, 110.0, 100.0), "std": (60.0,) * 3},
        {"mean": (0.0,) * 3, "std": (1.0,) * 3},
    ],
)
def test_transformers_prepares_pictures_as_what_is_written_for_it_says(
    transformers: ModuleType, change: dict[str, Any]
) -> None:
    """The real image processor, made of the metadata of a build, gives what misread feeds that build."""
    card = replace(CARD, **change)
    config = json.loads(metadata_of(card)["preprocessor_config"])
    processor = getattr(transformers, config["image_processor_type"])(**config)
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)
    (theirs,) = processor([picture], return_tensors="np", input_data_format="channels_last")["pixel_values"]
    mine = to_input(fit(picture, card)[None], card)[0]
    level = card.scale / min(card.std)
    assert theirs.shape == mine.shape
    assert float(np.abs(theirs - mine).max()) <= 1.01 * level  # rounded to whole levels before or after the crop


def test_timm_resolves_what_is_written_for_it(timm: ModuleType) -> None:
    card = replace(CARD, resize="crop", resize_px=36, interpolation="bicubic")
    config = json.loads(metadata_of(card)["pretrained_cfg"])
    data = importlib.import_module("timm.data")
    found = data.resolve_data_config({}, pretrained_cfg=config)
    assert (found["input_size"], found["interpolation"], found["mean"], found["std"]) == (
        [3, 32, 32],
        "bicubic",
        list(card.mean),
        list(card.std),
    )
    steps = data.create_transform(**found | {"input_size": tuple(found["input_size"])}).transforms
    assert [getattr(step, "size", None) for step in steps[:2]] == [36, (32, 32)]
