"""`misread verify`: a bundle against builds. Torch proposed; onnxruntime disposes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from misread.bundle import read_bundle
from misread.errors import FileError, MisreadError, OptionError
from misread.files import sha256_file
from misread.registry import by_name
from misread.runtime.contender import Contender, contender_of
from misread.runtime.gates import Gates
from misread.runtime.judge import NOISE_WITNESSES, Progress, judge, judge_contenders, quiet
from misread.runtime.ladder import RUNGS
from misread.runtime.ladder.filmed import filmed_steps, read_filmed
from misread.runtime.replay import packed_builds, replays_of
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Step, Verdict, Verification

if TYPE_CHECKING:
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.replay import Packed

__all__ = [
    "BuildVerdict",
    "Judgement",
    "Look",
    "Step",
    "Verdict",
    "Verification",
    "VerifyOptions",
    "judge",
    "verify",
]

MAX_BUILDS: Final = 64
BUNDLE: Final = "bundle"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOptions:
    """What to verify, and how.

    Attributes:
        bundle: folder of witnesses.
        builds: ONNX files, each once; none takes those that are packed in the bundle, and holds what they say here
            against what they said on the host.
        card: what the flags say for builds that do not say it; the bundle's own card, for which the witnesses were
            made, fills what is open then.
        session: how onnxruntime runs every build.
        rungs: names of the rungs to climb; the verdicts are always taken on `file`, which comes first by itself.
        noise_witnesses: over how many witnesses each build's noise is measured.
        gates: what each build must reach; without any, every witness that counts must be verified.
        camera: folder of a `misread camera` run of this bundle; it becomes the last rung.
    """

    bundle: Path
    builds: tuple[Path, ...] = ()
    card: ModelCard | CardFacts | None = None
    session: SessionOptions = field(default_factory=SessionOptions)
    rungs: tuple[str, ...] = tuple(rung.name for rung in RUNGS)
    noise_witnesses: int = NOISE_WITNESSES
    gates: Gates = field(default_factory=Gates)
    camera: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what has no answer."""
        if len(self.builds) > MAX_BUILDS:
            raise OptionError(f"at most {MAX_BUILDS} builds are verified at a time, got {len(self.builds)}")
        twice = [path for path, times in Counter(self.builds).items() if times > 1]
        if twice:
            raise OptionError(f"{twice[0]} is given twice; every build is verified once")
        if not self.noise_witnesses >= 1:
            raise OptionError(f"the noise is measured over 1 witness or more, got {self.noise_witnesses}")
        for name in self.rungs:
            by_name("rung", RUNGS, name)


def verify(options: VerifyOptions, *, progress: Progress = quiet) -> Verification:
    """Judge a bundle on builds. A build that cannot be opened or run is `unavailable`; the others go on.

    Args:
        options: what to verify, and how.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        FileError: the bundle is missing, broken or has lost a picture, a packed build is another one now, or the
            baseline cannot be read.
        InputError: the camera run is of other witnesses or builds.
        OptionError: no build is given, and none is packed.
        InputError: the baseline is of another bundle or of other builds.
    """
    bundle = read_bundle(options.bundle)
    before = options.gates.read(bundle.sha256)
    filmed, hashes = read_filmed(options.camera, bundle) if options.camera else ((), {})
    wanted = {by_name("rung", RUNGS, name).name for name in options.rungs} | {RUNGS[0].name}
    packed = () if options.builds else _packed(bundle)
    records = [one.read_logits(bundle) for one in packed]
    contenders = [_replayed(one, bundle, options) for one in packed] or _given(bundle, options)
    found = judge_contenders(
        bundle,
        contenders,
        rungs=[rung for rung in RUNGS if rung.name in wanted],
        noise_witnesses=options.noise_witnesses,
        progress=progress,
    )
    replays = replays_of(bundle, packed, records, contenders, found.builds) if packed else ()
    gates = options.gates.check(found.builds, before)
    if filmed:
        names = {build.name for build in found.builds}
        steps = filmed_steps(filmed, hashes, found.builds, found.ladder)
        found = replace(found, ladder=steps, filmed=tuple(one for one in filmed if one.build in names))
    return replace(found, bundle_sha256=bundle.sha256, gates=gates, replays=replays)


def _packed(bundle: Bundle) -> tuple[Packed, ...]:
    packed = packed_builds(bundle)
    if not packed:
        raise OptionError(
            f"{bundle.folder} has no builds packed, so name those to verify on: add -m MODEL.onnx "
            f"(or pack them on the host: misread pack {bundle.folder} -m MODEL.onnx)"
        )
    return packed


def _given(bundle: Bundle, options: VerifyOptions) -> list[Contender]:
    names = _names(options.builds)
    return [_open(path, names[path], bundle.card, options) for path in options.builds]


def _replayed(packed: Packed, bundle: Bundle, options: VerifyOptions) -> Contender:
    contender = _open(packed.path(bundle), packed.name, packed.card, options)
    contender.keeps = True
    return contender


def _open(path: Path, name: str, card: ModelCard, options: VerifyOptions) -> Contender:
    try:
        deployed = Deployed.open(path, card=options.card, spare=(BUNDLE, card), options=options.session)
        return contender_of(deployed, name=name)
    except MisreadError as error:
        return Contender(name=name, reader=None, sha256=_hash(path), failure=error)


def _hash(path: Path) -> str:
    """Hash a file that is no usable build, so that the result still says which file it was."""
    try:
        return sha256_file(path)
    except FileError:
        return ""


def _names(paths: tuple[Path, ...]) -> dict[Path, str]:
    """Call each build by its file name, and by its whole path where two share one."""
    times = Counter(path.name for path in paths)
    return {path: path.name if times[path.name] == 1 else str(path) for path in paths}
