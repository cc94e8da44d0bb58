from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from misread.errors import CheckFailed, ModelError, OptionError
from misread.export.onnx_file import read_model, write_metadata
from misread.export.parity import TOLERANCES, Tolerance, boundary_inputs, check_parity
from misread.export.pictures import Pictures
from misread.export.run import PRECISIONS
from misread.export.twin import Twin, make_twin
from misread.runtime.session import Deployed
from tests.export.nets import SIZE_HW, blobs, tiny, tiny_card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.card import ModelCard

EXACT = TOLERANCES["fp32"]


class Double:
    """A build in closed form: the twin's own logits, changed as the test says."""

    name, card = "double.onnx", tiny_card()

    def __init__(self, twin: Twin, change: Callable[[NDArray[np.float32]], Any] = lambda logits: logits) -> None:
        self.twin, self.change = twin, change
        self.batches: list[int] = []

    def run(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(prepared))
        unit = torch.from_numpy(prepared.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))
        changed: NDArray[np.float32] = self.change(self.twin(unit).numpy())
        return changed


@pytest.fixture
def twin() -> Twin:
    return make_twin(tiny())


@pytest.fixture
def pictures() -> Pictures:
    return Pictures(prepared=blobs(20, size_hw=SIZE_HW), names=tuple(map(str, range(20))), source="drawn")


def test_the_build_agrees(twin: Twin, pictures: Pictures, exported: Path) -> None:
    parity = check_parity(twin, Deployed.open(exported), pictures, tolerance=EXACT)
    assert (parity.agreement.hits, parity.agreement.total, parity.ties) == (20, 20, 0)
    assert 0 <= parity.largest_relative < 1e-5
    assert (parity.pictures, parity.synthetic) == ("drawn", 10)


def test_differences_in_closed_form(twin: Twin, pictures: Pictures) -> None:
    nudge = np.array([0, 0.001, 0, 0], np.float32)
    double = Double(twin, lambda logits: logits + nudge * np.float32(len(logits) == 1))
    parity = check_parity(twin, double, pictures, tolerance=EXACT)
    assert parity.largest_absolute == pytest.approx(0.001, rel=0.01)
    assert parity.batch_jitter == pytest.approx(0.001, rel=0.01)
    assert sorted(set(double.batches)) == [1, 6, 8]


@pytest.mark.parametrize("wrong_when", [lambda count: count == 1, lambda count: count > 1], ids=["alone", "in batches"])
def test_a_build_must_agree_alone_and_in_batches(
    twin: Twin, pictures: Pictures, wrong_when: Callable[[int], bool]
) -> None:
    double = Double(twin, lambda logits: -logits if wrong_when(len(logits)) else logits)
    with pytest.raises(CheckFailed, match="0/20"):
        check_parity(twin, double, pictures, tolerance=TOLERANCES["int8"])


def with_card(exported: Path, tmp_path: Path, card: ModelCard) -> Deployed:
    model, path = read_model(exported), tmp_path / "wrong.onnx"
    write_metadata(model, card.to_metadata())
    path.write_bytes(model.SerializeToString())
    return Deployed.open(path)


