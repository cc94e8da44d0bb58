"""A budget of accuracy: planted layers are found and kept in float, and what cannot be done is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.errors import CheckFailed, InputError, ModelError
from misread.export.onnx_file import read_model
from misread.export.pictures import Pictures
from misread.export.quantize.accuracy import cost, right
from misread.export.quantize.calibrate import Calibration
from misread.export.quantize.int8_static import Int8Static
from misread.export.quantize.layers import LayerError, layer_errors, signal_to_noise_db
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.search import Search, Trial, within
from misread.export.quantize.workbench import Workbench
from misread.runtime.session import SessionOptions
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path

PER_TENSOR = StaticOptions(method="minmax", per_channel=False, target="x86-vnni")
PER_CHANNEL = StaticOptions(method="minmax", per_channel=True, target="x86-vnni")


def calibration() -> Calibration:
    return Calibration(pictures=plants.pictures(24, seed=1), card=plants.CARD)


def search(source: Path, **more: Any) -> Search:
    measured = plants.labelled(60, seed=2)
    return Search(source, calibration(), measured, card=plants.CARD, session=SessionOptions(threads=1), **more)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return plants.planted(tmp_path / "sound.onnx", "none")


def float_nodes(path: Path) -> set[str]:
    """Return the convolutions and matrix products without dequantised weights."""
    graph = read_model(path).graph
    made = {output for node in graph.node if node.op_type == "DequantizeLinear" for output in node.output}
    return {node.name for node in graph.node if node.op_type in {"Conv", "Gemm"} and node.input[1] not in made}


def test_a_sound_network_keeps_everything_in_int8(sound: Path, tmp_path: Path) -> None:
    found = search(sound).run(StaticOptions(), 0.5, tmp_path / "int8.onnx")
    assert (found.kept_float, len(found.trials)) == ((), 1)
    assert (found.best.cost.float32.hits, found.best.cost.build.hits) == (60, 60)
    assert float_nodes(tmp_path / "int8.onnx") == set()


def test_a_layer_with_one_huge_weight_is_named_and_kept_in_float(tmp_path: Path) -> None:
    source, made = plants.planted(tmp_path / "a" / "net.onnx", "weight"), tmp_path / "int8.onnx"
    found = search(source).run(PER_TENSOR, 0.5, made)
    assert [(layer.node, layer.operator) for layer in found.kept_float] == [("broken", "Conv")]
    assert found.trials[0].cost.drop > 30
    assert found.best.cost.drop <= 0.5
    assert float_nodes(made) == {"broken"}
    assert [path.name for path in source.parent.iterdir()] == ["net.onnx"]


def test_a_scale_a_channel_comes_before_float_layers(tmp_path: Path) -> None:
    source = plants.planted(tmp_path / "net.onnx", "weight")
    found = search(source).run(StaticOptions(method="minmax"), 0.5, tmp_path / "int8.onnx")
    assert (found.kept_float, found.best.options.per_channel) == ((), True)


def test_every_method_is_tried_before_a_layer_is_given_up(tmp_path: Path) -> None:
    source = plants.planted(tmp_path / "net.onnx", "activation")
    found = search(source).run(StaticOptions(target="x86-vnni"), 0.5, tmp_path / "int8.onnx")
    tried = [(trial.options.per_channel, trial.options.method) for trial in found.trials if not trial.keep_float]
    methods = ("minmax", "percentile", "entropy")
    assert tried == [(scales, method) for scales in (True, False) for method in methods]
    assert min(trial.cost.drop for trial in found.trials[:6]) > 30


def test_an_outlier_of_an_activation_takes_its_maker_and_its_reader_into_float(tmp_path: Path) -> None:
    made = tmp_path / "int8.onnx"
    found = search(plants.planted(tmp_path / "a" / "net.onnx", "activation")).run(PER_CHANNEL, 0.5, made)
    assert {layer.node for layer in found.kept_float} == {"broken", "conv2"}
    assert found.best.cost.drop <= 0.5
    assert float_nodes(made) == {"broken", "conv2"}
    assert right(made, plants.labelled(60, seed=2), plants.CARD, SessionOptions()).sum() == found.best.cost.build.hits


def test_a_budget_that_only_float_meets_is_refused_and_nothing_written(tmp_path: Path) -> None:
    source, made = plants.alone(tmp_path / "a" / "net.onnx"), tmp_path / "int8.onnx"
    with pytest.raises(CheckFailed, match=r"within 0\.5 points: the best build .* ship fp32; no file was") as caught:
        search(source).run(PER_CHANNEL, 0.5, made)
    assert caught.value.exit_code == 1
    assert not made.exists()


def test_noise_is_no_calibration(sound: Path, tmp_path: Path) -> None:
    looking = search(sound)
    noise = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    looking.calibration = Calibration(
        pictures=Pictures(prepared=noise, names=("n",) * 20, source="noise/"), card=plants.CARD
    )
    with pytest.raises(InputError, match="20 are noise"):
        looking.run(PER_CHANNEL, 0.5, tmp_path / "int8.onnx")


@pytest.mark.parametrize("needed", [1, 2, 3, 5, 8, 9, 11, 12])
def test_the_fewest_layers_are_kept_by_halving(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: int
) -> None:
    looking = search(sound)
    layers = tuple(LayerError(node=str(at), operator="Conv", snr_db=float(at)) for at in range(12))
    measured = looking.labelled
    before = np.ones(60, bool)

    def trial(_: object, options: StaticOptions, keep_float: Any, before: Any) -> Trial:
        after = np.arange(60) >= (0 if len(keep_float) >= needed else 30)
        found = Trial(options=options, keep_float=len(keep_float), cost=cost(before, after, measured.pictures.source))
        looking.trials.append(found)
        return found

    monkeypatch.setattr(looking, "_trial", trial)
    start = trial(None, PER_CHANNEL, (), before)
    if needed == len(layers):
        with pytest.raises(CheckFailed, match="the worst operators are Conv 0, Conv 1, Conv 2"):
            looking._keep(None, start, layers, 0.5, before)  # type: ignore[arg-type]
        return
    best, kept = looking._keep(None, start, layers, 0.5, before)  # type: ignore[arg-type]
    assert (best.keep_float, kept) == (needed, layers[:needed])
    assert within(best, 0.5)
    assert len(looking.trials) <= 9


def test_an_operator_is_measured_by_itself(tmp_path: Path) -> None:
    source = plants.planted(tmp_path / "a" / "net.onnx", "weight")
    (tmp_path / "bench").mkdir()
    bench, said = Workbench(source, calibration(), tmp_path / "bench"), []
    errors = layer_errors(bench, PER_TENSOR, progress=lambda *step: said.append(step))
    assert errors[0].node == "broken"
    assert errors[0].snr_db < 10 < errors[1].snr_db
    assert {error.operator for error in errors} <= {"Conv", "Gemm", "GlobalAveragePool"}
    assert said[0][0] == "measuring layer"


@pytest.mark.parametrize(
    ("error", "decibels"), [(0.1, 20.0), (1.0, 0.0), (10.0, -20.0), (0.0, 100.0), (np.nan, -100.0), (1e9, -100.0)]
)
def test_signal_over_noise_in_closed_form(error: float, decibels: float) -> None:
    signal = np.array([[3.0, -4.0]], np.float32)
    noisy = (signal * (1 + error)).astype(np.float32)
    assert signal_to_noise_db(signal, noisy) == pytest.approx(decibels, abs=1e-4)
    assert signal_to_noise_db(np.zeros((1, 2), np.float32), noisy) in {-100.0, 100.0}


def test_a_layer_kept_in_float_on_purpose_is_no_fault(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    model = Workbench(sound, calibration(), tmp_path / "bench").quantised(PER_CHANNEL, keep_float=["broken"])
    Int8Static(keep_float=frozenset({"broken"})).ensures(model)
    with pytest.raises(ModelError, match="int8 left Conv broken in float"):
        Int8Static(keep_float=frozenset({"conv0"})).ensures(model)
