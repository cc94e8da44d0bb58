"""An ONNX file as it lies on disk: read back, described, and cleaned of what belongs to the machine that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx

from misread.errors import FileError, ModelError
from misread.files import cannot_read, sha256_file

DEFAULT_DOMAINS: Final = frozenset({"", "ai.onnx"})


@dataclass(frozen=True, kw_only=True, slots=True)
class OnnxFile:
    """What was read back from a written file.

    Attributes:
        path: where it lies.
        sha256: of the file.
        size_bytes: of the file.
        opset: version of the standard operators.
        ir_version: of the file format.
        operators: (name, count), most frequent first.
    """

    path: Path
    sha256: str
    size_bytes: int
    opset: int
    ir_version: int
    operators: tuple[tuple[str, int], ...]

    @property
    def nodes(self) -> int:
        """Number of operators in the graph."""
        return sum(count for _, count in self.operators)


def read_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file without external data.

    Raises:
        FileError: missing, or no ONNX.
    """
    try:
        return onnx.load_model(path, load_external_data=False)
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except Exception as error:  # protobuf's own, which is no dependency of ours
        message = f"{path} is not a whole ONNX file"
        raise FileError(message) from error


def describe(path: Path) -> OnnxFile:
    """Read a file back and say what it is.

    Raises:
        FileError: missing, or no ONNX.
    """
    model = read_model(path)
    counts = Counter(node.op_type for graph in graphs_of(model) for node in graph.node)
    return OnnxFile(
        path=path,
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        opset=opset_of(model),
        ir_version=int(model.ir_version),
        operators=tuple(counts.most_common()),
    )


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators, 0 where the model names none."""
    return max((int(entry.version) for entry in model.opset_import if entry.domain in DEFAULT_DOMAINS), default=0)


def check_opset(model: onnx.ModelProto, requested: int | None) -> None:
    """Refuse a model of another opset than the one asked for: torch's exporter only logs it.

    Raises:
        ModelError: they differ.
    """
    produced = opset_of(model)
    if requested is not None and produced != requested:
        message = f"opset {requested} was asked for and the exporter produced {produced}; type --opset {produced}"
        raise ModelError(message)


def check_model(model: onnx.ModelProto) -> None:
    """Run the ONNX checker with shape inference.

    Raises:
        ModelError: the model is not valid ONNX.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        message = f"the ONNX checker refuses the exported model: {str(error).strip().splitlines()[0]}"
        raise ModelError(message) from error


def clean(model: onnx.ModelProto) -> None:
    """Remove, in place, stack traces, local paths, comments, and operator sets that nothing uses."""
    model.doc_string = ""
    for graph in graphs_of(model):
        graph.doc_string = ""
        graph.ClearField("metadata_props")
        for entry in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
            entry.doc_string = ""
            entry.ClearField("metadata_props")
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            attribute.doc_string = ""
    for function in model.functions:
        function.doc_string = ""
        function.ClearField("metadata_props")
        for node in function.node:
            node.doc_string = ""
            node.ClearField("metadata_props")
    _drop_unused_domains(model)


def write_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
    """Make `metadata` the model's only metadata, in place."""
    model.ClearField("metadata_props")
    onnx.helper.set_model_props(model, dict(metadata))


def read_metadata(model: onnx.ModelProto) -> dict[str, str]:
    """Return the model's metadata."""
    return {entry.key: entry.value for entry in model.metadata_props}


def graphs_of(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Yield the main graph and every graph inside it (branches, loops)."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            waiting.extend([attribute.g] if attribute.HasField("g") else [])
            waiting.extend(attribute.graphs)


def _drop_unused_domains(model: onnx.ModelProto) -> None:
    used = {node.domain for graph in graphs_of(model) for node in graph.node}
    used |= {node.domain for function in model.functions for node in function.node}
    kept = [entry for entry in model.opset_import if entry.domain in used | DEFAULT_DOMAINS]
    entries = [(entry.domain, int(entry.version)) for entry in kept]
    model.ClearField("opset_import")
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in entries)
