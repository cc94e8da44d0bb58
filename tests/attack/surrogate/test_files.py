"""Whole files, misread's own and those of others: the surrogate reads what onnxruntime reads."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from misread.attack.surrogate import load_surrogate_origin
from misread.card import ModelCard
from misread.export.origin import Origin, Preparation, load_origin
from misread.export.pictures import shipped
from misread.export.run import ExportOptions, export_builds
from misread.pixels import decode_image, fit, read_image
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
THOUSAND = tuple(str(number) for number in range(1000))
ONE = SessionOptions(threads=1)
PRECISIONS = ("fp32", "fp16", "int8")
AGREEMENT = 0.995


def both(path: Path, pictures: UInt8, card: ModelCard | None = None) -> tuple[Float32, Float32]:
    """Logits (n, k) of prepared pictures (n, h, w, 3): the surrogate's, and onnxruntime's of each picture alone."""
    found = load_surrogate_origin(path, card)
    deployed = Deployed.open(path, card=found.card, options=ONE)
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        ours = torch.cat([found.origin.twin(chunk) for chunk in torch.split(images, 16)]).numpy()
    return ours, np.concatenate([deployed.run(picture[None]) for picture in pictures])


def agreement(ours: Float32, theirs: Float32) -> float:
    return float((ours.argmax(1) == theirs.argmax(1)).mean())


def largest_relative(ours: Float32, theirs: Float32) -> float:
    return float((np.abs(ours - theirs).max(1) / np.abs(theirs).max(1)).max())


@pytest.fixture(scope="module")
def traffic_signs(shared_data: Path) -> UInt8:
    """The first 300 test photographs of GTSRB, (300, 32, 32, 3) RGB."""
    with tarfile.open(shared_data / "gtsrb" / "test-32.tar.xz") as archive:
        return np.stack(list(_first(archive, 300)))


def _first(archive: tarfile.TarFile, count: int) -> Iterator[UInt8]:
    for member in archive:
        file = archive.extractfile(member)
        if file is None:
            continue
        yield decode_image(file.read(), member.name)
        count -= 1
        if not count:
            return


def photos(shared_data: Path, card: ModelCard, every: int) -> UInt8:
    """Every so-manieth of the 201 photographs, as the card prepares them."""
    paths = sorted((shared_data / "imagenet" / "photos").glob("*.JPEG"))[::every]
    return np.stack([fit(read_image(path), card) for path in paths])


def test_a_classifier_of_opset_11_with_a_fixed_batch(shared_data: Path, traffic_signs: UInt8) -> None:
    card = ModelCard(labels=tuple(str(number) for number in range(43)), size_hw=(32, 32))
    ours, theirs = both(shared_data / "gtsrb" / "simplecnn.onnx", traffic_signs, card)
    assert agreement(ours, theirs) == 1
    assert largest_relative(ours, theirs) < 1e-4


def squeezenet_card() -> ModelCard:
    return ModelCard(
        labels=THOUSAND,
        size_hw=(224, 224),
        resize="crop",
        resize_px=256,
        colour="bgr",
        scale=1.0,
        mean=(103.94, 116.78, 123.68),
        output="probabilities",
    )


def mobilenet_card() -> ModelCard:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return ModelCard(labels=THOUSAND, size_hw=(224, 224), resize="crop", resize_px=256, mean=mean, std=std)


@pytest.mark.parametrize("every", [12, pytest.param(3, marks=pytest.mark.slow)])
def test_a_half_precision_file_of_opset_7(shared_data: Path, every: int) -> None:
    card = squeezenet_card()
    ours, theirs = both(shared_data / "imagenet" / "squeezenet_fp16.onnx", photos(shared_data, card, every), card)
    assert agreement(ours, theirs) >= AGREEMENT


@pytest.mark.parametrize("every", [40, pytest.param(3, marks=pytest.mark.slow)])
def test_a_dynamically_quantised_file(shared_data: Path, every: int) -> None:
    """Whole sums leave nothing to differ but the float operators between them."""
    card = mobilenet_card()
    path = shared_data / "imagenet" / "mobilenet_v2_dynamic_int8.onnx"
    ours, theirs = both(path, photos(shared_data, card, every), card)
    assert agreement(ours, theirs) == 1
    assert largest_relative(ours, theirs) < 1e-4


def test_gradients_of_files_of_others_reach_the_picture(shared_data: Path) -> None:
    for name, card in (("squeezenet_fp16", squeezenet_card()), ("mobilenet_v2_dynamic_int8", mobilenet_card())):
        twin = load_surrogate_origin(shared_data / "imagenet" / f"{name}.onnx", card).origin.twin
        images = torch.from_numpy(photos(shared_data, card, 150)).permute(0, 3, 1, 2).float().div(255).requires_grad_()
        logits = twin(images)
        top, second = logits.topk(2).values.unbind(1)
        gradient = torch.autograd.grad((top - second).sum(), images)[0]
        assert torch.isfinite(gradient).all()
        assert (gradient != 0).float().mean() > 0.9
        with torch.no_grad():
            moved = twin((images - 4 / 255 * gradient.sign()).clamp(0, 1))
        assert (moved.argmax(1) != logits.argmax(1)).any()


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The shipped sign classifier in three precisions."""
    out = tmp_path_factory.mktemp("signs") / "signs.onnx"
    result = export_builds(ExportOptions(origin="signs", out=out, precisions=PRECISIONS, session=ONE))
    return {build.precision: build.file.path for build in result.builds}


