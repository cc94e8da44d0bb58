"""Options that several commands share."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from misread.errors import OptionError

Builds = Annotated[list[Path], typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file; may be repeated.")]
PackedOrBuilds = Annotated[
    list[Path] | None,
    typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file; may be repeated. [those packed in the bundle]"),
]
Labels = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Class names in order, for a model without a card; none: numbers.")
]
Size = Annotated[str | None, typer.Option(metavar="PX", help="Input size: 224, or height x width as 224x320.")]
ResizeMode = Annotated[str | None, typer.Option("--resize", help="squash, letterbox, or crop (with --resize-px).")]
ResizePx = Annotated[int | None, typer.Option(help="Shortest side before the centre crop, such as 256.")]
PadLevel = Annotated[int | None, typer.Option(help="Grey level around a letterbox; 114 unless given.")]
Interpolation = Annotated[str | None, typer.Option(help="bilinear, bicubic, nearest or area.")]
Antialias = Annotated[bool | None, typer.Option("--antialias/--no-antialias", help="Widen the kernel as Pillow does.")]
Colour = Annotated[str | None, typer.Option(help="Channel order of the model: rgb, bgr or grey.")]
Scale = Annotated[str | None, typer.Option(help="Factor on 0..255 pixels; 1/255 unless given.")]
Mean = Annotated[str | None, typer.Option(help="Subtracted after scaling, as 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option(help="Divided by at the end, as 0.229,0.224,0.225.")]
Output = Annotated[str | None, typer.Option("--output", help="What the model returns: logits or probabilities.")]
Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="State dict (.pt, .safetensors) of the origin, or none.")
]
Arguments = Annotated[
    list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="For the factory; may be repeated.")
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Let a .pt2 or TorchScript file run the code that its maker put into it.")
]
Targets = Annotated[
    list[str] | None, typer.Option(metavar="LABEL", help="What it is to be read as; repeated: any of these.")
]
AwayFrom = Annotated[
    list[str] | None, typer.Option(metavar="LABEL", help="A label that is no success either; may be repeated.")
]
LOOPBACK: Final = "127.0.0.1"
Serve = Annotated[int | None, typer.Option(metavar="PORT", help="View and buttons in a browser; 0 takes a free port.")]
Host = Annotated[str, typer.Option(help="Address to serve at; beyond this machine with a token.")]
Token = Annotated[str | None, typer.Option(help="That the browser must bring; made where needed.")]
LensFile = Annotated[
    Path | None, typer.Option("--lens", metavar="FILE", help="From misread calibrate, to know distances.")
]
BoardMm = Annotated[float | None, typer.Option(metavar="MM", help="Side of the board, edge to edge.")]
Guided = Annotated[bool, typer.Option("--guided", help="Ask for each distance and angle until all are seen.")]
Distances = Annotated[str | None, typer.Option(metavar="M,M,..", help="Of the guided cells. [1,2,3]")]
Angles = Annotated[str | None, typer.Option(metavar="DEG,DEG,..", help="Likewise. [0,30,60]")]
CellFrames = Annotated[int | None, typer.Option(help="That fill a cell. [6]")]
CellClips = Annotated[int | None, typer.Option(help="That these come from, at least. [1]")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Device = Annotated[str, typer.Option(help="Where torch computes: cpu, cuda or cuda:N.")]
Threads = Annotated[int, typer.Option(help="onnxruntime threads; 0 takes what this process may use.")]
Level = Annotated[str, typer.Option(help="Graph optimisation: disable, basic, extended, layout or all.")]
Providers = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="NAME", help="Where nodes must run, as cuda; a second one may take the rest."),
]
ProviderOptions = Annotated[
    list[str] | None,
    typer.Option("--provider-option", metavar="K=V", help="Or PROVIDER:K=V; may be repeated."),
]
Spinning = Annotated[bool, typer.Option("--spinning/--no-spinning", help="Idle threads spin: faster, warmer.")]
SessionSettings = Annotated[
    list[str] | None,
    typer.Option("--session", metavar="NAME=on|off", help="arena, shrink, memory_pattern, deterministic …"),
]

CalibrationData = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Real pictures that int8 learns its ranges from.")
]
CalibrationPictures = Annotated[int, typer.Option(help="Of these at most so many, drawn at random.")]
Method = Annotated[str | None, typer.Option(help="Ranges: minmax, percentile or entropy. [default: minmax]")]
PerChannel = Annotated[
    bool | None,
    typer.Option("--per-channel/--no-per-channel", help="A scale for each output channel. [default: per-channel]"),
]
Symmetric = Annotated[
    bool | None, typer.Option("--symmetric/--no-symmetric", help="0 in the middle of ranges. [default: by the target]")
]
Target = Annotated[str | None, typer.Option(help="int8 for: x86-vnni, x86, arm64 or gpu. [default: this machine]")]
Measured = Annotated[
    Path | None, typer.Option("--data", metavar="DATA", help="Labelled pictures to measure the cost in accuracy on.")
]
MeasuredLimit = Annotated[int | None, typer.Option("--limit", help="Of these at most so many, spread evenly.")]
MaxDrop = Annotated[
    float | None, typer.Option(metavar="POINTS", help="Accuracy that int8 may lose; what costs more stays in float.")
]
StaticTwin = Annotated[
    bool, typer.Option("--static-twin", help="Also for one picture a call, every shape fixed: NAME_b1.onnx.")
]
BakePreprocessing = Annotated[
    bool, typer.Option("--bake-preprocessing", help="Resize, crop and normalise in the graph: it takes pictures.")
]
JUnit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also JUnit XML: a case per build and gate.")]
JUnitWitnesses = Annotated[bool, typer.Option("--junit-witnesses", help="In it a case per witness as well.")]
Metrics = Annotated[Path | None, typer.Option(metavar="FILE", help="Also rates and verdicts as Prometheus text.")]
Markdown = Annotated[Path | None, typer.Option(metavar="FILE", help="Also a summary for the page of a CI job.")]
Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Also a table with a row per witness and build.")]
Jsonl = Annotated[Path | None, typer.Option(metavar="FILE", help="Also a JSON line per witness and build.")]
Sarif = Annotated[Path | None, typer.Option(metavar="FILE", help="Also what failed, as SARIF 2.1.0.")]
OrtFormat = Annotated[bool, typer.Option("--ort", help="Also in onnxruntime's own format: NAME.ort.")]


def flags_said(context: typer.Context) -> Any:
    """Return what the flags of this call say of a card."""
    from misread.flags import CardFlags

    return CardFlags(**{field.name: context.params[field.name] for field in fields(CardFlags)})


def card_said(context: typer.Context) -> Any:
    """Return what the flags of this call say of a card, or None where none was given; files' own cards come first."""
    return flags_said(context).facts()


