"""The live loop: frame, locate, read, count, log, show."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from misread.errors import CameraError
from misread.runtime.camera.clips import Clips, Place
from misread.runtime.camera.count import Counting
from misread.runtime.camera.keyframes import KeyFrames
from misread.runtime.camera.observe import Observation, Status, readouts
from misread.runtime.camera.seen import Eyes, Seen, see
from misread.runtime.camera.subject import Subject
from misread.runtime.camera.tally import Tally
from misread.runtime.source import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from misread.runtime.board import Arm
    from misread.runtime.camera.grid import Cell
    from misread.runtime.camera.guide import Guide, Missing
    from misread.runtime.camera.locate import Locator, Target
    from misread.runtime.camera.log import FrameLog
    from misread.runtime.camera.recorder import Recorder
    from misread.runtime.session import Reader
    from misread.runtime.source import Frame, FrameSource, Gap


class View(Protocol):
    """Somebody who watches the run and may end it or name the arm by hand."""

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Show a frame; return what was asked for, or None."""
        ...

    def close(self) -> None:
        """Take the view away."""
        ...


@runtime_checkable
class Attentive(Protocol):
    """A view that may be asked while no frame comes."""

    def asked(self) -> Command | None:
        """Return what was asked for meanwhile, or None."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What somebody asked for.

    Attributes:
        quit: To end the run.
        arm: What hangs there from now on, where no markers name it; a new clip begins.
        cut: A new clip.
        count: False to look on without counting, True to count again, None to leave it.
        record: Likewise for the recording.

    """

    quit: bool = False
    arm: Arm | None = None
    cut: bool = False
    count: bool | None = None
    record: bool | None = None

    def beside(self, other: Command) -> Command:
        """Ask for both; where they contradict each other, the other one counts."""
        return Command(
            quit=self.quit or other.quit,
            arm=self.arm if other.arm is None else other.arm,
            cut=self.cut or other.cut,
            count=self.count if other.count is None else other.count,
            record=self.record if other.record is None else other.record,
        )


