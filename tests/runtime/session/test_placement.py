"""Providers are strict: what was asked for and is not used is an error that names the nodes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import onnxruntime as ort
import pytest

from misread.errors import ModelRunError
from misread.runtime.fingerprint import fingerprint
from misread.runtime.session import CPU, Deployed, Node, SessionOptions, nodes
from misread.runtime.session.placement import can_tell, check_placement
from tests.runtime.planted import COLOURS, MEANS

if TYPE_CHECKING:
    from pathlib import Path

tells = pytest.mark.skipif(not can_tell(), reason="this onnxruntime cannot tell which provider runs which node")
AZURE, CUDA = "AzureExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture
def means(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


def session(has: list[str], placed: dict[str, int] | None) -> Any:
    """A double of an open session: the providers it has, and how many nodes each of them took."""
    double = SimpleNamespace(get_providers=lambda: has)
    if placed is not None:
        parts = [
            SimpleNamespace(
                ep_name=name,
                get_nodes=lambda name=name, count=count: [
                    SimpleNamespace(name=f"{name[:3]}{number}", op_type="Conv") for number in range(count)
                ],
            )
            for name, count in placed.items()
        ]
        double.get_provider_graph_assignment_info = lambda: parts
    return double


@pytest.mark.parametrize(
    ("asked", "has", "placed"),
    [
        ([CPU], [CPU], {CPU: 3}),
        ([CPU], [CPU], None),
        ([CUDA], [CUDA, CPU], {CUDA: 3}),
        ([CUDA, CPU], [CUDA, CPU], {CUDA: 1, CPU: 2}),
        ([AZURE, CUDA], [AZURE, CUDA, CPU], {AZURE: 3}),  # what is first took all; the second was only allowed
        ([CUDA], [CUDA, CPU], {}),  # a graph folded into a constant has no node
        ([CUDA], [CUDA, CPU], None),
    ],
)
def test_what_runs_where_it_was_asked_to_passes(
    asked: list[str], has: list[str], placed: dict[str, int] | None
) -> None:
    check_placement("m.onnx", session(has, placed), asked)


@pytest.mark.parametrize(
    ("asked", "has", "placed", "message"),
    [
        ([CUDA], [CPU], {CPU: 3}, r"m\.onnx does not run on CUDA.*dropped it .* and has CPU.* --provider CPU"),
        ([CUDA, CPU], [CPU], {CPU: 3}, "dropped it while loading"),
        ([CPU], [CUDA, CPU], None, "on CPUExecutionProvider alone and the session has CUDA.*, CPU"),
        (
            [CUDA],
            [CUDA, CPU],
            {CUDA: 3, CPU: 2},
            "2 of 5 nodes fell back to CPU.*: Conv CPU0, Conv CPU1; to allow .* --provider CUDA.* --provider CPU",
        ),
        ([CUDA], [CUDA, CPU], {CUDA: 1, CPU: 9}, "Conv CPU3, Conv CPU4 and 4 more; to allow"),
        ([CUDA, CPU], [CUDA, CPU], {CPU: 2}, "it took none of 2 nodes, all fell back to CPU.*; leave --provider CUDA"),
        ([CUDA, CPU], [CUDA, AZURE, CPU], {CUDA: 1, AZURE: 1}, "1 of 2 nodes fell back to AzureExecutionProvider"),
    ],
)
def test_a_fallback_that_nobody_asked_for_is_an_error(
    asked: list[str], has: list[str], placed: dict[str, int] | None, message: str
) -> None:
    with pytest.raises(ModelRunError, match=message):
        check_placement("m.onnx", session(has, placed), asked)


@tells
@pytest.mark.parametrize("providers", [(AZURE,), (AZURE, CPU)])
def test_a_provider_that_does_nothing_is_not_taken_for_one_that_runs(means: Path, providers: tuple[str, ...]) -> None:
    """It is listed, it is taken, and onnxruntime gives every node to the CPU; the real thing, no double."""
    with pytest.raises(ModelRunError, match=r"took none of 2 nodes, all .*: GlobalAveragePool, Flatten; leave"):
        Deployed.open(means, card=COLOURS, options=SessionOptions(providers=providers))


@tells
def test_a_node_without_a_name_is_called_by_its_operator(means: Path) -> None:
    build = Deployed.open(means, card=COLOURS)
    assert nodes(build.session) == (Node(CPU, "", "GlobalAveragePool"), Node(CPU, "", "Flatten"))
    assert [str(node) for node in nodes(build.session)] == ["GlobalAveragePool", "Flatten"]
    assert str(Node(CPU, "n" * 100, "Conv")) == f"Conv {'n' * 60}"


def test_an_allowed_fallback_is_in_the_fingerprint(means: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that puts one of its two nodes on another provider, planted where onnxruntime is called."""

    class Divided(ort.InferenceSession):  # type: ignore[misc]
        def get_providers(self) -> list[str]:
            return [AZURE, CPU]

        def get_provider_graph_assignment_info(self) -> Any:
            return session([], {AZURE: 1, CPU: 1}).get_provider_graph_assignment_info()

    monkeypatch.setattr(ort, "InferenceSession", Divided)
    build = Deployed.open(means, card=COLOURS, options=SessionOptions(providers=(AZURE, CPU)))
    assert set(fingerprint(build).nodes) == {(AZURE, 1), (CPU, 1)}
    with pytest.raises(ModelRunError, match="1 of 2 nodes fell back to CPU"):
        Deployed.open(means, card=COLOURS, options=SessionOptions(providers=(AZURE,)))


@tells  # its constructor has the switch for as long
def test_onnxruntimes_own_fallback_is_off(
    means: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Left on, it prints, takes the CPU and goes on, while loading and while running."""
    asked: list[str] = []

    class Failing(ort.InferenceSession):  # type: ignore[misc]
        def _create_inference_session(self, providers: Any, *rest: Any) -> None:
            asked.append(providers[0] if isinstance(providers[0], str) else providers[0][0])
            if asked[-1] != CPU:
                raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : libcudart.so.12 is missing")
            super()._create_inference_session(providers, *rest)

    monkeypatch.setattr(ort, "InferenceSession", Failing)
    with pytest.raises(ModelRunError, match=r"cannot open .*means\.onnx on Azure.*: libcudart\.so\.12 is missing"):
        Deployed.open(means, card=COLOURS, options=SessionOptions(providers=(AZURE, CPU)))
    assert asked == [AZURE]
    assert capfd.readouterr().out == ""
    assert not Deployed.open(means, card=COLOURS).session._enable_fallback
