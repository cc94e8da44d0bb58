"""Other forms of a finished build: one picture a call with every shape fixed, and onnxruntime's own file format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import onnx
import onnxruntime as ort
from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_input_shape_fixed

from misread.errors import ModelError
from misread.export.bake import bake, is_baked, strip
from misread.export.onnx_file import check_model, read_model
from misread.export.quantize.prepare import image_input
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from misread.card import ModelCard

Form = Literal["batch-1", "ort"]

_SUFFIX: Final[dict[Form, str]] = {"batch-1": "_b1.onnx", "ort": ".ort"}


def forms(*, static_twin: bool, ort_format: bool) -> tuple[Form, ...]:
    """Return the forms asked for, the one that others are made of first."""
    asked: Iterator[tuple[Form, bool]] = iter((("batch-1", static_twin), ("ort", ort_format)))
    return tuple(form for form, wanted in asked if wanted)


def path_of(build: Path, form: Form) -> Path:
    """Return the file of a form beside its build: `model_b1.onnx`, `model.ort`."""
    return build.with_name(f"{build.stem}{_SUFFIX[form]}")


def paths_of(builds: Iterable[Path], asked: Iterable[Form]) -> list[Path]:
    """Return the files of every form of every build."""
    wanted = tuple(asked)
    return [path_of(build, form) for build in builds for form in wanted]


def write_variant(form: Form, build: Path, target: Path, card: ModelCard, *, arm: bool = False) -> None:
    """Write another form of a build.

    Args:
        form: which.
        build: an ONNX file.
        target: what to write.
        card: of the build, for the shape of its input.
        arm: the device is an Arm one; only onnxruntime's format asks.

    Raises:
        ModelError: the build has no such form.
        StorageError: the file cannot be written.
    """
    try:
        with quiet():
            if form == "ort":
                _save_ort(build, target, arm=arm)
                return
            fixed = fix_batch(read_model(build), card)
    except ModelError:
        raise
    except Exception as error:  # the tools behind share no base
        message = f"{build.name} cannot be written in the form {form}: {type(error).__name__}: {first_line(error)}"
        raise ModelError(message) from error
    with atomic_write(target) as out:
        out.write(fixed.SerializeToString())


def fix_batch(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """Return the model for one picture a call, every shape in it a number: some providers take nothing else.

    Raises:
        ModelError: it takes another fixed number of pictures.
    """
    if is_baked(model):
        return bake(fix_batch(strip(model), card))
    end = image_input(model)
    sides = [int(side.dim_value) for side in end.type.tensor_type.shape.dim]
    if sides[:1] and sides[0] > 1:
        message = f"the model takes {sides[0]} pictures a call and its shapes are fixed to that; export it again"
        raise ModelError(message)
    wanted = [1, *(known or said for known, said in zip(sides[1:], (card.channels, *card.size_hw), strict=True))]
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    make_input_shape_fixed(fixed.graph, end.name, wanted)
    fixed.graph.ClearField("value_info")  # inferred for a free batch
    fix_output_shapes(fixed)
    check_model(fixed)
    return fixed


def _save_ort(build: Path, target: Path, *, arm: bool) -> None:
    """Save at the highest level of optimisation that every processor runs: above it, layouts are a processor's own."""
    options: Any = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    options.add_session_config_entry("session.save_model_format", "ORT")
    if arm:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    ort.InferenceSession(str(build), options, providers=["CPUExecutionProvider"])