class Views:
    """Several views of one run."""

    def __init__(self, views: Sequence[View]) -> None:
        self._views = views

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Show it everywhere, and ask for what any of them asks for."""
        return _together(view.show(observation, tally) for view in self._views)

    def asked(self) -> Command | None:
        """Ask those that can be asked."""
        return _together(view.asked() for view in self._views if isinstance(view, Attentive))

    def close(self) -> None:
        """Take all of them away."""
        for view in self._views:
            view.close()


def _together(commands: Iterable[Command | None]) -> Command | None:
    asked = [command for command in commands if command is not None]
    return reduce(Command.beside, asked) if asked else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run needs beside its source.

    Attributes:
        readers: The builds; all read identical pixels.
        locator: Finds the picture.
        subjects: By the exhibit that the markers name.
        shown: What is before the camera when no markers name it.
        log: Where each frame is written.
        seconds: When to end, on the source's clock, or None.
        key_frames: How many to keep of each exhibit.
        expected: Frames to come, for the progress; 0 when unknown.
        guide: Asks for the cells of a grid and ends the run when all are filled, or None.
        counting: Runs, votes and bins.
        recorder: Keeps the frames, or None.

    """

    readers: Sequence[Reader]
    locator: Locator
    subjects: Mapping[int, Subject]
    shown: Subject
    log: FrameLog
    seconds: float | None
    key_frames: int
    expected: int = 0
    guide: Guide | None = None
    counting: Counting = field(default_factory=Counting)
    recorder: Recorder | None = None

    @property
    def eyes(self) -> Eyes:
        """Give what looks at frames."""
        return Eyes(locator=self.locator, readers=self.readers, subject=lambda target: self.named(target) or self.shown)

    def named(self, target: Target) -> Subject | None:
        """Give what the markers name, or None."""
        return None if target.exhibit is None else self.subjects.get(target.exhibit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What a run came to.

    Attributes:
        tally: Counts.
        keys: Key frames.
        seconds: Between the first and the last frame.
        ended: Why it ended.
        error: What took the source away, or None.
        missing: Cells that guided mode still asks for.

    """

    tally: Tally
    keys: KeyFrames
    seconds: float
    ended: str
    error: CameraError | None
    missing: tuple[Missing, ...] = ()


class _Run:
    def __init__(
        self, plan: Plan, view: View | None, on_frame: Callable[[Observation], None] | None, *, live: bool
    ) -> None:
        self.plan, self.view, self.on_frame, self.live = plan, view, on_frame, live
        self.clips, self.tally, self.keys = Clips(), Tally(plan.counting), KeyFrames(plan.key_frames)
        self.shown, self.counting = plan.shown, True
        self.left = False
        self.cell: Cell | None = None
        self.first_ns: int | None = None
        self.last_ns = 0

    @property
    def seconds(self) -> float:
        return 0.0 if self.first_ns is None else (self.last_ns - self.first_ns) * 1e-9

    def step(self, seen: Seen) -> str | None:
        """Take a frame; return why to end, or None."""
        if seen.frame.cue is not None:
            self.name(seen.frame.cue.arm)
        observation = self.look(seen)
        if self.counting:
            self.count(observation)
        if self.on_frame is not None:
            self.on_frame(observation)
        command = self.view.show(observation, self.tally) if self.view is not None else None
        if command is not None and self.obey(command):
            return "quit"
        if observation.prompt is not None and observation.prompt.wanted is None:
            return "complete"
        return "time" if self.plan.seconds is not None and self.seconds >= self.plan.seconds else None

    def asked(self) -> bool:
        """Do what was asked for while no frame came; return whether that is to end."""
        command = None if self.view is None else Views([self.view]).asked()
        self.left = command is not None and self.obey(command)
        return self.left

    def count(self, observation: Observation) -> None:
        frame = observation.frame
        self.first_ns = frame.time_ns if self.first_ns is None else self.first_ns
        self.last_ns = frame.time_ns
        if self.plan.recorder is not None:
            self.plan.recorder.add(frame)
        self.plan.log.write(observation.record())
        self.tally.add(observation)
        self.keys.offer(observation)

    def obey(self, command: Command) -> bool:
        """Do what was asked for; return whether that is to end."""
        if command.record is not None and self.plan.recorder is not None:
            self.plan.recorder.on = command.record
        if command.arm is not None or command.cut or command.count is not None:
            self.name(command.arm)
        if command.count is not None:
            self.counting = command.count
        return command.quit

    def name(self, arm: Arm | None) -> None:
        """Begin a clip, perhaps with another arm."""
        if arm is not None:
            self.shown = Subject(name=arm, arm=arm, label=None if arm == "background" else self.plan.shown.label)
        self.clips.cut()
        if self.plan.recorder is not None:
            self.plan.recorder.cue(arm)

    def gap(self, gap: Gap) -> None:
        self.plan.log.write({"event": "gap", "seconds": (gap.end_ns - gap.start_ns) * 1e-9, "reason": gap.reason})
        if self.plan.recorder is not None:
            self.plan.recorder.gap(gap)
        self.clips.cut()

    def look(self, seen: Seen) -> Observation:
        frame, target = seen.frame, seen.target
        subject = self._subject(target)
        sight, guide = target.sight if target is not None else None, self.plan.guide
        cell = guide.stand(subject, sight) if guide is not None else None
        if cell != self.cell and self.plan.recorder is not None:
            self.plan.recorder.cue(None)  # so that a replay, which nobody guides, begins a clip here as well
        self.cell = cell
        place = self._place(frame, subject if target is not None else None, cell)
        if guide is not None:
            guide.add(sight, place.clip)
        readings = seen.readings()
        recorder = self.plan.recorder
        recording = None if recorder is None else recorder.on
        return Observation(
            frame=frame,
            place=place,
            subject=subject,
            target=target,
            crops=seen.crops,
            readouts=readouts(self.plan.readers, seen.crops, readings, subject) if readings else (),
            prompt=guide.prompt() if guide is not None else None,
            status=Status(
                arm=self.shown.arm,
                counting=self.counting,
                recording=recording,
                age_ms=(time.monotonic_ns() - frame.time_ns) * 1e-6 if self.live else None,
            ),
        )

    def _subject(self, target: Target | None) -> Subject | None:
        if target is None:
            return None
        return self.plan.named(target) or self.shown

    def _place(self, frame: Frame, subject: Subject | None, cell: Cell | None) -> Place:
        if not self.counting:
            return Place(clip=None)
        return self.clips.place(None if subject is None else (subject, frame.part, cell), frame.time_ns)


def watch(
    source: FrameSource,
    plan: Plan,
    *,
    view: View | None = None,
    on_frame: Callable[[Observation], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Watched:
    """Read frames until the source ends, the time is up, somebody quits, or Ctrl-C; what was counted is kept.

    A source that is lost for good ends the run likewise; the error is handed back with what was seen until then.
    """
    run = _Run(plan, view, on_frame, live=isinstance(source, Awaited))
    ended, error, gaps = None, None, 0
    try:
        with closing(see(source, plan.eyes, run.asked)) as frames:
            for seen in frames:
                for gap in seen.gaps[gaps:]:
                    run.gap(gap)
                gaps = len(seen.gaps)
                ended = run.step(seen)
                if progress is not None:
                    progress("camera", run.tally.frames, plan.expected)
                if ended is not None:
                    break
        ended = ended or ("quit" if run.left else "source")
    except KeyboardInterrupt:
        ended = "interrupted"
    except CameraError as lost:
        ended, error = "lost", lost
    missing = plan.guide.missing() if plan.guide is not None else ()
    if plan.guide is not None:
        plan.log.write({"event": "guide", "missing": missing})
    plan.log.write({"event": "end", "reason": ended, "frames": run.tally.frames})
    return Watched(tally=run.tally, keys=run.keys, seconds=run.seconds, ended=ended, error=error, missing=missing)
