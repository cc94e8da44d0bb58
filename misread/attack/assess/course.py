"""The course of an assessment: what was counted so far, and how the next pictures add to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from misread.attack.assess.bar import Bar
from misread.attack.assess.build import TRANSFER, BuildSuite
from misread.attack.assess.result import PictureResult
from misread.attack.assess.suite import SKIPPED, STANDS, Fallen, StageTally, Suite
from misread.attack.assess.warn import Finding, look_before
from misread.errors import FileError
from misread.files import jsonable
from misread.pixels import to_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from misread.attack.assess.witnesses import Witnesses
    from misread.attack.journal import Journal
    from misread.attack.subject import Subject
    from misread.data import Sample

    Picture = tuple[Sample, NDArray[np.uint8]]
    Progress = Callable[[str, int, int], None]

LOOKED_AT: Final = 32
_SAID: Final = {STANDS: "stands", SKIPPED: "misread", TRANSFER: "transfer"}


class Course:
    """An assessment under way.

    Attributes:
        clean: Pictures that the model reads right.
        standing: Of these, those that nothing broke.
        each: Every picture so far.
        findings: Warnings so far.
        witnesses: Where misread copies go; None keeps none.
    """

    def __init__(self, subject: Subject, suite: Suite, builds: Sequence[BuildSuite], *, seed: int, device: str) -> None:
        """Begin with nothing counted."""
        self.subject, self.suite, self.builds, self.seed, self.device = subject, suite, builds, seed, device
        self.clean = self.standing = self._kept = 0
        self.each: list[PictureResult] = []
        self.findings: list[Finding] = []
        self.witnesses: Witnesses | None = None
        self._bar: Bar | None = None

    def take(self, chunk: Sequence[Picture], total: int, progress: Progress) -> None:
        """Send some pictures through the suite, then through it again on each build."""
        done = len(self.each)
        stack = np.stack([pixels for _, pixels in chunk])
        images = torch.from_numpy(to_unit(stack, channels=self.subject.card.channels)).to(self.device)
        labels = self._labels(images, [sample.label for sample, _ in chunk])
        if not done:
            self._look(images[:LOOKED_AT], labels[:LOOKED_AT])
        confirm = None if self._bar is None else self._bar.confirm(labels)

        def said(name: str) -> None:
            progress(f"assessing: {name}", done, total)

        fallen = self.suite.run(self.subject.model, images, labels, seed=self.seed, confirm=confirm, progress=said)
        on: list[Fallen] = []
        for build in self.builds:
            said(build.reader.name)
            on.append(build.take(images, labels, fallen, seed=self.seed))
        self.clean += int((fallen.by != SKIPPED).sum())
        self.standing += int((fallen.by == STANDS).sum())
        self.each += [self._picture(at, sample, labels, fallen, on) for at, (sample, _) in enumerate(chunk)]
        if self.witnesses is not None:
            self.witnesses.add([sample for sample, _ in chunk], images, labels, [fallen, *on])
        progress("assessing", len(self.each), total)

    def line(self, seconds: float) -> dict[str, Any]:
        """What a journal keeps after a chunk: its pictures and witnesses, and all sums so far."""
        new = self.each[self._kept :]
        self._kept = len(self.each)
        witnesses = [] if self.witnesses is None else self.witnesses.fresh()
        line = {
            "pictures": [asdict(one) for one in new],
            "witnesses": witnesses,
            "seconds": seconds,
            "pace": self.subject.pace,
            "clean": self.clean,
            "standing": self.standing,
            "findings": [asdict(finding) for finding in self.findings],
            "slack": None if self._bar is None else self._bar.slack,
            "tallies": [asdict(tally) for tally in self.suite.tallies],
            "builds": [build.state for build in self.builds],
        }
        kept: dict[str, Any] = jsonable(line)
        return kept

    def take_up(self, journal: Journal, samples: Sequence[Sample]) -> float:
        """Go on from a journal.

        Returns:
            Seconds spent before.

        Raises:
            FileError: journal, folder and pictures do not fit together.
        """
        if not journal.lines:
            return 0.0
        last = journal.lines[-1]
        try:
            self.each = [PictureResult(**entry) for line in journal.lines for entry in line["pictures"]]
            _same(self.each, samples)
            self.clean, self.standing, self._kept = last["clean"], last["standing"], len(self.each)
            self.findings = [Finding(**entry) for entry in last["findings"]]
            self.suite.tallies = [StageTally(**entry) for entry in last["tallies"]]
            if last["slack"] is not None:
                self._bar = Bar(self.subject.model, slack=last["slack"])
            for build, state in zip(self.builds, last["builds"], strict=True):
                build.restore(state)
            if self.witnesses is not None:
                self.witnesses.restore(journal)
            return float(last["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise FileError(f"cannot resume: {reason}; begin anew with --overwrite instead of --resume") from error

    def _look(self, images: Tensor, labels: Tensor) -> None:
        subject = self.subject
        self.findings += look_before(subject.model, images, labels, gradients=subject.gradients)
        if subject.is_file:
            self._bar = Bar.measured(subject.model, subject.judges, images)

    def _labels(self, images: Tensor, given: Sequence[int | None]) -> Tensor:
        """Given labels; where nobody gave one, what the model reads."""
        with torch.no_grad():
            read = self.subject.model(images).argmax(1).tolist()
        said = [there if one is None else one for one, there in zip(given, read, strict=True)]
        return torch.tensor(said, device=images.device)

    def _picture(self, at: int, sample: Sample, labels: Tensor, fallen: Fallen, on: Sequence[Fallen]) -> PictureResult:
        return PictureResult(
            name=sample.name,
            label=self.subject.card.labels[int(labels[at])],
            fell_to=_fell_to(int(fallen.by[at]), self.suite),
            builds={
                build.reader.name: _fell_to(int(one.by[at]), build.suite)
                for build, one in zip(self.builds, on, strict=True)
            },
        )


def _same(each: Sequence[PictureResult], samples: Sequence[Sample]) -> None:
    if [one.name for one in each] != [sample.name for sample in samples[: len(each)]]:
        raise ValueError("the pictures are others than those that it was begun with")


def _fell_to(by: int, suite: Suite) -> str:
    return _SAID[by] if by < 0 else suite.stages[by].name
