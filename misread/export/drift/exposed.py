"""A build whose inner tensors can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from misread.errors import ModelError
from misread.export.drift.graph import Steps, steps_of
from misread.export.onnx_file import read_model
from misread.export.twin import first_line
from misread.pixels import to_input
from misread.runtime.session.graph import DTYPES

if TYPE_CHECKING:
    from pathlib import Path

    from misread.card import ModelCard
    from misread.runtime.session import SessionOptions

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

#: Where onnxruntime looks for weights in other files, which it keeps inside that folder.
_BESIDE: Final = "session.model_external_initializers_file_folder_path"
_FLOATS: Final = frozenset({"tensor(float)", "tensor(float16)", "tensor(double)"})


class Exposed:
    """A build with every tensor that depends on the picture among its outputs.

    A tensor that is an output is kept as it is, so onnxruntime fuses less than it does in the build itself.

    Attributes:
        steps: of its graph.
        names: of the float tensors, in the order of computation.
        card: how it is fed.
    """

    def __init__(self, session: ort.InferenceSession, steps: Steps, card: ModelCard) -> None:
        self.steps, self.card, self._session = steps, card, session
        floats = {entry.name for entry in session.get_outputs() if entry.type in _FLOATS}
        self.names = tuple(dict.fromkeys(step.output for step in steps.steps if step.output in floats))
        self._input = session.get_inputs()[0]
        batch = self._input.shape[0]
        self._batch = batch if isinstance(batch, int) and batch > 0 else 1

    @classmethod
    def open(cls, path: Path, card: ModelCard, options: SessionOptions) -> Self:
        """Open a build so that its inner tensors can be read.

        Raises:
            FileError: no ONNX file.
            ModelError: onnxruntime refuses the graph.
        """
        model = read_model(path)
        steps = steps_of(model.graph)
        there = {entry.name for entry in model.graph.output}
        inner = dict.fromkeys(step.output for step in steps.steps if step.output not in there)
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
        native = options.native()
        native.add_session_config_entry(_BESIDE, str(path.parent))
        try:
            session = ort.InferenceSession(model.SerializeToString(), native, providers=options.native_providers())
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ModelError(f"the layers of {path} cannot be read: {first_line(error)}") from error
        return cls(session, steps, card)

    def run(self, prepared: UInt8, names: tuple[str, ...]) -> dict[str, Float32]:
        """Return tensors of one prepared picture, (h, w, 3) uint8, by name."""
        planes: NDArray[Any] = np.repeat(to_input(prepared[None], self.card), self._batch, axis=0)
        values = self._session.run(list(names), {self._input.name: planes.astype(DTYPES[self._input.type])})
        return {name: self._one(np.asarray(value, np.float32)) for name, value in zip(names, values, strict=True)}

    def _one(self, value: Float32) -> Float32:
        return value[:1] if value.ndim and len(value) == self._batch else value
