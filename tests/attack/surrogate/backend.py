"""The official ONNX backend tests, run on the surrogate's operators, and the table of what passes.

The cases come with the `onnx` package: one or more for each operator at its newest opset, the same again with functions
written out in primitive operators (`_expanded`), and graphs exported long ago by torch, whose opset is 6. The table
beside this file says for each whether it passes or why it is out of scope. After a change::

    python -m tests.attack.surrogate.backend            # what differs from the table
    python -m tests.attack.surrogate.backend --write    # and make it so
    python -m tests.attack.surrogate.backend Conv Pad   # only these operators, with the reasons of failures
"""

from __future__ import annotations

import re
import sys
import textwrap
import warnings
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import onnx
import onnx.backend.test.loader
import torch
from onnx import numpy_helper

from tests.attack.surrogate.runner import run_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from onnx.backend.test.case.test_case import TestCase
    from torch import Tensor

TABLE: Final = Path(__file__).with_suffix(".txt")
"""A line for each operator and verdict: `Operator | pass | names`, or `Operator | out: why | names`."""

DISK_KINDS: Final = ("simple", "pytorch-converted", "pytorch-operator")
"""Folders of ready graphs beside the node tests; most have opset 6 and weights inside."""

LOW_BITS: Final = re.compile("bfloat16|float[468]_|u?int[24]$")
"""Numbers that numpy knows only through an extension; the surrogate carries them as float32."""

CARRIED: Final = re.compile("^u?int(4|8|16|32)$")
"""Types of quantised values, which the surrogate may hold in a float tensor so that gradients flow."""

HALVES: Final[Mapping[str, float]] = {"float16": 2**-9, "bfloat16": 2**-6}
"""Two units in the last place of what is half precision in the case and single in the surrogate."""

OUT_OF_SCOPE: Final[Mapping[str, str]] = {
    "text": ".*string.*|ArrayFeatureExtractor|Binarizer|LabelEncoder|Regex.*|String.*|TfIdf.*|simple/.*strnorm.*",
    "trees": "TreeEnsemble",
    "training": "Ada.*|Momentum|.*gradient_of.*|BatchNorm.*training.*|Dropout/training.*",
    "loss": "NegativeLogLikelihoodLoss|SoftmaxCrossEntropyLoss",
    "recurrent": "ReverseSequence",
    "loop": "Loop|Scan|Range/.*_expanded",
    "sequence or optional": "Optional.*|Sequence.*|SplitToSequence|.*(sequence|optional|_seq|_opt).*",
    "random": "Bernoulli",
    "sound": "DFT|STFT|MelWeightMatrix|.*Window",
    "decodes files": "ImageDecoder",
    "boxes": "NonMaxSuppression|RoiAlign",
    "language model": "CausalConvWithState|LinearAttention|FlexAttention|TensorScatter",
    "bit patterns": "BitCast",
    "low-bit types": ".*(float8|FLOAT8|FLOAT4|float4|e4m3|e5m2|e8m0|int4|INT4|int2|INT2).*",
    "shape depends on values": "Unique",
    "onnxruntime gives other values": "Resize/resize_downsample_scales_(linear|cubic)_align_corners",
}
"""Why an operator or a case is left out: a reason and a pattern over `Operator` or `Operator/case`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One official test: a graph, what goes in, and what has to come out."""

    name: str
    operator: str
    model: onnx.ModelProto
    data_sets: tuple[tuple[list[Any], list[Any]], ...]
    rtol: float
    atol: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of a case; `why` names the scope or the failure."""

    kind: Literal["pass", "out", "fail"]
    why: str = ""

    def word(self) -> str:
        """Return what the table says; how a case fails is not for keeps."""
        return f"out: {self.why}" if self.kind == "out" else self.kind


Found = dict[tuple[str, str], Verdict]
"""What came of each case, by operator and name."""


@cache
def cases() -> tuple[Case, ...]:
    """Return every official case that needs no network, the same on each call of a process.

    The package makes its inputs with numpy's global generator when its modules are first imported. They are seeded here
    so that a value near a tolerance does not come and go, and the global state is put back.
    """
    state = np.random.get_state()  # noqa: NPY002  the package draws from the global generator
    try:
        np.random.seed(20)  # noqa: NPY002, TID251  as above
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own casts overflow on purpose
            node = list(onnx.backend.test.loader.load_model_tests(kind="node"))
    finally:
        np.random.set_state(state)  # noqa: NPY002  as above
    kinds = {case.name: case.model.graph.node[0].op_type for case in node if case.model}
    found = [_case(case, kinds[case.name.split("_expanded")[0]], case.model, case.data_sets) for case in node]
    for kind in DISK_KINDS:
        for case in onnx.backend.test.loader.load_model_tests(kind=kind):
            folder = Path(case.model_dir or ".")
            model = onnx.load(folder / "model.onnx")
            found.append(
                _case(case, kind, model, [_data_set(at, model) for at in sorted(folder.glob("test_data_set_*"))])
            )
    return tuple(found)


def _case(case: TestCase, operator: str, model: Any, data_sets: Any) -> Case:
    """Return the official case as ours."""
    name = case.name.removeprefix("test_")
    pairs = tuple((list(inputs), list(outputs)) for inputs, outputs in data_sets)
    return Case(name=name, operator=operator, model=model, data_sets=pairs, rtol=case.rtol, atol=case.atol)


def _data_set(folder: Path, model: onnx.ModelProto) -> tuple[list[Any], list[Any]]:
    """Return the inputs and outputs of one folder of the package's own files; what is no tensor becomes None."""

    def values(stem: str, infos: Iterable[onnx.ValueInfoProto]) -> list[Any]:
        files = [(folder / f"{stem}_{index}.pb", info) for index, info in enumerate(infos)]
        return [
            onnx.load_tensor(path) if info.type.HasField("tensor_type") else None
            for path, info in files
            if path.exists()
        ]

    return values("input", model.graph.input), values("output", model.graph.output)


