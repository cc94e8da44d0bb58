"""One run before a camera, from opened builds to a result: the library form of `misread camera`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import CameraError, InputError, OptionError
from misread.files import atomic_folder, write_json
from misread.runtime.camera.count import Counting
from misread.runtime.camera.guide import Guide, GuideRules, missing_text
from misread.runtime.camera.intrinsics import Intrinsics
from misread.runtime.camera.judge import Thresholds, judge
from misread.runtime.camera.keyframes import save
from misread.runtime.camera.locate import Gauge, open_locator
from misread.runtime.camera.log import NAME, FrameLog
from misread.runtime.camera.loop import Plan, View, Watched, watch
from misread.runtime.camera.pairs import pairs_of
from misread.runtime.camera.recorder import Recorder
from misread.runtime.camera.result import KIND, SUMMARY, CameraResult
from misread.runtime.camera.subject import Subject, subject_of
from misread.runtime.contender import sources_of
from misread.runtime.fingerprint import fingerprints
from misread.runtime.rig import Camera, Script
from misread.runtime.rig.script import take_channel
from misread.runtime.source import SourceOptions, open_source
from misread.runtime.source.footage import Footage
from misread.runtime.source.recording import Origin, pixel_hash
from misread.runtime.source.replay import Replay
from misread.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from misread.runtime.board import Exhibit
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.observe import Observation
    from misread.runtime.session import Reader
    from misread.runtime.source import Health

VIRTUAL = "virtual"
DRAWS = "channel.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmOptions:
    """How a run goes.

    Attributes:
        source: As `open_source` takes it.
        feed: Time limits, sizes, and the script of the virtual camera.
        locate: As `open_locator` takes it.
        gauge: Tells distance and angle from markers; None knows no lens, but the virtual camera's.
        guide: Ask for one cell of a grid after the other and end when all are filled, or None.
        expect: The right label where no exhibit says it, or None.
        seconds: When to end, on the source's clock, or None.
        claim: The crop that the verdicts speak of: `raw` is what a device cuts out, `rectified` flatters the attack.
        thresholds: What the verdicts hang on.
        counting: Runs, votes and bins.
        key_frames: How many frames of each exhibit to keep as pictures.
        out: A new folder for log, summary and key frames, or None.
        overwrite: Replace that folder.
        record: Keep every frame in that folder, without loss, for `replay:FOLDER`.

    """

    source: str = VIRTUAL
    feed: SourceOptions = field(default_factory=SourceOptions)
    locate: str = "fiducials"
    gauge: Gauge | None = None
    guide: GuideRules | None = None
    expect: str | None = None
    seconds: float | None = None
    claim: Crop = "raw"
    thresholds: Thresholds = field(default_factory=Thresholds)
    counting: Counting = field(default_factory=Counting)
    key_frames: int = 8
    out: Path | None = None
    overwrite: bool = False
    record: bool = False

    def __post_init__(self) -> None:
        """Refuse a run without time, and a claim that the locator cannot serve."""
        if self.seconds is not None and not 0 < self.seconds <= 1e6:
            raise OptionError(f"a run lasts above 0 s, got {self.seconds}")
        if self.claim not in {"raw", "rectified"}:
            raise OptionError(f"the claim names the crop, raw or rectified, got {self.claim!r}")
        if self.claim == "rectified" and self.locate != "fiducials":
            raise OptionError("only fiducials give a rectified crop; claim raw, or use --locate fiducials")
        if self.guide is not None:
            gauge = _gauge(self)
            if self.locate != "fiducials" or gauge is None or gauge.lens is None or gauge.board_m is None:
                message = "guided mode measures distances: it needs --locate fiducials, --lens and --board-mm"
                raise OptionError(f"{message}; misread calibrate makes the lens file")
        if not 0 <= self.key_frames <= 1000:
            raise OptionError(f"0 to 1000 key frames are kept of each exhibit, got {self.key_frames}")
        if self.record and self.out is None:
            raise OptionError("a recording needs a place; add -o FOLDER")
        if self.record and Footage.accepts(self.source):
            raise OptionError("footage is composed of its files and a seed; run it again in place of --record")


def film(
    exhibits: Sequence[Exhibit],
    readers: Sequence[Reader],
    options: FilmOptions | None = None,
    *,
    view: View | None = None,
    on_frame: Callable[[Observation], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> CameraResult:
    """Put exhibits before a camera and read every frame with every build.

    Args:
        exhibits: What is shown, with distinct indices; may be empty with a source that films something else.
        readers: The builds, of distinct names; they read identical pixels.
        options: How the run goes.
        view: A window, or None.
        on_frame: Is told of every frame.
        progress: Is told `("camera", frames so far, frames expected or 0)`.

    Returns:
        Counts, verdicts and key frames. After Ctrl-C, or when the view quits, those of the frames until then.

    Raises:
        CameraError: The source is not there, or was lost for good; what was seen until then is in the folder.
        OptionError: No reader, or two of one name, or two exhibits of one index.
        UnknownName: A build does not know a label.
        InputError: The folder exists, or the source is none.
        StorageError: The folder cannot be written.

    """
    options = options or FilmOptions()
    _check(exhibits, readers, options)
    feed = replace(options.feed, exhibits=tuple(exhibits))
    aspects = {exhibit.index: exhibit.aspect for exhibit in exhibits}
    with ExitStack() as stack:
        folder = None
        if options.out is not None:
            folder = stack.enter_context(atomic_folder(options.out, overwrite=options.overwrite))
        source = stack.enter_context(closing(open_source(options.source, feed)))
        origin = _origin(exhibits, options)
        if isinstance(source, Replay):
            _same(source.origin, origin)
            origin = replace(origin, source=source.origin.source)
        recorder = None if folder is None else stack.enter_context(Recorder(folder, origin, on=options.record))
        if folder is not None and options.source == VIRTUAL:
            _log_draws(folder / DRAWS, options.feed.script or Script())
        with FrameLog(folder / NAME if folder is not None else None) as log:
            subjects = {exhibit.index: subject_of(exhibit) for exhibit in exhibits}
            plan = Plan(
                readers=readers,
                locator=open_locator(options.locate, aspects, _gauge(options, origin.source)),
                subjects=subjects,
                shown=Subject(name="shown", arm="clean", label=options.expect),
                log=log,
                seconds=options.seconds,
                key_frames=options.key_frames,
                counting=_counting(options),
                expected=_expected(options, len(exhibits)),
                guide=Guide(tuple(subjects.values()), options.guide) if options.guide is not None else None,
                recorder=recorder,
            )
            watched = watch(source, plan, view=view, on_frame=on_frame, progress=progress)
        health = source.health()
        if recorder is not None:
            recorder.end(health)
            health = replace(health, notes=(*health.notes, *recorder.notes))
        ran = fingerprints(readers)
        takes = source.takes if isinstance(source, Footage) else _takes(options)
        result = replace(_result(watched, health, options, readers, takes), fingerprints=ran)
        if folder is not None:
            result = replace(result, key_frames=save(result.key_frames, folder))
            write_json(folder / SUMMARY, result.document(), kind=KIND)
    if watched.error is not None:
        where = f"; what was seen until then is in {options.out}" if options.out is not None else ""
        raise CameraError(f"{watched.error}{where}") from watched.error
    return result


def _log_draws(path: Path, script: Script) -> None:
    with FrameLog(path) as log:
        for take in range(script.clips):
            log.write({"take": take, **take_channel(script, take).log()})


def _check(exhibits: Sequence[Exhibit], readers: Sequence[Reader], options: FilmOptions) -> None:
    names = [reader.name for reader in readers]
    if not names or len(set(names)) != len(names):
        raise OptionError(f"a run needs builds of distinct names, got {', '.join(names) or 'none'}; rename the files")
    if len({exhibit.index for exhibit in exhibits}) != len(exhibits):
        raise OptionError("two exhibits carry the same markers; give each its own index")
    labels = {exhibit.label for exhibit in exhibits if exhibit.arm != "background"}
    for reader in readers:
        for label in labels | ({options.expect} if options.expect is not None else set()):
            reader.card.index(label)  # Raises with a suggestion before anything is filmed.


def _gauge(options: FilmOptions, source: str | None = None) -> Gauge | None:
    if options.gauge is not None or (source or options.source) != VIRTUAL:  # a replay has the lens of what it recorded
        return options.gauge
    eye = Camera()
    lens = Intrinsics(
        width=eye.width,
        height=eye.height,
        focal_px=(eye.focal_px, eye.focal_px),
        centre_px=(eye.width / 2, eye.height / 2),
    )
    return Gauge(lens=lens, board_m=(options.feed.script or Script()).side_m)


def _counting(options: FilmOptions) -> Counting:
    """Count in the cells that are asked for."""
    return options.counting if options.guide is None else replace(options.counting, grid=options.guide.grid)


def _noted(health: Health, watched: Watched, options: FilmOptions) -> Health:
    if options.guide is None or not watched.missing:
        return health
    return replace(health, notes=(*health.notes, missing_text(options.guide.grid, watched.missing)))


def _origin(exhibits: Sequence[Exhibit], options: FilmOptions) -> Origin:
    shown = {str(one.index): [one.name, one.arm, one.label, pixel_hash(one.image)] for one in exhibits}
    return Origin(source=options.source, locate=options.locate, expect=options.expect, exhibits=shown)


def _same(recorded: Origin, now: Origin) -> None:
    """Refuse to read markers of one bundle as those of another."""
    if recorded.exhibits != now.exhibits:
        names = ", ".join(printable(str(facts[0])) for facts in recorded.exhibits.values() if facts) or "no exhibits"
        raise InputError(f"the recording shows {names}, and not what was given now; name the same bundle and witnesses")


def _expected(options: FilmOptions, exhibits: int) -> int:
    if options.source != VIRTUAL or options.seconds is not None:
        return 0
    script = options.feed.script or Script()
    return script.clips * max(exhibits, 1) * (script.frames_per_clip + script.blank_frames)


def _takes(options: FilmOptions) -> int | None:
    return (options.feed.script or Script()).clips if options.source == VIRTUAL else None


def _result(
    watched: Watched, health: Health, options: FilmOptions, readers: Sequence[Reader], takes: int | None
) -> CameraResult:
    summaries, script = watched.tally.summaries(), options.feed.script or Script()
    return CameraResult(
        source=options.source,
        claim=options.claim,
        frames=watched.tally.frames,
        located=watched.tally.located,
        seconds=watched.seconds,
        ended=watched.ended,
        health=_noted(health, watched, options),
        thresholds=options.thresholds,
        summaries=summaries,
        verdicts=judge(summaries, options.thresholds),
        pairs=pairs_of(summaries, np.random.default_rng(script.seed), takes=takes),
        key_frames=watched.keys.chosen(),
        folder=options.out,
        card_from={reader.name: sources_of(reader) for reader in readers},
    )
