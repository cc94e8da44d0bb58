from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from misread.card import ModelCard
from misread.errors import CheckFailed, FileError, InputError, OptionError, StorageError, UnknownName
from misread.export import parity
from misread.export import run as runner
from misread.export.onnx_file import describe
from misread.export.origin import Origin, Preparation, load_origin
from misread.export.parity import Tolerance
from misread.export.pictures import SHIPPED
from misread.export.run import ExportOptions, export_builds
from misread.files import sha256_file
from misread.pixels import write_png
from misread.runtime.session import Deployed
from tests.export.nets import SIZE_HW, blobs, clear_blobs, tiny_card


@pytest.fixture
def origin() -> Origin:
    return load_origin("tests.export.nets:tiny", card=tiny_card())


@pytest.fixture(autouse=True)
def one_export(monkeypatch: pytest.MonkeyPatch, exported: Path, request: pytest.FixtureRequest) -> None:
    """Torch's exporter takes seconds and has its own tests: here its file is there already, except where asked."""
    if "whole_road" in request.keywords or request.node.get_closest_marker("slow"):
        return

    def copy(twin: object, card: object, path: Path, **_: object) -> None:
        path.parent.mkdir()
        path.write_bytes(exported.read_bytes())

    monkeypatch.setattr(runner, "export_onnx", copy)


def options(tmp_path: Path, **more: object) -> ExportOptions:
    given: dict[str, object] = {"origin": "tests.export.nets:tiny", "out": tmp_path / "out" / "model.onnx", **more}
    return ExportOptions(**given)  # type: ignore[arg-type]


