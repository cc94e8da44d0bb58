"""Options that stand together in several commands, said once: a command names their groups and reads its context."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from misread.cli import options as o

Command = TypeVar("Command", bound=Callable[..., None])
#: (name, annotation with its typer.Option, default), in the order of `--help`.
Group = tuple[tuple[str, Any, Any], ...]

#: What `session_said` reads.
SESSION: Final[Group] = (
    ("threads", o.Threads, 0),
    ("level", o.Level, "all"),
    ("provider", o.Providers, None),
    ("provider_option", o.ProviderOptions, None),
    ("spinning", o.Spinning, False),
    ("session", o.SessionSettings, None),
)
#: The same for a command with threads of its own.
SESSION_BUT_THREADS: Final[Group] = SESSION[1:]
#: What `origin_said` reads.
ORIGIN: Final[Group] = (("weights", o.Weights, None), ("arg", o.Arguments, None), ("trust", o.Trust, False))
#: What `card_said` and `flags_said` read.
CARD: Final[Group] = (
    ("labels", o.Labels, None),
    ("size", o.Size, None),
    ("resize", o.ResizeMode, None),
    ("resize_px", o.ResizePx, None),
    ("pad_level", o.PadLevel, None),
    ("interpolation", o.Interpolation, None),
    ("antialias", o.Antialias, None),
    ("colour", o.Colour, None),
    ("scale", o.Scale, None),
    ("mean", o.Mean, None),
    ("std", o.Std, None),
    ("output", o.Output, None),
)
#: What `fed_said` reads: an origin takes RGB in [0, 1] and gives logits.
PREPARATION: Final[Group] = tuple(option for option in CARD if option[0] not in {"colour", "scale", "output"})
#: What `int8_said` and `costs_said` read.
INT8: Final[Group] = (
    ("calibration_data", o.CalibrationData, None),
    ("calibration_pictures", o.CalibrationPictures, 256),
    ("method", o.Method, None),
    ("per_channel", o.PerChannel, None),
    ("symmetric", o.Symmetric, None),
    ("target", o.Target, None),
    ("data", o.Measured, None),
    ("limit", o.MeasuredLimit, None),
    ("max_drop", o.MaxDrop, None),
    ("static_twin", o.StaticTwin, False),
    ("ort", o.OrtFormat, False),
)
#: What `browser_said` reads.
BROWSER: Final[Group] = (("serve", o.Serve, None), ("host", o.Host, o.LOOPBACK), ("token", o.Token, None))
#: What `stand_said` reads.
STAND: Final[Group] = (
    ("lens", o.LensFile, None),
    ("board_mm", o.BoardMm, None),
    ("guided", o.Guided, False),
    ("distances", o.Distances, None),
    ("angles", o.Angles, None),
    ("cell_frames", o.CellFrames, None),
    ("cell_clips", o.CellClips, None),
)
#: What `outputs_said` reads.
OUTPUTS: Final[Group] = (
    ("junit", o.JUnit, None),
    ("junit_witnesses", o.JUnitWitnesses, False),
    ("metrics", o.Metrics, None),
    ("markdown", o.Markdown, None),
    ("csv", o.Csv, None),
    ("jsonl", o.Jsonl, None),
    ("sarif", o.Sarif, None),
)
_LAST: Final = frozenset({"seed", "overwrite", "resume", "json"})


def sharing(*groups: Group) -> Callable[[Command], Command]:
    """Give a command the options of these groups, between its own and those that end every command.

    The command takes them as `**_` and reads them from its context, as `session_said` and its like do.
    """

    def widen(command: Command) -> Command:
        taken = inspect.signature(command, eval_str=True).parameters.values()
        own = [each for each in taken if each.kind != each.VAR_KEYWORD]
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for group in groups
            for name, annotation, default in group
        ]
        last = [each for each in own if each.name in _LAST]
        first = [each for each in own if each.name not in _LAST]
        command.__signature__ = inspect.Signature([*first, *shared, *last])  # type: ignore[attr-defined]
        return command

    return widen
