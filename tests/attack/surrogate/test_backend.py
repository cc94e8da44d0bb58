from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch

from tests.attack.surrogate import backend
from tests.attack.surrogate.backend import OUT_OF_SCOPE, Case, Verdict, judge, read_table, render, table_version

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.attack.surrogate.backend import Found


@pytest.fixture(scope="module")
def found() -> Found:
    drawn, threads = _global_randomness(), torch.get_num_threads()
    torch.set_num_threads(1)
    found = backend.verdicts()
    torch.set_num_threads(threads)
    assert _global_randomness() == drawn
    return found


def _global_randomness() -> list[int]:
    """Return numpy's global state, which the package draws from."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002  read only
    key: list[int] = state["state"]["key"].tolist()
    return [*key, int(state["state"]["pos"])]


@pytest.mark.slow
def test_what_the_table_lists_as_passing_passes(found: Found) -> None:
    passing = [key for key, word in read_table().items() if word == "pass" and key in found]

    lost = {"/".join(key): found[key].why for key in passing if found[key].kind != "pass"}

    assert len(passing) > 1000
    assert not lost


@pytest.mark.slow
def test_every_official_case_is_in_the_table(found: Found) -> None:
    unknown = ["/".join(key) for key in found.keys() - read_table().keys()]

    if onnx.__version__ != table_version():
        pytest.skip(
            f"the table is of onnx {table_version()}; {onnx.__version__} has {len(unknown)} cases more: {unknown}"
        )
    assert not unknown


def test_the_table_has_a_reason_for_each_case_that_does_not_pass() -> None:
    words = set(read_table().values())

    assert words <= {"pass"} | {f"out: {why}" for why in OUT_OF_SCOPE}


def test_the_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    verdicts = {
        ("Abs", "abs"): Verdict(kind="pass"),
        ("Abs", "abs_expanded"): Verdict(kind="pass"),
        ("Abs", "abs_expanded_ver18"): Verdict(kind="out", why="text"),
        ("Clip", "clip_expanded"): Verdict(kind="fail", why="broken | in many ways"),
        **{("Conv", f"conv_with_a_long_name_{index}"): Verdict(kind="pass") for index in range(40)},
    }
    path = tmp_path / "table.txt"
    path.write_text(render(verdicts), encoding="utf-8")

    assert read_table(path) == {key: verdict.word() for key, verdict in verdicts.items()}
    assert table_version(path) == onnx.__version__
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120


def test_a_table_without_a_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("Abs | pass | abs\n", encoding="utf-8")

    with pytest.raises(ValueError, match="does not say which onnx"):
        table_version(path)


def _case(operator: str, right: NDArray[Any]) -> Case:
    """Return a case of one input, [-1, 4]."""
    values = np.array([-1, 4], np.float32)
    node = onnx.helper.make_node(operator, ["x"], ["y"])
    infos = [onnx.helper.make_tensor_value_info(name, 1, [2]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "case", infos[:1], infos[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)])
    return Case(name="case", operator=operator, model=model, data_sets=(([values], [right]),), rtol=1e-3, atol=1e-7)


def test_a_case_passes_when_type_shape_and_values_are_right() -> None:
    assert judge(_case("Abs", np.array([1, 4], np.float32))) == Verdict(kind="pass")


@pytest.mark.parametrize(
    ("right", "why"),
    [
        (np.array([1, 5], np.float32), "Not equal"),
        (np.array([[1, 4]], np.float32), "shape"),
        (np.array([1, 4], np.int64), "int64 expected"),
        (np.array(["1", "4"]), "tensor of numbers"),
    ],
    ids=["value", "shape", "type", "text"],
)
def test_a_case_fails_when_one_of_them_is_wrong(right: NDArray[Any], why: str) -> None:
    verdict = judge(_case("Abs", right))

    assert verdict.kind == "fail"
    assert why in verdict.why


def test_a_missing_output_is_a_failure() -> None:
    case = _case("Abs", np.array([1, 4], np.float32))
    inputs, outputs = case.data_sets[0]

    assert judge(replace(case, data_sets=((inputs, outputs * 2),))).why.endswith("2 outputs expected, got 1")


def test_what_cannot_run_is_a_failure_unless_it_is_out_of_scope() -> None:
    right = np.array([1, 4], np.float32)

    assert judge(_case("NoSuchOperator", right)).kind == "fail"
    assert judge(_case("Bernoulli", right)) == Verdict(kind="out", why="random")


def test_whole_numbers_may_be_carried_in_a_float_tensor_where_quantised_graphs_have_them() -> None:
    assert judge(_case("Abs", np.array([1, 4], np.int8))).kind == "pass"
