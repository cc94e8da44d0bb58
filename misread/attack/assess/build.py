"""The suite goes on against a deployed build, so that the figure for a build is about the build.

First the copies that broke the model are shown to it. Then, for what it still reads right, the suite runs on the build
itself: gradients from its own graph, and every candidate judged by onnxruntime; the queries ask onnxruntime alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast

import torch

from misread.attack.assess.bar import Bar
from misread.attack.assess.suite import ASKING, SKIPPED, STANDS, SUITES, Fallen, StageTally, Suite
from misread.attack.judges import Judges
from misread.attack.query.reader import ReaderModel
from misread.attack.speed import Pace, prepare
from misread.attack.subject import FileModel
from misread.attack.surrogate import UnsupportedOperator, load_surrogate_origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from misread.attack.problem import Model
    from misread.attack.threat import Threat
    from misread.card import ModelCard

_COUNTS: Final = ("clean", "offered", "transferred", "standing")
TRANSFER: Final = -3
"""In `Fallen.by`: the copy that broke the model broke the build too."""


class BuildSuite:
    """One build under attack, with its tallies.

    Attributes:
        suite: The stages that run against it.
        surrogate: Empty, or why the file gives no gradients.
        clean: Images that it reads right.
        offered: Of these, those with a copy that broke the model.
        transferred: Of these, those that it misreads.
        standing: Images that nothing broke.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        threat: Threat,
        sample: Tensor,
        *,
        device: str = "cpu",
        pace: Pace | None = None,
    ) -> None:
        """Open the build and its surrogate.

        Args:
            path: The ONNX file.
            card: Of the model; its labels give the order of classes, and it stands in where the file has no card.
            threat: Norm and eps.
            sample: A few pictures, (n, c, h, w) in [0, 1].
            device: Where the surrogate computes.
            pace: How its passes are split; None measures.

        Raises:
            MisreadError: the file cannot be judged at all.
        """
        self.path, self.judges = path, Judges.open((path,), card)
        self.reader = self.judges.readers[0]
        asked, stages = ReaderModel(self.reader), SUITES[threat.norm]
        self.surrogate, self.pace, model = "", pace, cast("Model", asked)
        try:
            surrogate = load_surrogate_origin(path, self.reader.card).origin.twin
        except UnsupportedOperator as error:
            self.surrogate, stages = str(error), tuple(stage for stage in stages if stage.name in ASKING)
        else:
            prepared = prepare(surrogate, sample, device=device, pace=pace)
            self.pace, model = prepared.pace, FileModel(prepared, asked)
        self.model = in_order(model, _columns(self.reader.card, card))
        self.suite = Suite(threat=threat, stages=stages)
        self.clean = self.offered = self.transferred = self.standing = 0
        self._bar: Bar | None = None

    @property
    def state(self) -> dict[str, Any]:
        """What a journal keeps."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        slack = None if self._bar is None else self._bar.slack
        return {"slack": slack, "pace": self.pace, "tallies": [asdict(tally) for tally in self.suite.tallies], **counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what a journal kept."""
        for name in _COUNTS:
            setattr(self, name, int(state[name]))
        self.suite.tallies = [StageTally(**entry) for entry in state["tallies"]]
        self._bar = None if state["slack"] is None else Bar(self.model, slack=state["slack"])

    def take(self, images: Tensor, labels: Tensor, fallen: Fallen, *, seed: int) -> Fallen:
        """Judge what broke the model, then attack what still stands.

        Args:
            images: (n, c, h, w) clean.
            labels: (n,) in the model's order.
            fallen: How they fared on the model.
            seed: Of all draws.
        """
        bar = self._bar = self._bar or Bar.measured(self.model, self.judges, images)
        right = bar.margin(images, labels) > 0
        broken = (fallen.by >= 0) & right
        hit = broken.clone()
        if broken.any():
            hit[broken] = bar.broken(fallen.images[broken], labels[broken])
        by = torch.where(hit, TRANSFER, torch.where(right, STANDS, SKIPPED))
        final = torch.where(hit.view(-1, 1, 1, 1), fallen.images, images)
        rows = (by == STANDS).nonzero().flatten()
        if len(rows):
            confirm = bar.confirm(labels[rows])
            on = self.suite.run(self.model, images[rows], labels[rows], seed=seed, confirm=confirm)
            by[rows], final[rows] = on.by, on.images
        self.clean += int(right.sum())
        self.offered += int(broken.sum())
        self.transferred += int(hit.sum())
        self.standing += int((by == STANDS).sum())
        return Fallen(images=final, by=by)


def in_order(model: Model, columns: list[int]) -> Model:
    """The model with its classes in another order; a file may number the same labels differently."""
    if columns == list(range(len(columns))):
        return model
    return _InOrder(model, columns)


class _InOrder(torch.nn.Module):
    def __init__(self, model: Model, columns: list[int]) -> None:
        super().__init__()
        self.model, self.columns = model, columns

    def forward(self, x: Tensor) -> Tensor:
        """Logits in the wanted order."""
        return self.model(x)[:, self.columns]


def _columns(own: ModelCard, wanted: ModelCard) -> list[int]:
    """The build's columns: the model's labels in the model's order, then what only the build knows."""
    first = [own.index(label) for label in wanted.labels]
    return [*first, *(column for column in range(len(own.labels)) if column not in set(first))]
