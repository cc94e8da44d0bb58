"""`misread eval`: how well a reader reads labelled pictures, from their files through the whole path."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.data import in_order, read_classes, sorted_classes, stream_samples
from misread.data.classes import SORTED
from misread.errors import FileError, InputError, OptionError
from misread.files import refuse_existing
from misread.pixels import fit
from misread.runtime.contender import sources_of
from misread.runtime.evaluate.lines import Line, check_name, writing
from misread.runtime.evaluate.result import Evaluation, Unreadable
from misread.runtime.evaluate.tally import Tally
from misread.runtime.fingerprint import fingerprint
from misread.runtime.judge import Progress, quiet
from misread.runtime.session import Deployed
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.session import Reader

__all__ = ["EvalOptions", "Evaluation", "evaluate"]

UInt8 = NDArray[np.uint8]

MAX_BATCH: Final = 32
MAX_HELD_BYTES: Final = 64 * 2**20
MAX_NAMED: Final = 1000
AHEAD: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalOptions:
    """What to read, and what to make of it.

    Attributes:
        data: labelled pictures, as `misread.data.find_samples` takes them.
        limit: at most so many, spread evenly.
        classes: a file that says what the data's names of classes mean, as `misread.data.read_classes` takes it, or
            the word `sorted`: the class folders are numbered in the order of their names.
        min_accuracy: share of right readings from which it passes, or None.
        out: a .csv or .jsonl file for a line on each picture, or None.
        overwrite: replace that file.
        workers: threads that decode and resize; 0 takes what this process may use.
    """

    data: Path
    limit: int | None = None
    classes: Path | None = None
    min_accuracy: float | None = None
    out: Path | None = None
    overwrite: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no answer."""
        if self.limit is not None and not self.limit >= 1:
            raise OptionError(f"limit is a number of pictures from 1, got {self.limit}")
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise OptionError(f"min-accuracy is a fraction in [0, 1], got {self.min_accuracy:g}; write 0.9, not 90")
        if not 0 <= self.workers <= 1024:
            raise OptionError(f"workers must be from 0 (automatic) to 1024, got {self.workers}")
        if self.out is not None:
            check_name(self.out)


def evaluate(reader: Reader, options: EvalOptions, *, progress: Progress = quiet) -> Evaluation:
    """Read every picture once, a batch at a time. A picture that cannot be read is named and counted, and it goes on.

    Args:
        reader: a build, a twin, a function.
        options: what to read.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        FileError: no data, or not one picture of them can be read.
        InputError: a class that the model does not know, or pictures without a label.
        StorageError: the lines cannot be written.
    """
    start = time.perf_counter()
    if options.out is not None:
        refuse_existing(options.out, overwrite=options.overwrite)
    card = reader.card
    samples = stream_samples(options.data, card.labels, names=_names(options, card), limit=options.limit)
    tally, lost, seen = Tally(card.labels), _Lost(), 0
    pictures = in_order(
        _labelled(samples.each, options.data),
        partial(_prepared, card=card),
        workers=options.workers or usable_threads(),
        ahead=1 if card.baked_preprocessing else AHEAD,
    )
    with writing(options.out) as write, closing(pictures):
        for batch in _batches(pictures, _batch_size(card)):
            for line in _lines(reader, batch, tally):
                lost.add(line)
                write(line)
            seen += len(batch)
            progress("reading pictures", seen, samples.total or 0)
        progress("reading pictures", seen, seen)
        if not tally.pictures:
            raise FileError(f"none of the {seen} pictures in {options.data} can be read; {lost.named[0].reason}")
    return _result(reader, options, tally, lost, seconds=time.perf_counter() - start)


@dataclass(slots=True)
class _Lost:
    """Pictures that could not be read: how many, and the first of them by name."""

    times: int = 0
    named: list[Unreadable] = field(default_factory=list)

    def add(self, line: Line) -> None:
        if line.error is None:
            return
        self.times += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(Unreadable(name=line.file, reason=line.error))


def _names(options: EvalOptions, card: ModelCard) -> dict[str, int] | None:
    if options.classes is None:
        return None
    if str(options.classes) == SORTED:
        return sorted_classes(options.data, card.labels)
    return read_classes(options.classes, card.labels)


def _labelled(samples: Iterable[Sample], data: Path) -> Iterator[Sample]:
    for sample in samples:
        if sample.label is None:
            raise InputError(
                f"nobody said what {sample.name} in {data} shows; put the pictures into one folder a class, named by "
                "label, or give a CSV with the columns file,label"
            )
        yield sample


def _prepared(sample: Sample, *, card: ModelCard) -> tuple[Sample, UInt8 | str]:
    """Return the picture at the input's size, (h, w, 3) uint8, or why it cannot be read.

    A build that prepares pictures itself is given the whole one.
    """
    try:
        return sample, sample.read() if card.baked_preprocessing else fit(sample.read(), card)
    except FileError as error:
        return sample, str(error)


def _batches(pictures: Iterable[tuple[Sample, UInt8 | str]], size: int) -> Iterator[list[tuple[Sample, UInt8 | str]]]:
    batch: list[tuple[Sample, UInt8 | str]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _batch_size(card: ModelCard) -> int:
    if card.baked_preprocessing:
        return 1  # whole pictures are large, and seldom of one size
    return max(1, min(MAX_BATCH, MAX_HELD_BYTES // (3 * card.size_hw[0] * card.size_hw[1])))


def _lines(reader: Reader, batch: list[tuple[Sample, UInt8 | str]], tally: Tally) -> Iterator[Line]:
    """Read and count a batch; yield what is to be said of each picture, in order."""
    kept = [(sample.label, found) for sample, found in batch if not isinstance(found, str)]
    said: Iterator[tuple[str, float, int]] = iter(())
    if kept:
        pictures = [picture for _, picture in kept]
        whole = reader.card.baked_preprocessing
        reading = reader.read(pictures) if whole else reader.read_prepared(np.stack(pictures))
        places = tally.add(reading, np.array([label for label, _ in kept], np.int64))
        said = zip(reading.labels, reading.confidence.tolist(), places.tolist(), strict=True)
    for sample, found in batch:
        label = tally.labels[sample.label or 0]
        if isinstance(found, str):
            yield Line(file=sample.name, label=label, error=found)
            continue
        read, confidence, place = next(said)
        yield Line(file=sample.name, label=label, read=read, confidence=confidence, place=place)


def _result(reader: Reader, options: EvalOptions, tally: Tally, lost: _Lost, *, seconds: float) -> Evaluation:
    ran = fingerprint(reader) if isinstance(reader, Deployed) else None
    return Evaluation(
        model=reader.name,
        model_sha256=ran.model_sha256 if ran else getattr(reader, "weights_sha256", None),
        card_from=sources_of(reader),
        data=str(options.data),
        pictures=tally.pictures + lost.times,
        top1=tally.top1(),
        top5=tally.top5(),
        classes=tally.classes(),
        confusions=tally.confusions(),
        calibration=tally.calibration(),
        unreadable=lost.times,
        unreadable_named=tuple(lost.named),
        min_accuracy=options.min_accuracy,
        out=options.out,
        seconds=seconds,
        fingerprint=ran,
    )
