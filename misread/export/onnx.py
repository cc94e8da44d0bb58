"""A twin becomes one ONNX file, by torch's current exporter."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import torch

from misread.cards import metadata_of
from misread.errors import MisreadError, ModelError, OptionError
from misread.export.onnx_file import OnnxFile, check_model, check_opset, clean, describe, write_metadata
from misread.export.quiet import quiet
from misread.export.twin import Twin, first_line
from misread.files import atomic_write

if TYPE_CHECKING:
    import onnx

    from misread.card import ModelCard

Batch = int | Literal["dynamic"]

INPUT: Final = "input"
LOGITS: Final = "logits"
MAX_FILE_BYTES: Final = 1_500_000_000
MAX_BATCH: Final = 1024
_TOOLS: Final = ("misread", "torch", "onnx", "onnxscript", "onnxruntime")


def export_onnx(
    twin: Twin,
    card: ModelCard,
    path: Path,
    *,
    batch: Batch = "dynamic",
    opset: int | None = None,
    source_sha256: str | None = None,
) -> OnnxFile:
    """Write `twin` with its card as one ONNX file with the input `input` and the output `logits`.

    Args:
        twin: what to export.
        card: of the twin; it travels in the file's metadata.
        path: the final name; the file is whole or absent.
        batch: pictures per call, or `dynamic`.
        opset: version of the standard operators; None takes the exporter's default. Read back and enforced.
        source_sha256: of the weight file, where there is one; it travels along.

    Raises:
        OptionError: a batch that makes no sense.
        ModelError: torch cannot export the twin, the opset differs, or the ONNX checker refuses the result.
        StorageError: the file cannot be written.
    """
    if batch != "dynamic" and not 1 <= batch <= MAX_BATCH:
        message = f"batch is a whole number from 1 to {MAX_BATCH} or 'dynamic', got {batch}"
        raise OptionError(message)
    model = _export(twin, card, batch, opset)
    check_opset(model, opset)
    _check_ends(model, batch)
    clean(model)
    metadata = metadata_of(card, source_sha256=source_sha256)
    write_metadata(model, {**metadata, "misread.tool_versions": json.dumps(tool_versions())})
    check_model(model)
    with atomic_write(path) as out:
        out.write(model.SerializeToString())
    return describe(path)


def tool_versions() -> dict[str, str]:
    """Return the versions of what takes part in an export."""
    found: dict[str, str] = {}
    for tool in _TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:  # run from a source tree, or a wheel under another name
            continue
    return found


def _export(twin: Twin, card: ModelCard, batch: Batch, opset: int | None) -> onnx.ModelProto:
    count = 2 if batch == "dynamic" else batch
    example = torch.full((count, card.channels, *card.size_hw), 0.5)
    try:
        with quiet():
            program = torch.onnx.export(
                twin,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=[INPUT],
                output_names=[LOGITS],
                dynamic_shapes=({0: torch.export.Dim("batch")},) if batch == "dynamic" else None,
                external_data=False,
                verbose=False,
            )
            model: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]  # None only with a path given
    except MisreadError:
        raise
    except Exception as error:  # the exporter passes on whatever the capture raised
        if _interrupted(error):
            raise KeyboardInterrupt from error
        message = (
            f"torch cannot export this network: {_cause(error)}; the usual reasons are Python control flow that "
            f"depends on values, and a fixed batch inside the network (try --batch 1)"
        )
        raise ModelError(message) from error
    if model.ByteSize() > MAX_FILE_BYTES:
        message = f"the model has {model.ByteSize()} bytes; one file holds at most {MAX_FILE_BYTES}"
        raise ModelError(message)
    return model


def _check_ends(model: onnx.ModelProto, batch: Batch) -> None:
    """Refuse a graph whose ends are not the ones asked for: a batch may be frozen without a word."""
    ends = ([entry.name for entry in model.graph.input], [entry.name for entry in model.graph.output])
    if ends != ([INPUT], [LOGITS]):
        message = f"one input and one output were asked for, the exporter produced {ends[0]} and {ends[1]}"
        raise ModelError(message)
    dimension = model.graph.input[0].type.tensor_type.shape.dim[0]
    produced: Batch = "dynamic" if dimension.dim_param else int(dimension.dim_value)
    if produced != batch:
        way = 1 if batch == "dynamic" else produced
        message = f"batch {batch} was asked for, the exporter fixed it at {produced}; type --batch {way}"
        raise ModelError(message)


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C is at the bottom of it: torch's clean-up, cut short, raises something else on top."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _cause(error: BaseException) -> str:
    """Return the innermost exception in one line: the exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {first_line(error)}"
