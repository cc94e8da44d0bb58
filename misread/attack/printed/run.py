"""Make the changes, measure them, write them down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from misread.attack.goal import goal_of
from misread.attack.physical import make_physical_witness
from misread.attack.physical.make import held_out_captures
from misread.attack.physical.record import record_physical
from misread.attack.printed.where import backgrounds_in, given
from misread.attack.subject import open_subject
from misread.bundle import BundleWriter, read_bundle
from misread.errors import InputError
from misread.export.origin import Origin
from misread.files import atomic_folder, jsonable, refuse_existing
from misread.report.json import dumps
from misread.runtime.session import Deployed
from misread.stats import clip_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from misread.attack.physical import PhysicalOptions, PhysicalOutcome
    from misread.attack.physical.threats import PhysicalThreat
    from misread.attack.printed.options import PrintedOptions
    from misread.attack.printed.where import Given
    from misread.card import ModelCard
    from misread.stats import Rate
    from misread.wish import Wish

    Progress = Callable[[str, int, int], None]
    Capture = Callable[[NDArray[np.uint8]], Iterator[NDArray[np.uint8]]]

DRAWS = "draws.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arms:
    """How the held-out captures are read; the same captures for every arm.

    Attributes:
        control: Frames in which the clean picture is read right.
        success: Frames in which the changed picture reaches the goal.
        placebo: Frames in which the placebo is misread, as anything.
    """

    control: Rate
    success: Rate
    placebo: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedWitness:
    """One change.

    Attributes:
        witness: Its name in the bundle.
        search: `eot`, over random captures, or `digital`, for the perfect one.
        share: Share of the sign that might change.
        level: Largest change of any value, in levels of 255.
        tv: Mean difference of neighbours in the change, or in what covers the sign, of full scale.
        nonprintability: Mean distance of what may change to the nearest printable colour, of full scale.
        torch: As the twin reads the captures.
        grain: Frames in which a control with the same grain is misread, as anything.
        builds: As each deployed build reads them in onnxruntime, by its file's name.
        seconds: Wall-clock time.
    """

    witness: str
    search: str
    share: float
    level: int
    tv: float
    nonprintability: float
    torch: Arms
    grain: Rate
    builds: Mapping[str, Arms]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedResult:
    """What came of it. The captures are simulated; the camera has the last word.

    Attributes:
        bundle: Its folder.
        picture: The picture file.
        label: What it shows.
        goal: What counts as success.
        threat: What was done to the sign.
        profile: Channel profile and version.
        witnesses: Each change.
    """

    bundle: Path
    picture: Path
    label: str
    goal: str
    threat: str
    profile: str
    witnesses: tuple[PrintedWitness, ...]

    @property
    def sentence(self) -> str:
        """What happened, in numbers."""
        first = self.witnesses[0]
        nothing = "" if first.torch.success.hits else " So nothing was found that holds; the witness is what was tried."
        return (
            f"{self.label}: in simulated captures that no search saw, the change ({self.threat}) reaches the goal in "
            f"{first.torch.success.text()}, its placebo is misread in {first.torch.placebo.text()}, and the clean "
            f"picture is read right in {first.torch.control.text()}.{nothing}"
        )


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def physical_to_bundle(options: PrintedOptions, *, progress: Progress = quiet) -> PrintedResult:
    """Change a sign so that it is misread when it is filmed; write a bundle that is whole or absent.

    The bundle also holds every draw of every search and measurement, in ``draws.json``.

    Raises:
        MisreadError: One sentence that says what is wrong and what to type.
    """
    refuse_existing(options.out, overwrite=options.overwrite)
    subject = open_subject(
        options.origin,
        flags=options.flags,
        weights=options.weights,
        arguments=options.arguments,
        trust=options.trust,
    )
    origin = Origin(name=subject.name, twin=subject.model, card=subject.card, weights_sha256=subject.digest)  # type: ignore[arg-type]
    sign, goal = given(options), options.wish.spelt(origin.card)
    builds = {path.name: _fitting(Deployed.open(path), origin.card, sign, goal) for path in options.builds}
    behind = {} if options.backgrounds is None else backgrounds_in(options.backgrounds)
    search = replace(options.search, backgrounds=tuple(behind.values()))
    runs = {"eot": search}
    if options.digital:
        runs["digital"] = replace(search, attack=replace(search.attack, perfect=True))
    outcomes = {name: _made(origin, sign, options, search, progress) for name, search in runs.items()}
    with atomic_folder(options.out, overwrite=options.overwrite) as folder:
        ids = _write(folder, origin, sign, options, outcomes, behind=tuple(behind))
    capture = held_out_captures(origin.card, sign.picture, sign.mask, search)
    witnesses = tuple(
        PrintedWitness(
            witness=ids[name],
            search=name,
            share=outcome.area / outcome.sign_area,
            level=outcome.largest_level,
            tv=outcome.tv,
            nonprintability=outcome.nonprintability,
            torch=Arms(control=outcome.control, success=outcome.success, placebo=outcome.placebo_misread),
            grain=outcome.mirrored_misread,
            builds={file: _arms(build, capture, sign, outcome, goal) for file, build in builds.items()},
            seconds=outcome.seconds,
        )
        for name, outcome in outcomes.items()
    )
    first = outcomes["eot"]
    return PrintedResult(
        bundle=options.out,
        picture=sign.path,
        label=origin.card.labels[origin.card.index(sign.label)],
        goal=goal.text,
        threat=options.threat,
        profile=f"{first.profile} {first.profile_version}",
        witnesses=witnesses,
    )


def _fitting(build: Deployed, card: ModelCard, sign: Given, goal: Wish) -> Deployed:
    """Refuse a build that cannot read the captures, before anything is searched.

    Raises:
        InputError: It takes pictures of another size, prepares them otherwise, or does not know the labels.
    """
    for name in ("size_hw", "resize", "resize_px", "interpolation"):
        ours, theirs = getattr(card, name), getattr(build.card, name)
        if ours != theirs:
            what = f"{build.name} prepares pictures with {name} {theirs}, the origin with {ours}"
            raise InputError(f"{what}; give builds of this origin, as misread export makes them")
    build.card.index(sign.label)
    goal.spelt(build.card)
    return build


def _made(
    origin: Origin, sign: Given, options: PrintedOptions, search: PhysicalOptions, progress: Progress
) -> PhysicalOutcome:
    return make_physical_witness(
        origin.twin,
        origin.card,
        sign.picture,
        sign.mask,
        origin.card.index(sign.label),
        threat=options.kind,
        goal=goal_of(options.wish, origin.card),
        options=search,
        progress=progress,
    )


def _write(
    folder: Path,
    origin: Origin,
    sign: Given,
    options: PrintedOptions,
    outcomes: Mapping[str, PhysicalOutcome],
    *,
    behind: tuple[str, ...],
) -> dict[str, str]:
    """Write the bundle; return the name of each witness."""
    writer, kind, goal = BundleWriter(folder), options.kind, options.wish.spelt(origin.card)
    ids = {
        name: record_physical(
            writer, origin, sign.picture, outcome, label=sign.label, source=sign.path.name, wish=goal
        ).id
        for name, outcome in outcomes.items()
    }
    first = next(iter(outcomes.values()))
    writer.finish(
        card=origin.card,
        origin=options.origin,
        threat=_bounds(kind, first, goal),
        attack={
            "name": "eot-pgd",
            "settings": jsonable(asdict(options.search.attack)),
            "threat": {"name": kind.name, **jsonable(asdict(kind))},  # type: ignore[call-overload]
            "channel": first.profile,
            "channel_version": first.profile_version,
            "backgrounds": {"searched": behind[::2], "held_out": behind[1::2]},
            "seed": options.seed,
            "witnesses": {ids[name]: name for name in outcomes},
            "simulated": {ids[name]: _simulated(outcome) for name, outcome in outcomes.items()},
        },
        counts={"pictures": 1, "skipped": 0, "attempted": 1, "found": int(first.success.hits > 0)},
    )
    draws = {
        name: {
            "place": outcome.place_log,
            "search": outcome.search.log,
            "selection": outcome.search.selection_log,
            "held_out": outcome.held_out,
        }
        for name, outcome in outcomes.items()
    }
    (folder / DRAWS).write_text(dumps(jsonable(draws)), encoding="utf-8")
    read_bundle(folder)
    return ids


def _bounds(kind: PhysicalThreat, outcome: PhysicalOutcome, goal: Wish) -> dict[str, Any]:
    """Say what held the change: its size where it is small, the share of the sign where it covers."""
    covers = kind.bound.eps == 1
    share = {"kind": kind.name, "share_of_sign": round(outcome.area / outcome.sign_area, 4)} if covers else {}
    return {"norm": "linf", "eps": None if covers else kind.bound.eps, **share, "levels": 256, "goal": goal.text}


def _simulated(outcome: PhysicalOutcome) -> dict[str, str]:
    """Give the rates on held-out captures as the report reads them."""
    return {"success": outcome.success.text(), "placebo_misread": outcome.placebo_misread.text()}


def _arms(build: Deployed, capture: Capture, sign: Given, outcome: PhysicalOutcome, goal: Wish) -> Arms:
    """Show the held-out captures of each arm to a build."""

    def rate(picture: NDArray[np.uint8], counts: Callable[[str], bool]) -> Rate:
        clips = [build.read_prepared(frames).logits.argmax(axis=1) for frames in capture(picture)]
        hits = [sum(counts(build.card.labels[int(top)]) for top in tops) for tops in clips]
        return clip_rate(hits, [len(tops) for tops in clips])

    label = build.card.labels[build.card.index(sign.label)]
    wanted = goal.spelt(build.card)
    return Arms(
        control=rate(sign.picture, lambda read: read == label),
        success=rate(outcome.image, lambda read: wanted.reached(read, label)),
        placebo=rate(outcome.placebo, lambda read: read != label),
    )
