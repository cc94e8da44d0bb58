"""Models that ask for too much: tried in a process of its own, refused in one sentence, this process unharmed."""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.card import ModelCard
from misread.cards.facts import CardFacts
from misread.errors import ModelError, ModelRunError
from misread.runtime import trial, trial_child
from misread.runtime.doctor import diagnose
from misread.runtime.session import Deployed
from misread.runtime.strangers import USUAL_SIDES, admit, screen
from misread.runtime.trial import Limits, free_bytes, tried, trusted
from tests.models import graph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

onnx = pytest.importorskip("onnx")
helper, kinds = onnx.helper, onnx.TensorProto
CARD = ModelCard(labels=("a", "b", "c"), size_hw=(8, 8))
PAIR = ModelCard(labels=("red", "green"), size_hw=(8, 8))
SIDES = (3, 8, 8)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test lives on the trial of another."""
    monkeypatch.setattr(trial, "_PASSED", set())


def written(path: Path, nodes: Sequence[Any], **stored: Any) -> Path:
    """Write a model whose `nodes` make `more`, which is added to the mean of each plane."""
    values = [
        helper.make_tensor(
            name, kinds.INT64 if kind is int else kinds.BOOL if kind is bool else kinds.FLOAT, dims, data
        )
        for name, (kind, dims, data) in stored.items()
    ]
    made = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("ReduceMean", ["input", "axes"], ["means"], keepdims=0),
                *nodes,
                helper.make_node("ReduceMean", ["more", "first"], ["one"], keepdims=0),
                helper.make_node("Add", ["means", "one"], ["logits"]),
            ],
            "g",
            [helper.make_tensor_value_info("input", kinds.FLOAT, ["n", 3, 8, 8])],
            [helper.make_tensor_value_info("logits", kinds.FLOAT, None)],
            [
                helper.make_tensor("axes", kinds.INT64, [2], [2, 3]),
                helper.make_tensor("first", kinds.INT64, [1], [0]),
                *values,
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(made, CARD.to_metadata())
    onnx.save(made, path)
    return path


def constant(path: Path, count: int = 10**10) -> Path:
    return written(path, [helper.make_node("ConstantOfShape", ["s"], ["more"])], s=(int, [1], [count]))


def counting(path: Path) -> Path:
    nodes = [helper.make_node("Range", ["a", "b", "c"], ["wide"]), helper.make_node("Cast", ["wide"], ["more"], to=1)]
    return written(path, nodes, a=(int, [], [0]), b=(int, [], [10**10]), c=(int, [], [1]))


def growing(path: Path) -> Path:
    """No size in the file is large: each of forty sums is of a tensor with itself, side by side."""
    nodes = [helper.make_node("Reshape", ["input", "flat"], ["x0"])]
    nodes += [helper.make_node("Concat", [f"x{at}"] * 2, [f"x{at + 1}"], axis=0) for at in range(40)]
    return written(path, [*nodes, helper.make_node("Identity", ["x40"], ["more"])], flat=(int, [1], [-1]))


def enlarged(path: Path) -> Path:
    nodes = [
        helper.make_node("Resize", ["input", "", "by"], ["big"], mode="nearest"),
        helper.make_node("Reshape", ["big", "flat"], ["more"]),
    ]
    return written(path, nodes, by=(float, [4], [1, 1, 30000, 30000]), flat=(int, [1], [-1]))


def endless(path: Path) -> Path:
    body = helper.make_graph(
        [helper.make_node("Identity", [f"{name}_in"], [f"{name}_out"]) for name in ("go", "kept")],
        "body",
        [
            helper.make_tensor_value_info("turn", kinds.INT64, []),
            helper.make_tensor_value_info("go_in", kinds.BOOL, []),
            helper.make_tensor_value_info("kept_in", kinds.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_out", kinds.BOOL, []),
            helper.make_tensor_value_info("kept_out", kinds.FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["", "go", "means"], ["same"], body=body),
        helper.make_node("Reshape", ["same", "flat"], ["more"]),
    ]
    return written(path, nodes, go=(bool, [], [True]), flat=(int, [1], [-1]))


def doubling(path: Path) -> Path:
    """Forty functions, each of which calls the one below it twice: whoever writes them out never ends."""
    path = written(path, [helper.make_node("f40", ["means"], ["more"], domain="own")])
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("own", 1))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    for at in range(41):
        below = {"op_type": f"f{at - 1}", "domain": "own"} if at else {"op_type": "Neg"}
        body = [helper.make_node(inputs=["x"], outputs=["m"], **below)]
        body.append(helper.make_node(inputs=["m"], outputs=["y"], **below))
        model.functions.append(helper.make_function("own", f"f{at}", ["x"], ["y"], body, opsets))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("make", [constant, counting, growing, enlarged], ids=lambda make: make.__name__)
def test_a_graph_that_needs_too_much_memory_is_refused_and_costs_none_here(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path / "m.onnx")
    assert path.stat().st_size < 4096
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=r"needs more than \d+\.\d GiB of memory for one picture, .* --no-trial"):
        Deployed.open(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


def test_the_bound_is_the_trials_own_and_not_the_machines(tmp_path: Path) -> None:
    model = admit(constant(tmp_path / "m.onnx", 2 * 10**8))  # 0.8 GB, which any machine has
    with pytest.raises(ModelError, match=r"needs more than 0\.5 GiB"):
        tried(model, SIDES, limits=Limits(memory_bytes=512 * 2**20))
    tried(model, SIDES)


def test_a_graph_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = endless(tmp_path / "m.onnx")
    monkeypatch.setattr(trial, "LIMITS", Limits(cpu_s=1))
    with pytest.raises(ModelError, match="takes more than 1 s of processor time"):
        Deployed.open(path)
    with pytest.raises(ModelError, match=r"takes longer than 0\.2 s for its first pictures"):
        tried(admit(path), SIDES, limits=Limits(wall_s=0.2))


def test_every_command_says_so(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = str(constant(tmp_path / "m.onnx"))
    for argv in (
        ["camera", "-m", path, "--headless"],
        ["attack", path, "--data", str(tmp_path), "-o", str(tmp_path / "out")],
    ):
        result = CliRunner().invoke(cli.app, argv)
        assert result.exit_code == 2, result.output
        assert "of memory for one picture" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_functions_that_double_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LIMITS", Limits(cpu_s=2))
    with pytest.raises(ModelError, match=r"2 s of processor time|GiB of memory"):
        Deployed.open(doubling(tmp_path / "m.onnx"))


def test_verify_goes_on_without_a_build_that_is_refused(tmp_path: Path) -> None:
    from tests.strangers.test_manifest import bundle

    huge, good = constant(tmp_path / "huge.onnx"), graph(tmp_path / "good.onnx", metadata=PAIR.to_metadata())
    result = CliRunner().invoke(cli.app, ["verify", str(bundle(tmp_path / "b")), "-m", str(huge), "-m", str(good)])
    assert result.exit_code == 1, result.output
    said = " ".join(result.stdout.split())
    assert "not verified: huge.onnx: unavailable" in said
    assert "of memory for one picture" in said
    assert "good.onnx 2/2" in said


def test_what_is_merely_broken_is_left_to_who_opens_it(tmp_path: Path) -> None:
    path = written(tmp_path / "m.onnx", [helper.make_node("Reshape", ["input", "bad"], ["more"])], bad=(int, [1], [7]))
    tried(admit(path), SIDES)
    with pytest.raises(Exception, match="onnxruntime could not run"):
        Deployed.open(path)


def test_a_file_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(trial, "_run", lambda *asked: calls.append(asked))
    monkeypatch.setattr(trial, "_MAX_PASSED", 2)
    first, second = (graph(tmp_path / f"{at}.onnx", constant=at, metadata=CARD.to_metadata()) for at in (1.0, 2.0))
    for path in (first, first, second, first):
        screen(path)
    assert len(calls) == 2
    screen(first, ModelCard(labels=("a", "b"), size_hw=(8, 8)))
    assert len(calls) == 2
    screen(graph(tmp_path / "3.onnx", metadata=CARD.to_metadata()))
    screen(first)
    assert len(calls) == 4


def test_a_trusted_file_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_run", lambda *_: pytest.fail("it was tried"))
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata())
    with trusted():
        screen(path)
    with pytest.raises(BaseException, match="it was tried"):
        screen(path)


def test_the_flag_holds_for_its_command_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried_ones: list[object] = []
    monkeypatch.setattr(trial, "_run", lambda *asked: tried_ones.append(asked))
    path = str(graph(tmp_path / "m.onnx", outputs=2))
    for flags, expected in ((["--no-trial"], 0), ([], 1)):
        result = CliRunner().invoke(cli.app, [*flags, "camera", "-m", path, "--headless"])
        assert (result.exit_code, len(tried_ones)) == (2, expected)


def test_free_sides_are_those_of_the_card_else_those_of_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(trial, "_run", lambda model, sides, limits: asked.append(sides))
    free = ("n", "c", "h", "w")
    screen(graph(tmp_path / "own.onnx", shape=free, metadata=CARD.to_metadata()))
    screen(graph(tmp_path / "given.onnx", shape=free, constant=1.0), CARD)
    screen(graph(tmp_path / "none.onnx", shape=free, constant=2.0))
    screen(graph(tmp_path / "partly.onnx", shape=free, constant=3.0), CardFacts(size_hw=(9, 7), colour="grey"))
    screen(graph(tmp_path / "colour.onnx", shape=free, constant=4.0), CardFacts(colour="grey"))
    screen(graph(tmp_path / "spare.onnx", shape=free, constant=5.0), None, ("bundle", CARD))
    (tmp_path / "ready.ort").write_bytes(b"....ORTM" + bytes(100))
    screen(tmp_path / "ready.ort", CARD)
    assert asked == [SIDES, SIDES, USUAL_SIDES, (1, 9, 7), USUAL_SIDES, SIDES, SIDES]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "needs more than 2.0 GiB of memory for one picture"),
        (-signal.SIGXCPU, "more than 60 s of processor time"),
        (-signal.SIGKILL, "more than 60 s of processor time"),
        (-signal.SIGSEGV, r"kills the process that runs it \(SIGSEGV\)"),
        (3, "a process of its own ended with code 3"),
    ],
)
def test_the_end_of_the_child_is_worded(code: int, words: str) -> None:
    assert re.search(words, trial._reason(code, Limits(), 2 * trial.GIB))


def test_a_child_that_cannot_start_or_babbles_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata())
    monkeypatch.setattr(trial, "MODULE", "misread.no_such_module")
    with pytest.raises(ModelError, match="cannot be tried: a process of its own ended with code 1"):
        screen(path)
    assert (trial._answer(b"{"), trial._answer(b"[]"), trial._answer(b'{"a": 1}')) == ({}, {}, {"a": 1})


def test_the_machines_own_memory_bounds_the_trial(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert free_bytes(tmp_path / "meminfo") == 2 * 2**20
    assert free_bytes(tmp_path / "none") is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\n")
    assert free_bytes(tmp_path / "meminfo") is None


def answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: Path) -> dict[str, Any]:
    """Run the child's code here, without its limits."""
    asked = {"path": str(path), "sides": SIDES, "memory_bytes": 1, "cpu_s": 1}
    monkeypatch.setattr(trial_child, "limit", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["child", json.dumps(asked)])
    trial_child.main()
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_the_child_says_how_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata())
    assert answered(monkeypatch, capsys, path) == {"stage": "done", "error": "", "memory": False}
    (tmp_path / "text.onnx").write_text("text")
    failed = answered(monkeypatch, capsys, tmp_path / "text.onnx")
    assert (failed["stage"], failed["memory"]) == ("load", False)
    monkeypatch.setattr(trial_child, "inputs", lambda *_: (_ for _ in ()).throw(MemoryError()))
    assert answered(monkeypatch, capsys, path)["memory"] is True