@pytest.mark.parametrize(
    "fault", ["normalised twice", "other weights", "labels turned", "channels swapped", "card off", "card bgr"]
)
def test_another_classifier_is_caught(
    twin: Twin, pictures: Pictures, exported: Path, tmp_path: Path, fault: str
) -> None:
    runner: Deployed | Double = Deployed.open(exported)
    if fault == "normalised twice":
        twin = make_twin(tiny(), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
    elif fault == "other weights":
        module = tiny()
        with torch.no_grad():
            module.conv.weight.mul_(1.01)
        twin = make_twin(module)
    elif fault == "labels turned":
        runner = Double(twin, lambda logits: np.roll(logits, 1, axis=1))
    elif fault == "channels swapped":
        twin = make_twin(tiny(), bgr=True)
    elif fault == "card off":
        runner = with_card(exported, tmp_path, replace(tiny_card(), mean=(0.485, 0.456, 0.406)))
    else:
        runner = with_card(exported, tmp_path, replace(tiny_card(), colour="bgr"))
    with pytest.raises(CheckFailed, match="is not the classifier that was exported"):
        check_parity(twin, runner, pictures, tolerance=EXACT)


def test_a_small_difference_of_value_alone_is_caught(twin: Twin, pictures: Pictures) -> None:
    double = Double(twin, lambda logits: logits * np.float32(1.01))
    with pytest.raises(CheckFailed, match=r"a logit differs by .* 1\.00% of the largest, at most 0\.10%"):
        check_parity(twin, double, pictures, tolerance=EXACT)


def test_int8_is_asked_for_its_labels_only(twin: Twin, pictures: Pictures) -> None:
    parity = check_parity(twin, Double(twin, lambda logits: logits * 1.2), pictures, tolerance=TOLERANCES["int8"])
    assert (parity.agreement.hits, parity.synthetic) == (20, 0)


def test_one_disagreement_too_many(twin: Twin, pictures: Pictures) -> None:
    def spoil(count: int) -> Double:
        wrong = {picture.tobytes() for picture in pictures.prepared[:count]}
        double = Double(twin)

        def run(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
            logits = Double(twin).run(prepared)
            rows = [row for row, picture in enumerate(prepared) if picture.tobytes() in wrong]
            logits[rows] = -logits[rows]
            return logits

        double.run = run  # type: ignore[method-assign]
        return double

    assert check_parity(twin, spoil(2), pictures, tolerance=Tolerance(agreement=0.9)).agreement.hits == 18
    with pytest.raises(CheckFailed, match=r"agrees with PyTorch on 17/20 .* of drawn, at least 90%"):
        check_parity(twin, spoil(3), pictures, tolerance=Tolerance(agreement=0.9))


def test_a_tie_of_the_twin_may_go_either_way(twin: Twin, pictures: Pictures) -> None:
    def tied(images: Tensor) -> Tensor:
        return torch.tensor([[10.0, 10.0001, 0.0, 0.0]]).repeat(len(images), 1)

    double = Double(twin, lambda logits: np.tile(np.array([10.0002, 10.0, 0, 0], np.float32), (len(logits), 1)))
    parity = check_parity(tied, double, pictures, tolerance=EXACT)
    assert (parity.agreement.hits, parity.ties) == (20, 20)
    with pytest.raises(CheckFailed, match="0/20"):
        check_parity(tied, double, pictures, tolerance=Tolerance(agreement=1.0))


def test_other_outputs_are_refused(twin: Twin, pictures: Pictures) -> None:
    with pytest.raises(CheckFailed, match=r"logits of shape \(30, 2\), PyTorch \(30, 4\)"):
        check_parity(twin, Double(twin, lambda logits: logits[:, :2]), pictures, tolerance=EXACT)


def test_a_build_whose_logits_are_not_finite_fails(twin: Twin, pictures: Pictures) -> None:
    with pytest.raises(CheckFailed):
        check_parity(twin, Double(twin, lambda logits: logits * np.nan), pictures, tolerance=EXACT)


def test_a_twin_whose_logits_are_not_finite_is_refused(twin: Twin, pictures: Pictures) -> None:
    with pytest.raises(ModelError, match="own logits are not finite"):
        check_parity(lambda images: twin(images) / 0, Double(twin), pictures, tolerance=EXACT)


def test_nothing_to_compare_on_is_refused(twin: Twin, pictures: Pictures) -> None:
    with pytest.raises(ModelError, match="at least one picture"):
        check_parity(twin, Double(twin), pictures.take([]), tolerance=EXACT)


@pytest.mark.parametrize("bad", [{"agreement": 1.5}, {"agreement": float("nan")}, {"agreement": 1, "relative": 0}])
def test_bounds_that_bound_nothing_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Tolerance(**bad)  # type: ignore[arg-type]


def test_every_precision_has_a_tolerance() -> None:
    assert set(PRECISIONS) == set(TOLERANCES)


def test_boundary_inputs_are_distinct_and_seeded() -> None:
    first = boundary_inputs((5, 7), np.random.default_rng(1))
    assert first.shape == (10, 5, 7, 3)
    assert len({picture.tobytes() for picture in first}) == 10
    assert (first == boundary_inputs((5, 7), np.random.default_rng(1))).all()