def to_tensor(value: Any) -> Tensor | None:
    """Return a numpy array or TensorProto as the surrogate holds it; None for text, sequences and optionals."""
    array = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    if not isinstance(array, np.ndarray | np.generic):
        return None
    array = np.asarray(array)
    if array.dtype.kind in "OUS":
        return None
    if array.dtype == np.float16 or LOW_BITS.search(array.dtype.name):
        array = array.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape).copy())


def judge(case: Case) -> Verdict:
    """Run a case; where it fails, say whether it was out of scope to begin with."""
    try:
        for inputs, expected in case.data_sets:
            _check(case, inputs, expected)
    except Exception as error:  # noqa: BLE001  whatever an operator raises is a failure of that operator
        for why, pattern in OUT_OF_SCOPE.items():
            if re.fullmatch(pattern, case.operator) or re.fullmatch(pattern, f"{case.operator}/{case.name}"):
                return Verdict(kind="out", why=why)
        return Verdict(kind="fail", why=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    return Verdict(kind="pass")


def _check(case: Case, inputs: list[Any], expected: list[Any]) -> None:
    """Run the case's graph on one set of inputs and compare each output."""
    names = [info.name for info in case.model.graph.input]
    feeds: dict[str, Tensor] = {}
    for name, value in zip(names, inputs, strict=False):
        tensor = to_tensor(value)
        if tensor is None:
            raise TypeError(f"input {name} is no tensor of numbers")
        feeds[name] = tensor
    outputs = run_model(case.model, feeds)
    if len(outputs) != len(expected):
        raise AssertionError(f"{len(expected)} outputs expected, got {len(outputs)}")
    for output, right in zip(outputs, expected, strict=True):
        _compare(output, right, rtol=case.rtol, atol=case.atol)


def _compare(output: Tensor | None, right: Any, *, rtol: float, atol: float) -> None:
    """Compare type, shape and values, as the package's own runner does."""
    expected = to_tensor(right)
    if expected is None or output is None:
        raise TypeError(f"a tensor of numbers expected, got {type(output).__name__}")
    name = (numpy_helper.to_array(right) if isinstance(right, onnx.TensorProto) else right).dtype.name
    carried = output.is_floating_point() and CARRIED.search(name) is not None
    if output.dtype != expected.dtype and not carried:
        raise AssertionError(f"{name} expected, got {output.dtype}")
    if output.shape != expected.shape:
        raise AssertionError(f"shape {tuple(expected.shape)} expected, got {tuple(output.shape)}")
    found = output.detach().numpy().astype(expected.numpy().dtype)
    np.testing.assert_allclose(found, expected.numpy(), rtol=max(rtol, HALVES.get(name, 0)), atol=atol)


def verdicts(operators: Iterable[str] = ()) -> Found:
    """Return the verdict of each case, by operator and name; of these operators only, or of all."""
    wanted = set(operators)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arithmetic on purpose outside its domain
        return {(case.operator, case.name): judge(case) for case in cases() if not wanted or case.operator in wanted}


def render(found: Found) -> str:
    """Return the table's text: names of one verdict together, `+e` and `+e18` for expanded forms."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (operator, name), verdict in found.items():
        root, expanded, version = name.partition("_expanded")
        groups[operator, verdict.word()][root].append(f"+e{version.removeprefix('_ver')}" if expanded else "")
    lines = [
        f"# The backend tests of onnx {onnx.__version__}; backend.py beside this file writes and reads the table.",
        "# name+e+e18 stands for test_name, test_name_expanded and test_name_expanded_ver18; ~name+e lacks the first.",
    ]
    for (operator, word), roots in sorted(groups.items()):
        names = ["~" * ("" not in forms) + root + "".join(sorted(forms)) for root, forms in sorted(roots.items())]
        text = f"{operator} | {word} | {' '.join(names)}"
        lines += textwrap.wrap(text, 120, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def read_table(path: Path = TABLE) -> dict[tuple[str, str], str]:
    """Return operator and case name -> verdict as the table has them."""
    return dict(_entries(path.read_text(encoding="utf-8")))


def _entries(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Walk over the table's lines, continuation lines joined."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in body.replace("\n    ", " ").splitlines():
        operator, verdict, names = line.split(" | ")
        for entry in names.split():
            root, *forms = entry.removeprefix("~").split("+")
            names_of = [root] * (not entry.startswith("~"))
            names_of += [f"{root}_expanded" + (f"_ver{form[1:]}" if form[1:] else "") for form in forms]
            yield from (((operator, name), verdict) for name in names_of)


def table_version(path: Path = TABLE) -> str:
    """Return the version of onnx that the table was made with."""
    match = re.search(r"of onnx (\S+);", path.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"{path.name} does not say which onnx it was made with; write it again")
    return match[1]


def _main(arguments: list[str]) -> None:
    """Print what differs from the table, or the failures of the operators named; write the table where asked."""
    torch.set_num_threads(1)
    operators = [argument for argument in arguments if not argument.startswith("--")]
    found = verdicts(operators)
    listed = read_table() if TABLE.exists() else {}
    for key, verdict in found.items():
        if operators and verdict.kind != "pass":
            sys.stdout.write(f"{'/'.join(key)}: {verdict.kind}: {verdict.why}\n")
        elif not operators and listed.get(key) != verdict.word():
            sys.stdout.write(f"{'/'.join(key)}: {listed.get(key, 'not listed')} -> {verdict.word()}\n")
    count = {kind: sum(verdict.kind == kind for verdict in found.values()) for kind in ("pass", "out", "fail")}
    sys.stdout.write(f"{count}\n")
    if "--write" in arguments and not operators:
        TABLE.write_text(render(found), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
