"""Readers: whatever reads pictures. `Deployed` is an ONNX file in onnxruntime; this is the one place that calls it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, get_args

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from misread.cards import GIVEN, find_card
from misread.cards.facts import CardFacts
from misread.errors import FileError, MisreadError, ModelError, ModelRunError, OptionError
from misread.files import sha256_file
from misread.pixels import fit, to_input
from misread.registry import unknown
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from misread.card import ModelCard

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Level = Literal["disable", "basic", "extended", "all"]

MAX_BATCH: Final = 32
_LEVELS: Final = {
    "disable": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
_TINY: Final = float(np.finfo(np.float32).tiny)
_MIXING: Final = frozenset({"DynamicQuantizeLinear", "DynamicQuantizeMatMul"})
_STATUS: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_DTYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOptions:
    """How onnxruntime runs a build; part of what a verdict is about.

    Attributes:
        threads: intra-operator threads; 0 takes what this process may use (affinity and container quota).
        level: graph optimisation.
        providers: execution providers in order; each must be available, onnxruntime would fall back in silence.
        spinning: let idle threads spin (faster bursts, warmer boards).
    """

    threads: int = 0
    level: Level = "all"
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    spinning: bool = False

    def __post_init__(self) -> None:
        """Refuse what onnxruntime would silently replace."""
        if not 0 <= self.threads <= 1024:
            raise OptionError(f"threads must be from 0 (automatic) to 1024, got {self.threads}")
        if self.level not in get_args(Level):
            raise OptionError(unknown("optimisation level", self.level, get_args(Level)))
        available = ort.get_available_providers()
        for provider in self.providers:
            if provider not in available:
                raise OptionError(unknown("execution provider", provider, available))

    def native(self) -> ort.SessionOptions:
        """Return onnxruntime's own options."""
        native = ort.SessionOptions()
        native.intra_op_num_threads = self.threads or usable_threads()
        native.inter_op_num_threads = 1
        native.graph_optimization_level = _LEVELS[self.level]
        native.log_severity_level = 4
        native.add_session_config_entry("session.intra_op.allow_spinning", "1" if self.spinning else "0")
        native.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        return native


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a reader said of n pictures.

    Attributes:
        logits: (n, k) float32; the logarithm where the model returns probabilities.
        card: of the reader, for the labels.
    """

    logits: Float32
    card: ModelCard

    @property
    def classes(self) -> NDArray[np.int64]:
        """(n,) int64, the output number with the largest logit."""
        top: NDArray[np.int64] = self.logits.argmax(axis=1)
        return top

    @property
    def labels(self) -> tuple[str, ...]:
        """The label read off each picture."""
        return tuple(self.card.labels[index] for index in self.classes)

    @property
    def confidence(self) -> Float32:
        """(n,) float32 in [0, 1]: softmax of the label that was read."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        top: Float32 = (1 / shifted.sum(axis=1)).astype(np.float32)
        return top

    def margin(self, truth: Sequence[int] | NDArray[np.integer]) -> Float32:
        """(n,) float32: logit of the label `truth` less the largest of the others; negative means misread."""
        rows = np.arange(len(self.logits))
        others = self.logits.copy()
        others[rows, np.asarray(truth)] = -np.inf
        margin: Float32 = self.logits[rows, np.asarray(truth)] - others.max(axis=1)
        return margin


class Reader(Protocol):
    """Whatever reads pictures: a build, a twin, a function."""

    @property
    def name(self) -> str:
        """How results call it."""

    @property
    def card(self) -> ModelCard:
        """How it must be fed."""

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read uint8 RGB pictures of any size through the whole path."""

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Read (n, h, w, 3) uint8 RGB pictures that already have the input's size."""