def test_every_precision_in_one_go(tmp_path: Path, pictures_folder: Path, origin: Origin) -> None:
    said: list[tuple[str, int, int]] = []
    wanted = options(tmp_path, precisions=("fp32", "fp16", "int8"), calibration_data=pictures_folder)
    result = export_builds(wanted, origin=origin, progress=lambda *step: said.append(step))
    files = ["model.onnx", "model_fp16.onnx", "model_int8.onnx"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert [build.file.path.name for build in result.builds] == files
    for build in result.builds:
        assert build.file.sha256 == sha256_file(build.file.path)
        assert build.file == describe(build.file.path)
        assert build.fingerprint is not None
        assert build.fingerprint.model_sha256 == build.file.sha256
        assert build.parity.agreement.hits == build.parity.agreement.total == 10
        assert build.parity.pictures == str(pictures_folder)
        assert Deployed.open(build.file.path).card == result.card == tiny_card()
        assert stat.S_IMODE(build.file.path.stat().st_mode) & 0o044 == 0o044
    assert result.calibration == 30
    assert said[0] == ("loading tests.export.nets:tiny", 0, 7)
    assert said[-1] == ("done", 7, 7)
    assert [step[1] for step in said] == sorted(step[1] for step in said)


def test_forms_and_costs_come_with_every_precision(tmp_path: Path, pictures_folder: Path, origin: Origin) -> None:
    with torch.no_grad():
        read = [origin.twin(torch.from_numpy(p.transpose(2, 0, 1)[None] / np.float32(255))) for p in clear_blobs(20, 8)]
    for number, (picture, logits) in enumerate(zip(clear_blobs(20, 8), read, strict=True)):
        write_png(tmp_path / "data" / str(int(logits.argmax())) / f"{number}.png", picture)
    wanted = options(
        tmp_path,
        precisions=("fp32", "int8"),
        calibration_data=pictures_folder,
        data=tmp_path / "data",
        max_drop=10.0,
        static_twin=True,
        ort_format=True,
    )
    result = export_builds(wanted, origin=origin)
    stems = [f"model{name}{end}" for name in ("", "_int8") for end in (".onnx", "_b1.onnx", ".ort")]
    assert sorted(path.name for path in wanted.out.parent.iterdir()) == sorted(stems)
    fp32, int8 = (build.made for build in result.builds)
    assert fp32.cost is None
    assert int8.cost is not None
    assert (int8.cost.float32.hits, int8.cost.build.total) == (20, 20)
    assert len(int8.trials) == 1
    assert export_builds(replace(wanted, batch=1, overwrite=True), origin=origin).builds[0].variants[0].form == "ort"


def test_int8_alone_is_the_file_that_was_named(tmp_path: Path, pictures_folder: Path, origin: Origin) -> None:
    wanted = options(tmp_path, precisions=("int8",), calibration_data=pictures_folder)
    (build,) = export_builds(wanted, origin=origin).builds
    assert build.file.path == wanted.out
    assert "QuantizeLinear" in dict(build.file.operators)
    assert [path.name for path in wanted.out.parent.iterdir()] == ["model.onnx"]


def test_without_data_the_shipped_scenes_serve(tmp_path: Path, origin: Origin) -> None:
    result = export_builds(options(tmp_path), origin=origin)
    assert result.builds[0].parity.pictures == SHIPPED
    assert result.builds[0].parity.synthetic == 10
    assert result.calibration == 0


def test_int8_without_pictures_is_refused_before_anything_is_written(tmp_path: Path, origin: Origin) -> None:
    with pytest.raises(InputError, match="add --calibration-data DIR"):
        export_builds(options(tmp_path, precisions=("fp32", "int8")), origin=origin)
    assert list(tmp_path.iterdir()) == []


def test_signs_calibrate_on_what_ships(tmp_path: Path) -> None:
    calibration, compared = runner._pictures(options(tmp_path, origin="signs", precisions=("int8",)), tiny_card())
    assert calibration is not None
    assert calibration.source == compared.source == SHIPPED
    assert len(calibration) > len(compared) >= 10


def test_no_picture_is_calibrated_on_and_compared(tmp_path: Path, pictures_folder: Path) -> None:
    both = options(tmp_path, precisions=("int8",), calibration_data=pictures_folder)
    apart = replace(both, parity_data=pictures_folder, calibration_pictures=25)
    for wanted in (both, apart):
        calibration, compared = runner._pictures(wanted, tiny_card())
        assert calibration is not None
        assert len(compared) >= 10
        assert {p.tobytes() for p in calibration.prepared}.isdisjoint(p.tobytes() for p in compared.prepared)


def test_fp32_compares_on_the_data_given(tmp_path: Path, pictures_folder: Path) -> None:
    for name in ("calibration_data", "parity_data"):
        wanted = options(tmp_path, parity_pictures=5, **{name: pictures_folder})
        calibration, compared = runner._pictures(wanted, tiny_card())
        assert calibration is None
        assert (len(compared), compared.source) == (5, str(pictures_folder))


def test_the_seed_decides_the_draw(tmp_path: Path, pictures_folder: Path) -> None:
    wanted = options(tmp_path, precisions=("int8",), calibration_data=pictures_folder)
    first, again, other = (runner._pictures(replace(wanted, seed=seed), tiny_card())[1] for seed in (1, 1, 2))
    assert np.array_equal(first.prepared, again.prepared)
    assert not np.array_equal(first.prepared, other.prepared)


@pytest.mark.parametrize("fails", [1, 2])
def test_when_one_fails_none_is_written(
    tmp_path: Path, pictures_folder: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    out = tmp_path / "out" / "model.onnx"
    out.parent.mkdir()
    out.write_bytes(b"the old one")
    calls: list[str] = []
    check = parity.check_parity

    def planted(*given: object, **named: object) -> object:
        calls.append("check")
        if len(calls) == fails:
            raise CheckFailed("planted")
        return check(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "check_parity", planted)
    wanted = options(tmp_path, precisions=("fp32", "int8"), calibration_data=pictures_folder, overwrite=True)
    with pytest.raises(CheckFailed, match="planted") as caught:
        export_builds(wanted, origin=origin)
    assert caught.value.exit_code == 1
    assert out.read_bytes() == b"the old one"
    assert [path.name for path in out.parent.iterdir()] == ["model.onnx"]


def test_a_wrong_build_fails_end_to_end(tmp_path: Path) -> None:
    other = load_origin("tests.export.nets:tiny", card=replace(tiny_card(), mean=(0.2, 0.2, 0.2)))
    with pytest.raises(CheckFailed, match="is not the classifier that was exported"):
        export_builds(options(tmp_path), origin=other)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_card_lost_on_the_way_is_caught(tmp_path: Path, origin: Origin) -> None:
    renamed = replace(origin, card=replace(origin.card, labels=("four", "other", "label", "names")))
    with pytest.raises(CheckFailed, match=r"the card that model\.onnx carries is not the one it was given"):
        export_builds(options(tmp_path), origin=renamed)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_tolerance_of_ones_own(tmp_path: Path, origin: Origin) -> None:
    with pytest.raises(CheckFailed):
        export_builds(options(tmp_path, tolerance=Tolerance(agreement=1, relative=1e-12)), origin=origin)


@pytest.mark.parametrize("there", ["model.onnx", "model_int8.onnx"])
def test_what_exists_is_not_replaced_unasked(tmp_path: Path, pictures_folder: Path, origin: Origin, there: str) -> None:
    path = tmp_path / "out" / there
    path.parent.mkdir()
    path.write_bytes(b"mine")
    wanted = options(tmp_path, precisions=("fp32", "int8"), calibration_data=pictures_folder)
    with pytest.raises(InputError, match=r"exists already; add --overwrite"):
        export_builds(wanted, origin=origin)
    assert path.read_bytes() == b"mine"
    assert len(export_builds(replace(wanted, overwrite=True), origin=origin).builds) == 2
    assert path.read_bytes() != b"mine"


def test_a_place_that_cannot_be_written(tmp_path: Path, origin: Origin) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(StorageError, match="cannot write"):
        export_builds(options(tmp_path, out=tmp_path / "file" / "model.onnx"), origin=origin)


def test_a_full_disk(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="no space left on device"):
        export_builds(options(tmp_path), origin=origin)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_calibration_data_that_is_not_there(tmp_path: Path, origin: Origin) -> None:
    wanted = options(tmp_path, precisions=("int8",), calibration_data=tmp_path / "nowhere")
    with pytest.raises(FileError, match="no such folder"):
        export_builds(wanted, origin=origin)


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        ({"out": Path("model.pt")}, OptionError, "end its name with .onnx"),
        ({"precisions": ("int4",)}, UnknownName, "unknown precision 'int4'"),
        ({"precisions": ()}, OptionError, "name each precision once"),
        ({"precisions": ("fp32", "fp32")}, OptionError, "name each precision once"),
        ({"parity_pictures": 0}, OptionError, "at least one picture"),
        ({"calibration_pictures": 0}, OptionError, "at least one picture"),
        ({"max_drop": 0.5}, OptionError, "add --data DIR"),
        ({"max_drop": 0.5, "data": Path("d")}, OptionError, "fp32 has none; add int8"),
    ],
)
def test_nonsense_is_refused_at_birth(
    tmp_path: Path, bad: dict[str, object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        options(tmp_path, **bad)


def test_targets_take_the_stem_of_the_first(tmp_path: Path) -> None:
    wanted = options(tmp_path, precisions=("int8", "fp32"))
    assert [path.name for path in wanted.targets().values()] == ["model.onnx", "model_fp32.onnx"]


def test_loading_passes_everything_on(tmp_path: Path, factory_file: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\nd\n", encoding="utf-8")
    wanted = options(
        tmp_path,
        origin=f"{factory_file}:network",
        labels=labels,
        size_hw=SIZE_HW,
        preparation=Preparation(resize="crop", resize_px=20, interpolation="bicubic", antialias=False),
    )
    assert runner._load(wanted).card == ModelCard(
        labels=("a", "b", "c", "d"),
        size_hw=SIZE_HW,
        resize="crop",
        resize_px=20,
        interpolation="bicubic",
        antialias=False,
        baked_normalisation=True,
    )


@pytest.mark.slow
class TestRealNetworks:
    """Classifiers trained by others, exported whole and read on real pictures."""

    def export(self, shared_data: Path, name: str, tmp_path: Path, **more: object) -> runner.ExportResult:
        zoo = shared_data.parent / "models" / "zoo.py"
        if not zoo.is_file():
            pytest.skip("no model zoo beside the checkout")
        return export_builds(options(tmp_path, origin=f"{zoo}:{name}", **more))

    def test_mobilenet_in_two_precisions(self, shared_data: Path, tmp_path: Path) -> None:
        before = torch.get_rng_state()
        result = self.export(
            shared_data,
            "imagenet_mobilenet_v2",
            tmp_path,
            precisions=("fp32", "int8"),
            labels=Path("none"),
            size_hw=(224, 224),
            preparation=Preparation(resize="crop", resize_px=256),
            calibration_data=shared_data / "imagenet" / "photos",
            calibration_pictures=30,
            parity_pictures=10,
        )
        fp32, int8 = result.builds
        assert torch.equal(before, torch.get_rng_state())
        assert len(result.card.labels) == 1001
        assert fp32.parity.largest_relative < 1e-5
        assert int8.parity.agreement.total == 10
        assert int8.file.size_bytes < 0.3 * fp32.file.size_bytes

    def test_a_grey_network(self, shared_data: Path, tmp_path: Path) -> None:
        result = self.export(shared_data, "mnist_trades", tmp_path, labels=Path("none"), size_hw=(28, 28))
        assert (result.card.colour, len(result.card.labels)) == ("grey", 10)
        assert Deployed.open(result.builds[0].file.path).read(list(blobs(3))).logits.shape == (3, 10)

    def test_labels_from_a_table(self, shared_data: Path, tmp_path: Path) -> None:
        labels = shared_data / "gtsrb" / "classes.csv"
        result = self.export(shared_data, "gtsrb_simplecnn", tmp_path, labels=labels, size_hw=(32, 32), batch=1)
        assert result.card.labels[14] == "Stop"
        assert result.builds[0].parity.largest_relative < 1e-5