@pytest.fixture(scope="module")
def signs_twin() -> Origin:
    return load_origin("signs")


def pictures_of_signs(card: ModelCard, more: UInt8) -> UInt8:
    return np.concatenate([shipped(card).prepared, np.stack([fit(picture, card) for picture in more])])


@pytest.mark.slow
class TestSigns:
    """misread's own exports."""

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_labels_and_logits(
        self, precision: str, signs: dict[str, Path], signs_twin: Origin, traffic_signs: UInt8
    ) -> None:
        ours, theirs = both(signs[precision], pictures_of_signs(signs_twin.card, traffic_signs))
        assert agreement(ours, theirs) >= AGREEMENT
        assert largest_relative(ours, theirs) < {"fp32": 1e-4, "fp16": 2e-3, "int8": 1e-4}[precision]

    def test_gradients_of_the_int8_file_point_where_the_twin_points(
        self, signs: dict[str, Path], signs_twin: Origin
    ) -> None:
        pictures = torch.from_numpy(shipped(signs_twin.card).prepared).permute(0, 3, 1, 2).float() / 255
        surrogate = load_surrogate_origin(signs["int8"]).origin.twin
        one, other = (slope_of_loss(twin, pictures).flatten(1) for twin in (signs_twin.twin, surrogate))
        cosine = torch.nn.functional.cosine_similarity(one, other)
        assert (cosine > 0.8).float().mean() > 0.9
        assert cosine.median() > 0.8


def slope_of_loss(twin: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Gradient of the cross entropy of the label that is read, (n, c, h, w)."""
    images = pictures.clone().requires_grad_()
    logits = twin(images)
    loss = torch.nn.functional.cross_entropy(logits, logits.argmax(1), reduction="sum")
    gradient: torch.Tensor = torch.autograd.grad(loss, images)[0]
    return gradient


@pytest.mark.slow
def test_a_statically_quantised_mobilenet(shared_data: Path, tmp_path: Path) -> None:
    """Fifty-three quantised layers; one tie rounded the other way would show."""
    options = ExportOptions(
        origin=f"{shared_data.parent / 'models' / 'zoo.py'}:imagenet_mobilenet_v2",
        out=tmp_path / "mobilenet.onnx",
        precisions=("int8",),
        labels=_numbers(tmp_path, 1001),
        size_hw=(224, 224),
        preparation=Preparation(resize="crop", resize_px=256),
        calibration_data=shared_data / "imagenet" / "photos",
        calibration_pictures=32,
        parity_pictures=8,
        session=ONE,
    )
    build = export_builds(options).builds[0].file.path
    card = load_surrogate_origin(build).card
    ours, theirs = both(build, photos(shared_data, card, 4))
    assert agreement(ours, theirs) >= AGREEMENT
    assert largest_relative(ours, theirs) < 1e-4


def _numbers(folder: Path, count: int) -> Path:
    path = folder / "labels.txt"
    path.write_text("\n".join(str(number) for number in range(count)))
    return path
