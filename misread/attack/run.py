"""From pictures to a bundle: load, attack in chunks, finish on the deployed builds, write; go on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from misread import __version__
from misread.attack.clock import Clock
from misread.attack.craft import Craft, Picture
from misread.attack.curve import bundle_curve
from misread.attack.journal import digest_of, journal_of
from misread.attack.resume import take_up
from misread.attack.speed import Pace
from misread.attack.subject import check_device, open_subject, quicken
from misread.attack.tally import Tally
from misread.bundle import BundleWriter, read_bundle
from misread.data import find_samples
from misread.files import jsonable, refuse_existing
from misread.pixels import fit, to_unit
from misread.runtime.contender import sources_of
from misread.runtime.fingerprint import fingerprints
from misread.runtime.inspect.model_file import model_sha256
from misread.runtime.replay import pack_builds
from misread.runtime.session import Deployed
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from misread.attack.curve import Point
    from misread.attack.journal import Journal
    from misread.attack.options import AttackOptions
    from misread.attack.space import Space
    from misread.attack.subject import Subject
    from misread.attack.tally import Spent
    from misread.bundle import Bundle
    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.session import Reader
    from misread.stats import Rate

Progress = Callable[[str, int, int], None]
CHUNK: Final = 64
"""Pictures that are attacked together; how many go through the network at once is its pace."""
CHUNK_VALUES: Final = 2**21
"""Pixel values in one chunk: thirteen pictures of 224x224."""
_FREE: Final = frozenset({"out", "overwrite", "pack_builds", "resume"})
"""Options that may differ when a run is resumed."""


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackResult:
    """What came of it.

    Attributes:
        bundle: The witnesses.
        pictures: Pictures taken.
        unattempted: Pictures that were not reached before the time was up.
        skipped: Pictures that are misread already, or read as the goal, or whose own label is all it could want.
        found: Share of the others for which an 8-bit image is misread: by the twin, of an ONNX file by onnxruntime.
        verified: Per build, the share of the witnesses that it misreads while it reads the clean picture right;
            witnesses whose clean picture it misreads are not in the denominator.
        zero_gradients: Pictures whose gradient vanished at least once.
        passes: Mean of forward passes per attacked picture; the queries of an attack that only asks.
        gradients: Mean of gradient passes per attacked picture.
        curve: Of a minimal attack, the share of misread pictures by size of the change: one run answers for every eps.
        each: The counts of every picture.
        seconds: Wall-clock time, loading included; of a resumed run all of it, pauses left out.
        fingerprints: Of the builds that were asked, by name.
        card_from: Who said how the model is fed.
        builds_from: The same of each build.

    Examples:
        >>> made = misread.attack_to_bundle("signs", "bundle", limit=1, overwrite=True)
        >>> made.pictures, made.bundle.folder.name
        (1, 'bundle')
    """

    bundle: Bundle
    pictures: int
    unattempted: int
    skipped: int
    found: Rate
    verified: dict[str, Rate]
    zero_gradients: int
    passes: float
    gradients: float
    curve: tuple[Point, ...]
    each: tuple[Spent, ...]
    seconds: float
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)
    card_from: tuple[str, ...] = ()
    builds_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def attack_to_bundle(options: AttackOptions, *, progress: Progress = quiet) -> AttackResult:
    """Attack pictures and write the witnesses; the bundle is whole or absent.

    What is found is written as it comes, into a working folder beside the bundle; a run that was stopped goes on from
    there with ``options.resume``, to the bundle that it would have written.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
        KeyboardInterrupt: as it came; its text says how to go on.
    """
    refuse_existing(options.out, overwrite=options.overwrite)
    check_device(options.device)
    clock = Clock(options.seconds)
    progress("loading", 0, 1)
    subject = open_subject(
        options.origin,
        flags=options.flags,
        weights=options.weights,
        builds=options.builds,
        gradients=not options.only_asks,
        ensemble=options.ensemble,
        arguments=options.arguments,
        trust=options.trust,
    )
    samples = _spread(find_samples(options.pictures, subject.card.labels), options.limit)
    about, total = _about(options, subject, samples), len(samples)
    with journal_of(
        options.out, about, total=total, chunk=CHUNK, resume=options.resume, overwrite=options.overwrite
    ) as journal:
        craft = Craft(options, _quick(options, subject, samples[0], journal))
        tally, writer = Tally(builds=len(subject.judges.readers)), BundleWriter(journal.folder)
        start, done = take_up(journal, samples, writer, craft, tally)
        if done:
            clock = Clock(options.seconds, before=clock.spent + float(journal.lines[-1]["seconds"]))
        run = _Run(craft=craft, journal=journal, writer=writer, tally=tally, clock=clock, total=total)
        progress("attacking", done, total)
        for chunk in _chunks(samples, subject.card, options.space, journal.chunk, start):
            if clock.left <= 0:
                break
            for _ in run.attack(chunk, start):
                progress("attacking", len(tally.each), total)
            start += len(chunk)
        bundle = run.finish()
        if options.pack_builds:
            builds = [reader for reader in craft.judges.readers if isinstance(reader, Deployed)]
            pack_builds(journal.folder, builds, progress=progress)
            bundle = read_bundle(journal.folder)
    return run.result(replace(bundle, folder=options.out))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """A run at work."""

    craft: Craft
    journal: Journal
    writer: BundleWriter
    tally: Tally
    clock: Clock
    total: int

    def attack(self, chunk: Sequence[Picture], start: int) -> Iterator[None]:
        """Attack the pictures from `start` on; each is in the journal before it counts."""
        before, done = self.craft.state, len(self.tally.each) - start
        for at, made in enumerate(self.craft.take(chunk, self.writer, self.clock, done=done), start=done):
            line = {
                "chunk": [start, start + len(chunk)],
                "bytes": chunk[at].sample.path.stat().st_size,
                "seconds": self.clock.spent,
                "pace": self.craft.subject.pace,
                "before": before,
                "after": self.craft.state,
                "made": made,
            }
            self.journal.add(jsonable(line))
            self.tally.add(made)
            yield

    def finish(self) -> Bundle:
        """Write the manifest."""
        options, tally = self.craft.options, self.tally
        threat, attempted = options.threat, tally.count("attempted")
        said = {"transfer": options.transfer or None, "ensemble": options.ensemble or None}
        limits = said | {"passes": options.passes, "seconds": options.seconds}
        return self.writer.finish(
            card=self.craft.subject.card,
            origin=options.origin,
            threat={
                "norm": threat.norm,
                "eps": threat.eps,
                "levels": threat.levels,
                "goal": options.wish.text,
                "space": options.space,
            },
            attack={
                "name": options.attack,
                "seed": options.seed,
                "settings": jsonable(asdict(self.craft.attack)),  # type: ignore[call-overload]  # they are dataclasses
                "finished_on": [reader.name for reader in self.craft.judges.readers],
                "pace": jsonable(self.craft.subject.pace),
                **{name: value for name, value in limits.items() if value is not None},
            },
            counts={
                "pictures": self.total,
                "skipped": len(tally.each) - attempted,
                "attempted": attempted,
                "unattempted": self.total - len(tally.each),
                "proposed": tally.count("proposed"),
                "found": tally.count("found"),
            },
            created=self.journal.created,
            judges=fingerprints(self.craft.judges.readers),
        )

    def result(self, bundle: Bundle) -> AttackResult:
        """Sum up."""
        tally, attempted = self.tally, self.tally.count("attempted")
        names = [reader.name for reader in self.craft.judges.readers]
        return AttackResult(
            bundle=bundle,
            pictures=self.total,
            unattempted=self.total - len(tally.each),
            skipped=len(tally.each) - attempted,
            found=wilson(tally.count("found"), attempted),
            verified={name: wilson(*counts) for name, counts in zip(names, tally.verified, strict=True)},
            zero_gradients=sum(spent.zero_gradients > 0 for spent in tally.each),
            passes=tally.count("forwards") / max(1, attempted),
            gradients=tally.count("backwards") / max(1, attempted),
            curve=bundle_curve(bundle, attempted) if self.craft.attack.kind == "minimal" else (),
            each=tuple(tally.each),
            seconds=self.clock.spent,
            fingerprints=fingerprints(self.craft.judges.readers),
            card_from=self.craft.subject.card_from,
            builds_from={reader.name: sources_of(reader) for reader in self._builds},
        )

    @property
    def _builds(self) -> tuple[Reader, ...]:
        """The judges that are not the subject itself."""
        return self.craft.judges.readers[self.craft.subject.is_file :]


def _about(options: AttackOptions, subject: Subject, samples: Sequence[Sample]) -> dict[str, str]:
    """All that the bundle depends on, by name: the options, the weights, the pictures."""
    said = {entry.name: getattr(options, entry.name) for entry in fields(options) if entry.name not in _FREE}
    said["data"] = options.pictures.absolute()
    return {
        "misread": __version__,
        **{name: str(jsonable(value)) for name, value in said.items()},
        "weights of": digest_of([subject.digest]),
        "builds of": digest_of(model_sha256(path) for path in options.builds),
        "card": digest_of([subject.card]),
        "pictures": digest_of((sample.name, sample.label) for sample in samples),
    }


def _quick(options: AttackOptions, subject: Subject, sample: Sample, journal: Journal) -> Subject:
    """The subject at the pace of the run that is resumed, the one that is asked for, or the quickest."""
    pace = None if options.chunk is None else Pace(chunk=options.chunk)
    if journal.lines and journal.lines[-1].get("pace"):
        pace = Pace(**journal.lines[-1]["pace"])
    picture = fit(sample.read(), subject.card)
    image = torch.from_numpy(to_unit(picture[None], channels=subject.card.channels))
    return quicken(subject, image, device=options.device, pace=pace, bfloat16=options.bfloat16)


def _spread(samples: tuple[Sample, ...], limit: int | None) -> tuple[Sample, ...]:
    if limit is None or limit >= len(samples):
        return samples
    return tuple(samples[at] for at in np.linspace(0, len(samples) - 1, limit).astype(int))


def _chunks(samples: Sequence[Sample], card: ModelCard, space: Space, most: int, start: int) -> Iterator[list[Picture]]:
    """Pictures of one size in a row from `start` on, a few at a time; never all in memory."""
    chunk: list[Picture] = []
    for sample in samples[start:]:
        pixels = sample.read()
        if space == "input":
            pixels = fit(pixels, card)
        full = len(chunk) == most or (len(chunk) + 1) * pixels.size > CHUNK_VALUES
        if chunk and (full or chunk[0].pixels.shape != pixels.shape):
            yield chunk
            chunk = []
        chunk.append(Picture(sample=sample, pixels=pixels))
    if chunk:
        yield chunk