def test_a_system_without_limits_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bounded: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, _: bounded.append(which))
    trial_child.limit(2**30, 60)
    assert bounded == [resource.RLIMIT_CPU, resource.RLIMIT_CORE, resource.RLIMIT_AS]
    assert "cannot bound the memory" not in " ".join(diagnose().warnings)
    monkeypatch.setattr(trial_child, "STATM", tmp_path / "none")
    assert "cannot bound the memory" in " ".join(diagnose().warnings)
    trial_child.limit(2**30, 60)
    assert bounded[3:] == [resource.RLIMIT_CPU, resource.RLIMIT_CORE]
    monkeypatch.setattr(trial_child, "find_spec", lambda _: None)
    trial_child.limit(2**30, 60)
    assert len(bounded) == 5


def test_a_process_that_cannot_start_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ModelRunError, match="no process can be started"):
        screen(graph(tmp_path / "m.onnx", metadata=CARD.to_metadata()))


@pytest.mark.parametrize(
    ("domain", "kind", "words"),
    [
        ("evil.example", "Own", "needs the operator evil.example.Own, of a domain that onnxruntime does not have"),
        ("com.microsoft", "EPContext", "holds com.microsoft.EPContext, a blob for a driver"),
        ("com.microsoft", "PythonOp", "a call of Python code"),
    ],
)
def test_an_operator_that_brings_code_of_its_own_is_refused(tmp_path: Path, domain: str, kind: str, words: str) -> None:
    node = helper.make_node(kind, ["means"], ["more"], domain=domain, library="evil.so")
    path = written(tmp_path / "m.onnx", [node])
    with pytest.raises(ModelError, match=words):
        Deployed.open(path)
    assert CliRunner().invoke(cli.app, ["inspect", str(path)]).exit_code == 0


def test_a_function_of_the_files_own_is_no_stranger(tmp_path: Path) -> None:
    path = written(tmp_path / "m.onnx", [helper.make_node("Same", ["means"], ["more"], domain="own")])
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("own", 1))
    body = [helper.make_node("Identity", ["x"], ["y"])]
    model.functions.append(helper.make_function("own", "Same", ["x"], ["y"], body, [helper.make_opsetid("", 18)]))
    onnx.save(model, path)
    assert Deployed.open(path).card == CARD


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (["n", 3, "h", "w"], (1, 3, 48, 64)),
        ([4, 3, 8, "w"], (4, 3, 8, 64)),
        (["n", "height", "width", 3], (1, 48, 64, 3)),  # a graph that takes pictures as they are
        (["n", "k"], (1, 1)),
        ([], ()),
    ],
)
def test_what_is_free_takes_the_sides_of_a_picture_wherever_its_channels_stand(
    shape: list[int | str], expected: tuple[int, ...]
) -> None:
    entry = SimpleNamespace(shape=shape, type="tensor(uint8)")
    planes = trial_child.inputs(np, entry, [3, 48, 64])
    assert (planes.shape, planes.dtype) == (expected, np.uint8)
