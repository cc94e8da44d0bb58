"""The judgement itself: witnesses against readers, without a word about files of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.errors import InputError, MisreadError, OptionError
from misread.runtime.contender import Contender, Views, contender_of
from misread.runtime.ladder import RUNGS, Preprocessing
from misread.runtime.look import fits, look, prepare
from misread.runtime.noise import Jitter, NoiseFloor, floor_of, jitter, spread
from misread.runtime.verdict import BuildVerdict, Judgement, Step, Verdict, Verification, decide
from misread.stats import wilson

if TYPE_CHECKING:
    from misread.bundle import Bundle, Witness
    from misread.card import ModelCard
    from misread.runtime.ladder import Rung
    from misread.runtime.look import UInt8
    from misread.runtime.session import Reader

Progress = Callable[[str, int, int], None]

#: Witnesses over which a build's noise is measured, each by its clean and its changed picture.
NOISE_WITNESSES: Final = 32


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def judge(
    bundle: Bundle,
    readers: Sequence[Reader],
    *,
    rungs: Sequence[Rung] = RUNGS,
    noise_witnesses: int = NOISE_WITNESSES,
    progress: Progress = quiet,
) -> Verification:
    """Judge a bundle on readers that are open already: builds, or functions that stand in for them.

    Args:
        bundle: the witnesses.
        readers: each with its own name.
        rungs: the ladder; the verdicts are taken behind the first.
        noise_witnesses: over how many witnesses the noise is measured.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        OptionError: no rung, no reader, or two readers of one name.
        FileError: a picture of the bundle is missing or damaged.
    """
    contenders = [contender_of(reader) for reader in readers]
    return judge_contenders(bundle, contenders, rungs=rungs, noise_witnesses=noise_witnesses, progress=progress)


def judge_contenders(
    bundle: Bundle,
    contenders: Sequence[Contender],
    *,
    rungs: Sequence[Rung],
    noise_witnesses: int,
    progress: Progress,
) -> Verification:
    """Judge a bundle on contenders, some of which may have failed to open. Otherwise as `judge`."""
    for what, names in (("build", [c.name for c in contenders]), ("rung", [rung.name for rung in rungs])):
        if not names or len(set(names)) < len(names):
            raise OptionError(f"verification needs a {what} or more, each of another name, got {names}")
    total = len(bundle.witnesses)
    look(bundle, contenders, rungs, lambda done: progress("reading witnesses", done, total))
    builds: list[BuildVerdict] = []
    steps = list(_torch_steps(bundle))
    for done, contender in enumerate(contenders):
        progress("measuring noise", done, len(contenders))
        floor = _measure(bundle, contender, noise_witnesses)
        builds.append(_verdict(bundle, contender, rungs, floor))
        if builds[-1].available:
            steps += _steps(bundle, contender, rungs, floor)
    progress("measuring noise", len(contenders), len(contenders))
    return Verification(
        bundle=bundle.folder,
        witnesses=total,
        builds=tuple(builds),
        ladder=tuple(steps),
        origin=bundle.origin,
        threat=bundle.threat,
        attack=bundle.attack,
        counts=bundle.counts,
        labels_given=sum(witness.label_given for witness in bundle.witnesses),
    )


def _measure(bundle: Bundle, contender: Contender, wanted: int) -> NoiseFloor | None:
    """Measure a contender's noise on the bundle's own pictures; None where it cannot be read at all."""
    reader = contender.alive
    if reader is None:
        return None
    prepared = list(_sample(bundle, reader, wanted))
    if not prepared:
        return None
    stack = np.stack(prepared)
    jitters: list[Jitter] = []
    skipped: list[str] = []
    try:
        reference = reader.read_prepared(stack).logits
        singly = [reader.read_prepared(stack[at : at + 1]).logits for at in range(len(stack))]
    except MisreadError as error:
        contender.failure = error
        return None
    jitters.append(jitter("batch 1", reference, np.concatenate(singly)))
    for setting, opened in contender.settings():
        try:
            jitters.append(jitter(setting, reference, opened().read_prepared(stack).logits))
        except MisreadError as error:
            skipped.append(f"{setting}: {error}")
    return floor_of(jitters, pictures=len(stack), skipped=skipped)


def _sample(bundle: Bundle, reader: Reader, wanted: int) -> Iterator[UInt8]:
    for at in spread(len(bundle.witnesses), wanted):
        witness = bundle.witnesses[at]
        for picture in (witness.clean, witness.changed):
            image = bundle.read(picture)
            if fits(image, witness, reader.card):
                yield prepare(image, witness, reader.card)


def _verdict(bundle: Bundle, contender: Contender, rungs: Sequence[Rung], floor: NoiseFloor | None) -> BuildVerdict:
    judgements = _judgements(bundle, contender, rungs[0], floor)
    failure = contender.failure
    if failure is None and judgements and all(one.verdict is Verdict.UNAVAILABLE for one in judgements):
        failure = InputError(judgements[0].reason)
    return BuildVerdict(
        name=contender.name,
        judgements=judgements,
        sha256=contender.sha256,
        fingerprint=contender.fingerprint,
        noise=floor,
        reason="" if failure is None else str(failure),
        exit_code=0 if failure is None else failure.exit_code,
        card_from=contender.card_from,
        notes=tuple(f"no rung {rung.title}: {why}" for rung in rungs if (why := left_out(contender, rung))),
    )


def _judgements(bundle: Bundle, contender: Contender, rung: Rung, floor: NoiseFloor | None) -> tuple[Judgement, ...]:
    if contender.alive is None:
        lost: list[Views | str] = [str(contender.failure)] * len(bundle.witnesses)
        return tuple(_judgement(*pair, floor, contender) for pair in zip(bundle.witnesses, lost, strict=True))
    views = contender.views.get(rung.name, [])
    return tuple(_judgement(*pair, floor, contender) for pair in zip(bundle.witnesses, views, strict=True))


def _judgement(witness: Witness, views: Views | str, floor: NoiseFloor | None, contender: Contender) -> Judgement:
    return judgement_of(witness, views, floor, contender.reader.card if contender.reader else None)


def judgement_of(witness: Witness, views: Views | str, floor: NoiseFloor | None, card: ModelCard | None) -> Judgement:
    """Return the verdict that follows from what was seen.

    Args:
        witness: that was shown.
        views: what was seen of it, or why nothing was.
        floor: the build's noise.
        card: of the build, for its labels; None where there is no reader.
    """
    if isinstance(views, str) or card is None:
        reason = views if isinstance(views, str) else ""
        return Judgement(
            witness=witness.id, label=witness.label, goal=witness.goal, verdict=Verdict.UNAVAILABLE, reason=reason
        )
    # A build may write its labels in other letters; verdicts compare what the build's own card calls them.
    label = card.labels[card.index(witness.label)]
    goal = witness.goal.spelt(card)
    verdict, misread = decide(views.clean, views.changed, label=label, goal=goal, noise=floor)
    return Judgement(
        witness=witness.id,
        label=label,
        goal=goal,
        verdict=verdict,
        clean=views.clean,
        changed=views.changed,
        placebo=views.placebo,
        misread=misread,
        reason="a logit is not a number" if verdict is Verdict.UNAVAILABLE else "",
    )


def _torch_steps(bundle: Bundle) -> Iterator[Step]:
    """Return the two rungs that the host recorded when it made the bundle."""
    dead: set[str] = set()
    for rung, title, failed in (
        ("torch-float", "torch float", [one.id for one in bundle.witnesses if not one.torch_float]),
        ("torch-8bit", "torch 8-bit", [one.id for one in bundle.witnesses if not one.torch_8bit]),
    ):
        survived = wilson(len(bundle.witnesses) - len(failed), len(bundle.witnesses))
        killed = tuple(name for name in failed if name not in dead)
        dead |= set(failed)
        yield Step(reader="torch", rung=rung, title=title, survived=survived, killed=killed)


def left_out(contender: Contender, rung: Rung) -> str:
    """Return why a rung says nothing new of a build, empty where it does."""
    if not isinstance(rung, Preprocessing):
        return ""
    views = contender.views.get(rung.name, [])
    reasons = [view for view in views if isinstance(view, str)]
    return reasons[0] if reasons and len(reasons) == len(views) else ""


def _steps(bundle: Bundle, contender: Contender, rungs: Sequence[Rung], floor: NoiseFloor | None) -> Iterator[Step]:
    """Follow the witnesses down one build's rungs; who fell on the host's rungs is not killed again."""
    dead = {witness.id for witness in bundle.witnesses if not (witness.torch_float and witness.torch_8bit)}
    for rung in rungs:
        if left_out(contender, rung):
            continue
        judged = _judgements(bundle, contender, rung, floor)
        failed = [one.witness for one in judged if one.verdict in {Verdict.REFUTED, Verdict.CONTESTED}]
        tally = {verdict: sum(one.verdict is verdict for one in judged) for verdict in Verdict}
        killed = tuple(name for name in failed if name not in dead)
        dead |= set(failed)
        yield Step(
            reader=contender.name,
            rung=rung.name,
            title=rung.title,
            survived=wilson(tally[Verdict.VERIFIED], tally[Verdict.VERIFIED] + len(failed)),
            excluded=tally[Verdict.EXCLUDED],
            contested=tally[Verdict.CONTESTED],
            unavailable=tally[Verdict.UNAVAILABLE],
            killed=killed,
        )
