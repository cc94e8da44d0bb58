"""What a recipe promises: requires, make, ensures. Around it, what is the same for all."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from misread.errors import MisreadError, ModelError
from misread.export.onnx_file import (
    OnnxFile,
    check_model,
    clean,
    describe,
    graphs_of,
    read_metadata,
    read_model,
    write_metadata,
)
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import atomic_write, storage_errors

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import onnx

    from misread.export.quantize.calibrate import Calibration


class Recipe(Protocol):
    """A way to store or compute a float model with fewer bits."""

    @property
    def name(self) -> str:
        """The precision's name on the command line; also the suffix of the file's name."""

    @property
    def needs_pictures(self) -> bool:
        """Whether it calibrates."""

    def requires(self, source: onnx.ModelProto) -> None:
        """Refuse a model that the recipe cannot treat (ModelError)."""

    def make(self, source: Path, calibration: Calibration | None) -> onnx.ModelProto:
        """Return the converted model."""

    def ensures(self, model: onnx.ModelProto) -> None:
        """Refuse a result that is not what the name says (ModelError)."""


def apply(recipe: Recipe, source: Path, target: Path, calibration: Calibration | None) -> OnnxFile:
    """Write the build of `source` by `recipe` as `target`; the card travels along.

    Raises:
        ModelError: the recipe cannot treat the model, or its result is not what it should be.
        StorageError: the file cannot be written.
    """
    before = read_model(source)
    recipe.requires(before)
    with tool_errors(recipe.name, target), quiet():
        model = recipe.make(source, calibration)
    return finish(recipe, model, read_metadata(before), target)


@contextmanager
def tool_errors(precision: str, target: Path) -> Generator[None]:
    """Turn whatever the tools behind the recipes raise into one sentence.

    Args:
        precision: what is being made.
        target: the file that is being written.

    Raises:
        ModelError: a tool failed.
        StorageError: the disk did.
    """
    try:
        with storage_errors(target):
            yield
    except MisreadError:
        raise
    except Exception as error:  # they share no base
        message = f"{precision} cannot be made of this model: {type(error).__name__}: {first_line(error)}"
        raise ModelError(message) from error


def finish(recipe: Recipe, model: onnx.ModelProto, metadata: Mapping[str, str], target: Path) -> OnnxFile:
    """Clean, check and write what a recipe made.

    Raises:
        ModelError: it is not what the recipe's name says.
        StorageError: the file cannot be written.
    """
    clean(model)
    write_metadata(model, metadata)
    check_model(model)
    recipe.ensures(model)
    with atomic_write(target) as out:
        out.write(model.SerializeToString())
    return describe(target)


def operators(model: onnx.ModelProto) -> set[str]:
    """Return the names of the operators that the model uses."""
    return {node.op_type for graph in graphs_of(model) for node in graph.node}