class Deployed:
    """An ONNX file in onnxruntime, fed by its card. Open it with `Deployed.open`.

    Attributes:
        fixed_batch: pictures per call, where that is not free: the file says so, or its operators take the range of
            values from the whole batch, so that a picture's neighbours would have a say in how it is read.
        card_sources: who supplied the card: misread's own, other conventions, the graph, the flags.
    """

    def __init__(self, path: Path, session: ort.InferenceSession, card: ModelCard, options: SessionOptions) -> None:
        self.path, self.session, self.card, self.options = path, session, card, options
        self.name = path.name
        self.card_sources: tuple[str, ...] = (GIVEN,)
        self._input, self._output = session.get_inputs()[0], session.get_outputs()[0]
        batch = self._input.shape[0]
        self.fixed_batch: int | None = batch if isinstance(batch, int) and batch > 0 else 1 if _mixes(session) else None

    @classmethod
    def open(cls, path: Path, *, card: ModelCard | None = None, options: SessionOptions | None = None) -> Self:
        """Load a build and make sure that it is a classifier that its card describes.

        Args:
            path: an ONNX file.
            card: for a file that carries none; what stands inside the file comes first, by any convention of
                `misread.cards`, and this fills what that leaves open.
            options: how to run it.

        Raises:
            FileError: no such file, or no ONNX in it.
            ModelError: no image classifier, no card, or a card that does not fit.
        """
        options = options or SessionOptions()
        path = Path(path)
        if not path.is_file():
            raise FileError(f"cannot read {path}: no such file; expected an ONNX model, make one with: misread export")
        with _ort_errors(f"{path} is not an ONNX model that onnxruntime {ort.__version__} can load", FileError):
            session = ort.InferenceSession(str(path), options.native(), providers=list(options.providers))
        _check_classifier(path, session)
        metadata = session.get_modelmeta().custom_metadata_map
        found = find_card(metadata, name=str(path), given=card, declared=_declared(session))
        if found is None:
            raise ModelError(f"{path} carries no card, so how to feed it is unknown; give --labels FILE and --size PX")
        _check_card(path, session, found.card)
        deployed = cls(path, session, found.card, options)
        deployed.card_sources = found.sources
        deployed._check_outputs()
        return deployed

    @property
    def sha256(self) -> str:
        """Hash of the file, 64 hexadecimal digits."""
        return sha256_file(self.path)

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read (h, w, 3) uint8 RGB pictures of any size through resize, crop, colour order and scale."""
        if not len(images):
            return Reading(logits=np.empty((0, len(self.card.labels)), np.float32), card=self.card)
        return self.read_prepared(np.stack([fit(image, self.card) for image in images]))

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Read (n, h, w, 3) uint8 RGB pictures that already have the input's size."""
        parts = [self.run(prepared[start : start + MAX_BATCH]) for start in range(0, len(prepared), MAX_BATCH)]
        logits = np.concatenate(parts) if parts else np.empty((0, len(self.card.labels)), np.float32)
        return Reading(logits=logits, card=self.card)

    def run(self, prepared: UInt8) -> Float32:
        """Run one batch of (n, h, w, 3) uint8 prepared pictures; return (n, k) float32 logits.

        Raises:
            ModelRunError: onnxruntime failed, or an output is not finite.
        """
        planes = to_input(prepared, self.card).astype(_DTYPES[self._input.type], copy=False)
        size = self.fixed_batch
        if size is None or size == len(planes):
            outputs = self._run(planes)
        else:
            padded = np.concatenate([planes, np.repeat(planes[-1:], -len(planes) % size, axis=0)])
            chunks = [self._run(padded[start : start + size]) for start in range(0, len(padded), size)]
            outputs = np.concatenate(chunks)[: len(planes)]
        if not np.isfinite(outputs).all():
            raise ModelRunError(
                f"{self.name} returned values that are not finite; the model or its precision is broken"
            )
        half = self._output.type == "tensor(float16)"
        return _as_logits(outputs, self.card, least=2.0**-24 if half else _TINY)

    def _run(self, planes: NDArray[Any]) -> Float32:
        with _ort_errors(f"onnxruntime could not run {self.path}", ModelRunError):
            result = self.session.run([self._output.name], {self._input.name: planes})[0]
        flat: Float32 = np.asarray(result, np.float32).reshape(len(planes), -1)
        return flat

    def _check_outputs(self) -> None:
        """Run once: the shapes that a graph declares need not be those that it returns."""
        height, width = self.card.size_hw
        outputs = self._run(
            np.zeros((self.fixed_batch or 1, self.card.channels, height, width), _DTYPES[self._input.type])
        )
        if outputs.shape[1] != len(self.card.labels):
            raise ModelError(
                f"{self.path} returns {outputs.shape[1]} values a picture and its card has {len(self.card.labels)} "
                "labels; give the labels that belong to it with --labels FILE"
            )


