"""Static int8 inside a budget of accuracy: other settings first, then operators kept in float, the worst first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import CheckFailed
from misread.export.onnx_file import read_metadata, read_model
from misread.export.pictures import refuse_unreal
from misread.export.quantize.accuracy import Cost, cost, right
from misread.export.quantize.base import finish, tool_errors
from misread.export.quantize.int8_static import WEIGHTED, Int8Static
from misread.export.quantize.layers import LayerError, layer_errors
from misread.export.quantize.workbench import Workbench

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from misread.card import ModelCard
    from misread.export.pictures import Labelled
    from misread.export.quantize.calibrate import Calibration
    from misread.export.quantize.options import StaticOptions
    from misread.runtime.session import SessionOptions

Progress = Callable[[str, int, int], None]

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One build that was measured.

    Attributes:
        options: settled.
        keep_float: how many operators stayed in float.
        cost: what it costs.
    """

    options: StaticOptions
    keep_float: int
    cost: Cost


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The build inside the budget that keeps the most in int8.

    Attributes:
        best: the trial that was kept.
        kept_float: the operators in float, the worst first.
        trials: all that were measured, in order.
    """

    best: Trial
    kept_float: tuple[LayerError, ...]
    trials: tuple[Trial, ...]


class Search:
    """A search for one model.

    Attributes:
        trials: what was measured so far.
    """

    def __init__(
        self,
        source: Path,
        calibration: Calibration,
        labelled: Labelled,
        *,
        card: ModelCard,
        session: SessionOptions,
        progress: Progress = lambda *_: None,
    ) -> None:
        """Take the float model and the pictures.

        Args:
            source: the float file; its card is in it.
            calibration: what ranges are learnt from.
            labelled: what accuracy is measured on.
            card: of the model.
            session: how builds will run.
            progress: called as (what, done, total).
        """
        self.source, self.calibration, self.labelled = source, calibration, labelled
        self.card, self.session, self.progress = card, session, progress
        self.trials: list[Trial] = []

    def run(self, options: StaticOptions, budget: float, target: Path) -> Found:
        """Write the build that keeps the most in int8 while it loses at most `budget` points.

        Raises:
            CheckFailed: no build does before everything is in float; nothing was written.
            ModelError: the model cannot be quantised.
        """
        with tempfile.TemporaryDirectory(dir=self.source.parent) as folder:
            refuse_unreal(self.calibration.pictures)
            before = right(self.source, self.labelled, self.card, self.session)
            with tool_errors(Int8Static.name, target):
                bench = Workbench(self.source, self.calibration, Path(folder))
            best = self._settings(bench, options, budget, before)
            layers: tuple[LayerError, ...] = ()
            if not within(best, budget):
                with tool_errors(Int8Static.name, target):
                    layers = layer_errors(bench, best.options, progress=self.progress)
                best, layers = self._keep(bench, best, layers, budget, before)
            self._build(bench, best.options, [layer.node for layer in layers], target)
        return Found(best=best, kept_float=layers, trials=tuple(self.trials))

    def _settings(self, bench: Workbench, options: StaticOptions, budget: float, before: NDArray[np.bool_]) -> Trial:
        """Return the first settings inside the budget, else the best of all."""
        tried: list[Trial] = []
        for candidate in options.candidates():
            self.progress(f"trying {candidate.text()}", 0, 0)
            tried.append(self._trial(bench, candidate, (), before))
            if within(tried[-1], budget):
                return tried[-1]
        return min(tried, key=lambda trial: trial.cost.drop)

    def _keep(
        self,
        bench: Workbench,
        start: Trial,
        layers: tuple[LayerError, ...],
        budget: float,
        before: NDArray[np.bool_],
    ) -> tuple[Trial, tuple[LayerError, ...]]:
        """Double the number of the worst operators kept in float until that is enough, then halve the difference."""
        weighted = [at for at, layer in enumerate(layers) if layer.operator in WEIGHTED | {"MatMul"}]
        most = max(weighted, default=0)  # so many leave one operator with weights in int8
        seen = [start]

        def enough(count: int) -> bool:
            self.progress(f"keeping {count} in float", 0, 0)
            seen.append(self._trial(bench, start.options, [layer.node for layer in layers[:count]], before))
            return within(seen[-1], budget)

        few, many = 0, min(1, most)
        while many and not enough(many):
            if many == most:
                many = 0
            else:
                few, many = many, min(2 * many, most)
        if not many:
            raise CheckFailed(_refusal(min(seen, key=lambda trial: trial.cost.drop), budget, layers))
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (few, middle) if enough(middle) else (middle, many)
        found = next(trial for trial in seen if trial.keep_float == many)
        return found, layers[:many]

    def _trial(
        self, bench: Workbench, options: StaticOptions, keep_float: Collection[str], before: NDArray[np.bool_]
    ) -> Trial:
        made = bench.prepared.with_name("trial.onnx")
        self._build(bench, options, keep_float, made)
        after = right(made, self.labelled, self.card, self.session)
        found = Trial(
            options=options,
            keep_float=len(keep_float),
            cost=cost(before, after, self.labelled.pictures.source),
        )
        self.trials.append(found)
        return found

    def _build(self, bench: Workbench, options: StaticOptions, keep_float: Collection[str], target: Path) -> None:
        recipe = Int8Static(options=options, keep_float=frozenset(keep_float))
        with tool_errors(recipe.name, target):
            model = bench.quantised(options, keep_float=keep_float)
        finish(recipe, model, read_metadata(read_model(self.source)), target)


def within(trial: Trial, budget: float) -> bool:
    """Tell whether a build loses at most `budget` points."""
    return trial.cost.drop <= budget + _ROUNDING


def _refusal(best: Trial, budget: float, layers: tuple[LayerError, ...]) -> str:
    worst = ", ".join(f"{layer.operator} {layer.node}" for layer in layers[:3])
    return (
        f"int8 cannot be made of this model within {budget:g} points: the best build ({best.options.text()}, "
        f"{best.keep_float} operators in float) reads {best.cost.build.text()} right and fp32 "
        f"{best.cost.float32.text()}, {best.cost.drop:.1f} points less; the worst operators are {worst or 'unknown'}; "
        "allow more with --max-drop, or ship fp32; no file was written"
    )
