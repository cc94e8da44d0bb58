"""Ranges: what they are in closed form, and that pictures pass by a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnxruntime import quantization

from misread.errors import ModelError
from misread.export.pictures import Pictures
from misread.export.quantize import calibrate
from misread.export.quantize.base import apply
from misread.export.quantize.calibrate import Calibration, learn_ranges
from misread.export.quantize.int8_static import Int8Static
from misread.export.quantize.options import METHODS, Method, StaticOptions
from misread.export.quantize.workbench import Workbench
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def calibration(prepared: NDArray[np.uint8]) -> Calibration:
    names = tuple(map(str, range(len(prepared))))
    return Calibration(pictures=Pictures(prepared=prepared, names=names, source="drawn"), card=plants.CARD)


def ranges(
    tmp_path: Path, prepared: NDArray[np.uint8], method: Method, **planted: Any
) -> dict[str, tuple[float, float]]:
    source = plants.planted(tmp_path / "net.onnx", "none", **planted)
    bench = Workbench(source, calibration(prepared), tmp_path)
    found = learn_ranges(bench.prepared, bench.calibration, method)
    return {name: tuple(float(np.ravel(end)[0]) for end in data.range_value) for name, data in found.items()}  # type: ignore[misc]


@pytest.mark.parametrize("batch", ["n", 1, 5])
def test_minmax_takes_the_smallest_and_the_largest_value_of_all_pictures(tmp_path: Path, batch: int | str) -> None:
    drawn = plants.colours(21, seed=4)[0]
    drawn[0, 0, 0], drawn[20, 7, 7] = (3, 3, 3), (251, 251, 251)  # the ends lie in different batches
    found = ranges(tmp_path, drawn, "minmax", batch=batch)
    assert found["input"] == pytest.approx((3 / 255, 251 / 255), abs=1e-6)
    assert found["conv0.out"][1] == pytest.approx(251 / 255, abs=1e-6)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_the_others_stay_inside_what_was_seen_and_cut_a_lone_outlier(tmp_path: Path, method: Method) -> None:
    drawn = np.abs(np.random.default_rng(0).normal(0, 12, (150, 8, 8, 3))).round().astype(np.uint8)
    drawn[0, 0, 0, 0] = 255  # one value of 28,800
    low, high = ranges(tmp_path, drawn, method)["input"]
    assert -0.01 <= low <= 0.01
    assert 20 / 255 <= high < 0.5


@pytest.mark.parametrize(("method", "sizes"), [("minmax", [8, 8, 5]), ("percentile", [1] * 21), ("entropy", [1] * 21)])
def test_no_more_pictures_than_a_batch_are_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method, sizes: list[int]
) -> None:
    seen: list[int] = []
    create = quantization.create_calibrator

    def watched(*given: Any, **named: Any) -> Any:
        calibrator = create(*given, **named)
        collect = calibrator.collect_data

        def counting(reader: Any) -> None:
            fed = list(iter(reader.get_next, None))
            seen.append(sum(len(entry["input"]) for entry in fed))
            collect(calibrate._Once(fed[0]))
            assert calibrator.intermediate_outputs == []  # nothing of it is kept

        calibrator.collect_data = counting
        return calibrator

    monkeypatch.setattr(calibrate, "create_calibrator", watched)
    ranges(tmp_path, plants.colours(21, seed=4)[0], method)
    assert seen == sizes


def test_a_fixed_batch_is_filled_up() -> None:
    drawn = plants.colours(12, seed=4)[0]
    plain = [len(batch) for batch in calibration(drawn).batches(5)]
    full = list(calibration(drawn).batches(5, exact=True))
    assert plain == [5, 5, 2]
    assert [len(batch) for batch in full] == [5, 5, 5]
    assert all(np.array_equal(row, full[2][1]) for row in full[2][2:])


@pytest.mark.parametrize("method", METHODS)
def test_values_that_are_not_finite_are_refused(tmp_path: Path, method: Method) -> None:
    source = plants.planted(tmp_path / "net.onnx", "none")
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        if tensor.name == "conv0.b":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(4, np.inf, np.float32), "conv0.b"))
    source.write_bytes(model.SerializeToString())
    recipe = Int8Static(options=StaticOptions(method=method))
    with pytest.raises(ModelError, match=r"not finite on the calibration pictures|cannot be made of this model"):
        apply(recipe, source, tmp_path / "int8.onnx", calibration(plants.colours(9, seed=4)[0]))
    assert not (tmp_path / "int8.onnx").exists()