class FunctionReader:
    """A reader made of a function: the test double that ships, and the way to join another runtime."""

    def __init__(self, card: ModelCard, function: Callable[[UInt8], NDArray[Any]], *, name: str = "function") -> None:
        self.card, self.name, self._function = card, name, function

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read pictures of any size: resize and crop by the card, then call the function."""
        if not len(images):
            return Reading(logits=np.empty((0, len(self.card.labels)), np.float32), card=self.card)
        return self.read_prepared(np.stack([fit(image, self.card) for image in images]))

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Call the function with (n, h, w, 3) uint8; it returns (n, k) logits or probabilities, as the card says."""
        outputs = np.asarray(self._function(prepared), np.float32)
        return Reading(logits=_as_logits(outputs, self.card), card=self.card)


def _as_logits(outputs: Float32, card: ModelCard, *, least: float = _TINY) -> Float32:
    """Take the logarithm of probabilities; 0 counts as the least number that the output's type can hold."""
    if card.output == "logits":
        return outputs
    logits: Float32 = np.log(np.maximum(outputs, np.float32(least)))
    return logits


def _check_classifier(path: Path, session: ort.InferenceSession) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        found = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
        raise ModelError(f"{path} is no image classifier: expected one input (n, c, h, w) of numbers, got {found}")
    if len(outputs) != 1:
        raise ModelError(f"{path} is no image classifier: expected one output (n, classes), got {len(outputs)}")


def _declared(session: ort.InferenceSession) -> CardFacts:
    """Return what the graph itself says of its input: its size, where that is fixed, and grey for one channel."""
    channels, *size = session.get_inputs()[0].shape[1:]
    fixed = all(isinstance(side, int) and side > 0 for side in size)
    return CardFacts(size_hw=(size[0], size[1]) if fixed else None, colour="grey" if channels == 1 else None)


def _check_card(path: Path, session: ort.InferenceSession, card: ModelCard) -> None:
    shape = session.get_inputs()[0].shape
    wanted = (card.channels, *card.size_hw)
    for declared, given in zip(shape[1:], wanted, strict=True):
        if isinstance(declared, int) and declared > 0 and declared != given:
            raise ModelError(f"{path} takes {shape[1:]} (channels, height, width) and its card says {list(wanted)}")


def _mixes(session: ort.InferenceSession) -> bool:
    """Whether an operator quantises by the range of a whole batch; False where onnxruntime is too old to tell."""
    ask = getattr(session, "get_provider_graph_assignment_info", tuple)
    return any(node.op_type in _MIXING for part in ask() for node in part.get_nodes())


@contextmanager
def _ort_errors(said: str, kind: type[MisreadError]) -> Generator[None]:
    """The one boundary that foreign errors cross: onnxruntime's exceptions share no public base."""
    try:
        yield
    except MisreadError:
        raise
    except Exception as error:
        if not _from_onnxruntime(error):
            raise
        raise kind(f"{said}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = _STATUS.sub("", str(error).strip()).splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _from_onnxruntime(error: Exception) -> bool:
    return type(error).__module__.startswith("onnxruntime") or isinstance(error, RuntimeError | ValueError)