def fed_said(context: typer.Context) -> dict[str, Any]:
    """Return what the flags say of how an origin is fed: labels, size and preparation, None where nothing."""
    from misread.export.origin import Preparation
    from misread.flags import parse_numbers, parse_size

    said: dict[str, Any] = {field.name: context.params[field.name] for field in fields(Preparation)}
    said |= {name: parse_numbers(said[name]) for name in ("mean", "std") if said[name]}
    given = {name: value for name, value in said.items() if value is not None}
    size = context.params["size"]
    return {
        "labels": context.params["labels"],
        "size_hw": parse_size(size) if size else None,
        "preparation": Preparation(**given) if given else None,
    }


def origin_said(context: typer.Context) -> dict[str, Any]:
    """Return the weights and arguments of an origin, and whether its file may run code."""
    from misread.flags import parse_settings

    said = context.params
    return {"weights": said["weights"], "arguments": parse_settings(said["arg"] or ()), "trust": said["trust"]}


def stand_said(context: typer.Context) -> dict[str, Any]:
    """Return lens, board and guided cells of this call, as `CameraOptions` takes them."""
    from misread.runtime.camera.guide import read_rules

    said = context.params
    texts = {"distances": said["distances"], "angles": said["angles"]}
    counts = {"frames": said["cell_frames"], "clips": said["cell_clips"]}
    return {
        "lens": said["lens"],
        "board_mm": said["board_mm"],
        "guide": read_rules(guided=said["guided"], **texts, **counts),
    }


def browser_said(context: typer.Context) -> Any:
    """Return where the options of this call want the browser view served, or None.

    Raises:
        OptionError: an address or a token without a view.
    """
    from misread.runtime.camera.web import WebOptions

    port, host, token = (context.params[name] for name in ("serve", "host", "token"))
    if port is not None:
        return WebOptions(port=port, host=host, token=token)
    if token is not None or host != LOOPBACK:
        raise OptionError("--host and --token are of the browser view; add --serve PORT")
    return None


def session_said(context: typer.Context) -> Any:
    """Return how the options of this call want builds to be run; a command takes as many of them as it likes."""
    from misread.runtime.session.said import session_options

    said = context.params
    return session_options(
        threads=said.get("threads", 0),
        level=said.get("level", "all"),
        providers=said.get("provider") or (),
        provider_options=said.get("provider_option") or (),
        spinning=said.get("spinning", False),
        switches=said.get("session") or (),
    )


def outputs_said(context: typer.Context) -> Any:
    """Return the files that the options of this call ask for, refused early where they could not be written."""
    from misread.report.outputs.write import Outputs

    outputs = Outputs(**{field.name: context.params[field.name] for field in fields(Outputs)})
    outputs.check()
    return outputs


def int8_said(context: typer.Context) -> Any:
    """Return what the flags of this call say of int8."""
    from misread.export.quantize.options import StaticOptions

    return StaticOptions(**{field.name: context.params[field.name] for field in fields(StaticOptions)})


def costs_said(context: typer.Context) -> dict[str, Any]:
    """Return what int8 is learnt and measured on, what it may cost, and in which forms it is written."""
    names = ("calibration_data", "calibration_pictures", "data", "limit", "max_drop", "static_twin")
    return {name: context.params[name] for name in names} | {"ort_format": context.params["ort"]}
