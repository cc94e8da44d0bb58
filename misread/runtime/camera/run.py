"""`misread camera`: build files, a source, perhaps a bundle."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.bundle import read_bundle
from misread.errors import OptionError
from misread.runtime.camera.count import Counting
from misread.runtime.camera.film import VIRTUAL, FilmOptions, film
from misread.runtime.camera.intrinsics import read_lens
from misread.runtime.camera.judge import Thresholds
from misread.runtime.camera.locate import Gauge
from misread.runtime.camera.loop import Views
from misread.runtime.camera.subject import exhibits_of
from misread.runtime.camera.web import WebOptions, WebView
from misread.runtime.channel import PROFILES, find_profile
from misread.runtime.rig import Script
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.source import SourceOptions
from misread.runtime.source.footage import Footage
from misread.runtime.source.recording import read_index
from misread.runtime.source.replay import Replay, recording_at
from misread.runtime.source.synthetic import default_exhibit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.board import Exhibit
    from misread.runtime.camera.guide import GuideRules
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.loop import View
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.result import CameraResult
    from misread.runtime.source.recording import Origin

WINDOW_FPS: Final = 10.0
_ROUNDS: Final = 2  # The virtual camera goes round the cells twice as often as should fill them.


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraOptions:
    """What `misread camera` is asked for.

    Attributes:
        builds: ONNX files; all read identical pixels.
        source: `virtual`, `device:N`, the address of a stream, `footage:FOLDER`, `replay:FOLDER`, a folder of pictures,
            or a video file.
        bundle: Its witnesses are what is shown (on the virtual camera), or what the markers may name (on others).
        witness: Ids of witnesses; empty takes as many as there are markers for.
        expect: The label that a right reading gives, where no bundle says it.
        locate: How the picture is found: `fiducials`, `contour:red`, `box:x,y,width,height`, `centre`, `frame`; None
            takes what fits.
        lens: File of the camera's lens, as `misread calibrate` writes it; with `board_mm` distances are measured.
        board_mm: Side of the board, edge to edge, or None.
        guide: Ask for one cell of a grid after the other and end when all are filled, or None.
        headless: Without a window.
        serve: Where the browser view is served, beside the window or without it; None for none.
        seconds: When to end, on the source's clock, or None.
        out: A new folder for log, summary and key frames, or None.
        overwrite: Replace that folder.
        record: Keep every frame in that folder, without loss, for `replay:FOLDER`.
        claim: The crop that the verdicts speak of.
        clips: Of each exhibit, on the virtual camera.
        frames_per_clip: Likewise.
        seed: Of the virtual camera's poses, light and noise.
        profile: Of its test channel, with or without the version, or a file of one.
        rig_fps: Its frames per second; None as fast as they are read, none lost; 10 where somebody watches.
        key_frames: How many frames of each exhibit to keep as pictures.
        thresholds: What the verdicts hang on.
        counting: Runs, votes and bins.
        feed: Time limits and wished size; its exhibits, script and rate are set from the fields above.
        card: What the flags say for builds that do not say how they are fed.
        session: How to run the builds.

    """

    builds: tuple[Path, ...]
    source: str = VIRTUAL
    bundle: Path | None = None
    witness: tuple[str, ...] = ()
    expect: str | None = None
    locate: str | None = None
    lens: Path | None = None
    board_mm: float | None = None
    guide: GuideRules | None = None
    headless: bool = False
    serve: WebOptions | None = None
    seconds: float | None = None
    out: Path | None = None
    overwrite: bool = False
    record: bool = False
    claim: Crop = "raw"
    clips: int = 8
    frames_per_clip: int = 9
    seed: int = 0
    profile: str = PROFILES[0].name
    rig_fps: float | None = None
    key_frames: int = 8
    thresholds: Thresholds = field(default_factory=Thresholds)
    counting: Counting = field(default_factory=Counting)
    feed: SourceOptions = field(default_factory=SourceOptions)
    card: ModelCard | CardFacts | None = None
    session: SessionOptions | None = None

    def __post_init__(self) -> None:
        """Refuse a run without builds, and witnesses without their bundle."""
        if not self.builds:
            raise OptionError("the camera needs at least one build; add -m model.onnx")
        if self.witness and self.bundle is None:
            raise OptionError("witnesses are in a bundle; add --bundle FOLDER")
        if self.expect is not None and self.bundle is not None:
            raise OptionError("the bundle says what is right; leave --expect away")


def run_camera(
    options: CameraOptions,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    on_frame: Callable[[Observation], None] | None = None,
    view: View | None = None,
    on_address: Callable[[str], None] | None = None,
) -> CameraResult:
    """Open builds, source and, unless headless, a window, and see what persists.

    Args:
        options: What to do.
        progress: Is told `("camera", frames so far, frames expected or 0)`.
        on_frame: Is told of every frame.
        view: Another view than the window.
        on_address: Is told where the browser view is.

    Raises:
        CameraError: The source is not there or was lost for good, or no window can be opened.
        FileError: A build, the bundle or the source file cannot be read.
        ModelError: A build is no classifier or has no card.
        UnknownName: No profile is called so.
        InputError: The source is none, the folder exists, or a label or witness is not known.
        StorageError: The folder cannot be written.

    """
    readers = _open_builds(options)
    origin = _recorded(options)
    options = _as_recorded(options, origin)
    exhibits = _exhibits(options, readers[0].card, options.source if origin is None else origin.source)
    filming = FilmOptions(
        source=options.source,
        feed=_feed(options),
        locate=options.locate or _fitting(options),
        gauge=_gauge(options),
        guide=options.guide,
        expect=options.expect,
        seconds=options.seconds,
        claim=options.claim,
        thresholds=options.thresholds,
        counting=options.counting,
        key_frames=options.key_frames,
        out=options.out,
        overwrite=options.overwrite,
        record=options.record,
    )
    with ExitStack() as stack:
        views = [view] if view is not None else []
        if view is None and not options.headless:
            from misread.runtime.camera.window import Window

            views.append(stack.enter_context(closing(Window(f"misread {options.source}"))))
        if options.serve is not None:
            web = stack.enter_context(closing(WebView(options.serve)))
            views.append(web)
            if on_address is not None:
                on_address(web.url)
        together = Views(views) if views else None
        return film(exhibits, readers, filming, view=together, on_frame=on_frame, progress=progress)


def _open_builds(options: CameraOptions) -> tuple[Deployed, ...]:
    readers = tuple(Deployed.open(path, card=options.card, options=options.session) for path in options.builds)
    if len({reader.name for reader in readers}) < len(readers):
        for reader, path in zip(readers, options.builds, strict=True):
            reader.name = str(path)
    return readers


def _recorded(options: CameraOptions) -> Origin | None:
    """Give what a recording was made of; None where the source is none."""
    return read_index(recording_at(options.source))[0] if Replay.accepts(options.source) else None


def _as_recorded(options: CameraOptions, origin: Origin | None) -> CameraOptions:
    """Take from a recording what nobody said anew."""
    if origin is None:
        return options
    expect = options.expect if options.bundle is not None or options.expect is not None else origin.expect
    return replace(options, locate=options.locate or origin.locate, expect=expect)


def _exhibits(options: CameraOptions, card: ModelCard, filmed: str) -> Sequence[Exhibit]:
    if options.bundle is not None:
        return exhibits_of(read_bundle(options.bundle), options.witness)
    return (default_exhibit(card.labels, options.expect),) if filmed == VIRTUAL else ()


def _feed(options: CameraOptions) -> SourceOptions:
    # Where somebody watches clips run at a speed that the eye follows, and still no frame need be dropped.
    watched = not options.headless or options.serve is not None
    live = WINDOW_FPS if watched and options.rig_fps is None else options.rig_fps
    return replace(options.feed, script=_script(options), rig_fps=live)


def _script(options: CameraOptions) -> Script:
    script = Script(
        clips=options.clips,
        frames_per_clip=options.frames_per_clip,
        seed=options.seed,
        profile=find_profile(options.profile),
    )
    if options.guide is None or options.source != VIRTUAL:
        return script
    stations = tuple(options.guide.grid.ranges(cell) for cell in options.guide.grid.cells)
    needed = options.guide.clips + -(-options.guide.frames // options.frames_per_clip)
    return replace(script, stations=stations, clips=max(options.clips, needed * _ROUNDS * len(stations)))


def _gauge(options: CameraOptions) -> Gauge | None:
    if options.lens is None and options.board_mm is None:
        return None
    lens = read_lens(options.lens) if options.lens is not None else None
    return Gauge(lens=lens, board_m=options.board_mm / 1000 if options.board_mm is not None else None)


def _fitting(options: CameraOptions) -> str:
    if Footage.accepts(options.source):
        return "contour"
    if options.bundle is not None or options.source == VIRTUAL:
        return "fiducials"
    return "frame" if Path(options.source).exists() else "centre"
