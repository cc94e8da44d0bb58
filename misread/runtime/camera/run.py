"""`misread camera`: build files, a source, perhaps a bundle."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.bundle import read_bundle
from misread.errors import OptionError
from misread.runtime.camera.count import Counting
from misread.runtime.camera.film import VIRTUAL, FilmOptions, film
from misread.runtime.camera.judge import Thresholds
from misread.runtime.camera.subject import exhibits_of
from misread.runtime.rig import Script
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.source import SourceOptions
from misread.runtime.source.synthetic import default_exhibit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.board import Exhibit
    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.loop import View
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.result import CameraResult

WINDOW_FPS: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraOptions:
    """What `misread camera` is asked for.

    Attributes:
        builds: ONNX files; all read identical pixels.
        source: `virtual`, `device:N`, the address of a stream, a folder of pictures, or a video file.
        bundle: Its witnesses are what is shown (on the virtual camera), or what the markers may name (on others).
        witness: Ids of witnesses; empty takes as many as there are markers for.
        expect: The label that a right reading gives, where no bundle says it.
        locate: How the picture is found: `fiducials`, `box:x,y,width,height`, `centre`, `frame`; None takes what fits.
        headless: Without a window.
        seconds: When to end, on the source's clock, or None.
        out: A new folder for log, summary and key frames, or None.
        overwrite: Replace that folder.
        claim: The crop that the verdicts speak of.
        clips: Of each exhibit, on the virtual camera.
        frames_per_clip: Likewise.
        seed: Of the virtual camera's poses, light and noise.
        rig_fps: Its frames per second; None as fast as they are read, none lost; 10 in a window.
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
    headless: bool = False
    seconds: float | None = None
    out: Path | None = None
    overwrite: bool = False
    claim: Crop = "raw"
    clips: int = 8
    frames_per_clip: int = 9
    seed: int = 0
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
) -> CameraResult:
    """Open builds, source and, unless headless, a window, and see what persists.

    Args:
        options: What to do.
        progress: Is told `("camera", frames so far, frames expected or 0)`.
        on_frame: Is told of every frame.
        view: Another view than the window.

    Raises:
        CameraError: The source is not there or was lost for good, or no window can be opened.
        FileError: A build, the bundle or the source file cannot be read.
        ModelError: A build is no classifier or has no card.
        InputError: The source is none, the folder exists, or a label or witness is not known.
        StorageError: The folder cannot be written.

    """
    readers = _open_builds(options)
    exhibits = _exhibits(options, readers[0].card)
    filming = FilmOptions(
        source=options.source,
        feed=_feed(options),
        locate=options.locate or _fitting(options),
        expect=options.expect,
        seconds=options.seconds,
        claim=options.claim,
        thresholds=options.thresholds,
        counting=options.counting,
        key_frames=options.key_frames,
        out=options.out,
        overwrite=options.overwrite,
    )
    with ExitStack() as stack:
        if view is None and not options.headless:
            from misread.runtime.camera.window import Window

            view = stack.enter_context(closing(Window(f"misread {options.source}")))
        return film(exhibits, readers, filming, view=view, on_frame=on_frame, progress=progress)


def _open_builds(options: CameraOptions) -> tuple[Deployed, ...]:
    readers = tuple(Deployed.open(path, card=options.card, options=options.session) for path in options.builds)
    if len({reader.name for reader in readers}) < len(readers):
        for reader, path in zip(readers, options.builds, strict=True):
            reader.name = str(path)
    return readers


def _exhibits(options: CameraOptions, card: ModelCard) -> Sequence[Exhibit]:
    if options.bundle is not None:
        return exhibits_of(read_bundle(options.bundle), options.witness)
    return (default_exhibit(card.labels, options.expect),) if options.source == VIRTUAL else ()


def _feed(options: CameraOptions) -> SourceOptions:
    feed = options.feed
    # In a window clips run at a speed that the eye follows, and still no frame need be dropped.
    live = WINDOW_FPS if not options.headless and options.rig_fps is None else options.rig_fps
    return SourceOptions(
        open_timeout_s=feed.open_timeout_s,
        read_timeout_s=feed.read_timeout_s,
        retries=feed.retries,
        backoff_s=feed.backoff_s,
        width=feed.width,
        height=feed.height,
        fps=feed.fps,
        script=Script(clips=options.clips, frames_per_clip=options.frames_per_clip, seed=options.seed),
        rig_fps=live,
    )


def _fitting(options: CameraOptions) -> str:
    if options.bundle is not None or options.source == VIRTUAL:
        return "fiducials"
    return "frame" if Path(options.source).exists() else "centre"
