"""`Deployed`: an ONNX file in onnxruntime, fed by its card."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from misread.cards import GIVEN, find_card
from misread.errors import FileError, ModelError, ModelRunError
from misread.pixels import fit
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.pictures import PictureInput, by_size
from misread.runtime.session.boundary import is_foreign, ort_errors, translated
from misread.runtime.session.buffers import Buffers, Pool
from misread.runtime.session.feed import Feed, Pictures
from misread.runtime.session.graph import DTYPES, Graph
from misread.runtime.session.options import SessionOptions, denormals_are_flushed
from misread.runtime.session.placement import CPU, check_placement
from misread.runtime.session.reading import TINY, Reading, as_logits
from misread.runtime.strangers import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

MAX_BATCH: Final = 32
_FLOAT32: Final = np.dtype(np.float32)


class Deployed:
    """An ONNX file in onnxruntime, fed by its card. Open it with `Deployed.open`.

    Threads may share one; each run has buffers of its own. Pickled, it is the file, its card and its options, and is
    opened again.

    Attributes:
        fixed_batch: pictures per call, where that is not free: the file says so, or its operators take the range of
            values from the whole batch, so that a picture's neighbours would have a say in how it is read.
        card_sources: who supplied the card: misread's own, other conventions, the graph, the flags.

    Examples:
        >>> build = misread.load_build("signs.onnx", session=misread.SessionOptions(threads=1))
        >>> build.name, build.options.threads
        ('signs.onnx', 1)
    """

    def __init__(
        self, path: Path, session: ort.InferenceSession, card: ModelCard, options: SessionOptions, graph: Graph
    ) -> None:
        self.path, self.session, self.card, self.options = path, session, card, options
        self.name = path.name
        self.card_sources: tuple[str, ...] = (GIVEN,)
        self.fixed_batch, self._graph = graph.fixed_batch, graph
        (feed, kind, _), (logits, answer, _) = graph.inputs[0], graph.outputs[0]
        self._names = (feed, logits)
        self._least = 2.0**-24 if answer == "tensor(float16)" else TINY
        self._whole = PictureInput(session, card) if card.baked_preprocessing else None
        self._feed, self._pool = Feed(card, np.float32 if self._whole else DTYPES[kind]), Pool()
        self._done = (*card.size_hw, 3) if card.resize == "squash" else None
        self._run_options = options.run_options()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        card: ModelCard | CardFacts | None = None,
        spare: tuple[str, ModelCard] | None = None,
        options: SessionOptions | None = None,
    ) -> Self:
        """Load a build and make sure that it is a classifier that its card describes.

        Args:
            path: an ONNX file.
            card: for a file that carries none; what stands inside the file comes first, by any convention of
                `misread.cards`, and this fills what that leaves open.
            spare: a card that lies at hand, such as a bundle's, and what results call it; it comes last.
            options: how to run it.

        Raises:
            FileError: no such file, or no ONNX in it.
            ModelError: no image classifier, no card, or a card that does not fit; or a file that is refused, or failed
                its trial, see `misread.runtime.strangers`.
            ModelRunError: it asks for too much memory, or does not run on the providers that were asked for.
        """
        options = options or SessionOptions()
        path = Path(path)
        screen(path, card, spare)
        session, graph = _load(path, options)
        graph.check_classifier(path)
        found = find_card(graph.metadata, name=str(path), given=card, declared=graph.declared, spare=spare)
        if found is None:
            raise ModelError(f"{path} carries no card, so how to feed it is unknown; give --labels FILE and --size PX")
        graph.check_card(path, found.card)
        deployed = cls(path, session, found.card, options, graph)
        deployed.card_sources = found.sources
        height, width = found.card.size_hw
        deployed._run(np.zeros((1, height, width, 3), np.uint8), deployed.fixed_batch or 1)
        return deployed

    def fed_by(self, card: ModelCard) -> Self:
        """Return the same session fed by another card, to see what that changes.

        Raises:
            ModelError: the graph does not take such an input.
        """
        self._graph.check_card(self.path, card)
        other = type(self)(self.path, self.session, card, self.options, self._graph)
        other.name = self.name
        return other

    @property
    def sha256(self) -> str:
        """Hash of the file, and of those that hold its weights, 64 hexadecimal digits."""
        return model_sha256(self.path)

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read (h, w, 3) uint8 RGB pictures of any size through resize, crop, colour order and scale."""
        if self._whole:
            return self._read_whole(images, self._whole)
        if len(images) <= MAX_BATCH:
            return Reading(logits=self.run([self._fitted(image) for image in images]), card=self.card)
        parts = [self.read(images[start : start + MAX_BATCH]).logits for start in range(0, len(images), MAX_BATCH)]
        return Reading(logits=np.concatenate(parts), card=self.card)

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Read (n, h, w, 3) uint8 RGB pictures that already have the input's size."""
        if len(prepared) <= MAX_BATCH:
            return Reading(logits=self.run(prepared), card=self.card)
        parts = [self.run(prepared[start : start + MAX_BATCH]) for start in range(0, len(prepared), MAX_BATCH)]
        return Reading(logits=np.concatenate(parts), card=self.card)

    def run(self, prepared: Pictures) -> Float32:
        """Run one batch of (n, h, w, 3) uint8 prepared pictures; return (n, k) float32 logits.

        Raises:
            ModelRunError: onnxruntime failed, or an output is not finite.
        """
        count = len(prepared)
        size = self.fixed_batch or count or 1
        if count == size:
            outputs = self._run(prepared, size)
        else:
            parts = [self._run(prepared[start : start + size], size) for start in range(0, count, size)]
            outputs = np.concatenate([np.empty((0, len(self.card.labels)), np.float32), *parts])
        return self._logits(outputs)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the way to open it again; onnxruntime's sessions cannot be copied."""
        kept = {name: getattr(self, name) for name in ("path", "card", "options", "name", "card_sources")}
        return {**kept, "sha256": self.sha256}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """Open it again.

        Raises:
            FileError: the file is gone, or another one now.
        """
        again = type(self).open(kept["path"], card=kept["card"], options=kept["options"])
        if again.sha256 != kept["sha256"]:
            raise FileError(f"{kept['path']} has changed since it was handed over; open it again by its name")
        self.__dict__.update(vars(again), name=kept["name"], card_sources=kept["card_sources"])

    def _fitted(self, image: UInt8) -> UInt8:
        """Bring a picture to size; the writer looks at those that have it, so that they need not be looked at twice."""
        return image if image.shape == self._done else fit(image, self.card)

    def _read_whole(self, images: Sequence[UInt8], whole: PictureInput) -> Reading:
        """Read pictures with a build that prepares them itself, those of one size together."""
        logits = np.empty((len(images), len(self.card.labels)), np.float32)
        for numbers, stack in by_size(images, self.fixed_batch or MAX_BATCH):
            outputs = self._run_whole(stack, self.fixed_batch or len(stack), whole, prepared=False)
            logits[numbers] = self._logits(outputs)
        return Reading(logits=logits, card=self.card)

    def _run_whole(self, pictures: Pictures, size: int, whole: PictureInput, *, prepared: bool) -> Float32:
        with ort_errors(f"onnxruntime could not run {self.path}", ModelRunError, name=str(self.path)):
            values = whole.run(pictures, size, self._run_options, prepared=prepared)
        self._check_width(values, size)
        rows: Float32 = values[: len(pictures)].astype(np.float32)
        return rows

    def _logits(self, outputs: Float32) -> Float32:
        if not _finite(outputs):
            raise ModelRunError(
                f"{self.name} returned values that are not finite; the model or its precision is broken"
            )
        return as_logits(outputs, self.card, least=self._least)

    def _run(self, prepared: Pictures, size: int) -> Float32:
        """Run up to `size` pictures as `size`; return a row of values for each, none of which lies in a buffer.

        Raises:
            ModelError: there is not one value for each label.
            ModelRunError: onnxruntime failed.
        """
        if self._whole:
            return self._run_whole(prepared, size, self._whole, prepared=True)
        buffers = self._pool.take(size) or Buffers(self.session, self._feed, size, self._names)
        buffers.write(prepared)
        try:
            values = buffers.run(self._run_options)
        except Exception as error:
            if not is_foreign(error):
                raise
            said, path = f"onnxruntime could not run {self.path}", str(self.path)
            raise translated(error, said, ModelRunError, name=path) from error
        self._check_width(values, size)
        self._pool.put(buffers)
        rows = values if len(prepared) == size else values[: len(prepared)]
        return rows if rows.dtype == _FLOAT32 else rows.astype(np.float32)

    def _check_width(self, values: NDArray[Any], size: int) -> None:
        labels = len(self.card.labels)
        if values.shape[1] != labels:
            raise ModelError(
                f"{self.path} returns {values.size / size:g} values a picture and its card has {labels} labels; "
                "give the labels that belong to it with --labels FILE"
            )


def _finite(outputs: Float32) -> bool:
    """Tell whether all values are finite: their squares' sum is, or else each is asked for itself."""
    return math.isfinite(np.vdot(outputs, outputs)) or bool(np.isfinite(outputs).all())


def _load(path: Path, options: SessionOptions) -> tuple[ort.InferenceSession, Graph]:
    """Open a session that stays on its providers: onnxruntime would print, fall back to the CPU and go on."""
    said = f"{path} is not an ONNX model that onnxruntime {ort.__version__} can load"
    kind: type[FileError | ModelRunError] = FileError
    if options.providers != (CPU,):
        said, kind = f"onnxruntime {ort.__version__} cannot open {path} on {options.providers[0]}", ModelRunError
    with ort_errors(said, kind, name=str(path)):
        session = ort.InferenceSession(
            str(path), options.native(), providers=options.native_providers(), enable_fallback=0
        )
        session.disable_fallback()
        graph = Graph.of(session)
    check_placement(str(path), session, options.providers)
    if options.flush_denormals and not denormals_are_flushed():
        raise ModelRunError(
            f"{path} was to run with flush_denormals, which onnxruntime takes from the first session of a process, and "
            "that one had it off; start a new process and ask for it from the beginning"
        )
    return session, graph
