"""The command line: arguments in, one library call, text or JSON out, an exit code. No logic of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, cast

import typer
import typer.core

from misread import __version__
from misread.errors import MisreadError, MissingExtra

INTERRUPTED: Final = 130
_EXTRAS: Final = {"torch": "attack", "onnx": "export", "onnxscript": "export", "safetensors": "export", "av": "video"}


class _Boundary(typer.core.TyperGroup):
    """The one place where an error becomes a sentence on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except MisreadError as error:
            _stop(str(error), error.exit_code)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            missing = MissingExtra.of(package, extra=_EXTRAS[package])
            _stop(str(missing), missing.exit_code)
        except KeyboardInterrupt:
            _stop("stopped; nothing half-written is left", INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left: their right
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=_Boundary,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Finds small changes that make an image classifier misread a picture, and proves them on the deployed build.",
)

Builds = Annotated[list[Path], typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file; may be repeated.")]
Labels = Annotated[Path | None, typer.Option(metavar="FILE", help="Class names in order, for a model without a card.")]
Size = Annotated[str | None, typer.Option(metavar="PX", help="Input size: 224, or height x width as 224x320.")]
ResizeMode = Annotated[str | None, typer.Option("--resize", help="squash, or crop (with --resize-px).")]
ResizePx = Annotated[int | None, typer.Option(help="Shortest side before the centre crop, such as 256.")]
Interpolation = Annotated[str | None, typer.Option(help="bilinear, bicubic, nearest or area.")]
Antialias = Annotated[bool | None, typer.Option("--antialias/--no-antialias", help="Widen the kernel as Pillow does.")]
Colour = Annotated[str | None, typer.Option(help="Channel order of the model: rgb, bgr or grey.")]
Scale = Annotated[str | None, typer.Option(help="Factor on 0..255 pixels; 1/255 unless given.")]
Mean = Annotated[str | None, typer.Option(help="Subtracted after scaling, as 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option(help="Divided by at the end, as 0.229,0.224,0.225.")]
Output = Annotated[str | None, typer.Option("--output", help="What the model returns: logits or probabilities.")]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="A state dict (.pt, .safetensors) for the origin.")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Threads = Annotated[int, typer.Option(help="onnxruntime threads; 0 takes what this process may use.")]


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Say the version and stop.", is_eager=True)] = False,
) -> None:
    """Finds small changes that make an image classifier misread a picture, and proves them on the deployed build."""
    if version:
        typer.echo(f"misread {__version__}")
        raise typer.Exit


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that the demo makes.")] = Path(
        "misread-demo"
    ),
    camera: Annotated[bool, typer.Option("--camera/--no-camera", help="Film it with the virtual camera too.")] = True,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Show all of it on the embedded sign classifier, in under a minute, no camera needed."""
    from misread.demo import DemoOptions, run_demo
    from misread.report.text.demo import demo_text

    result = run_demo(DemoOptions(out=out, seed=seed, overwrite=overwrite, camera=camera), progress=_progress())
    _show(result, demo_text, "misread-demo", as_json=json)


@app.command()
def doctor(*, json: Json = False) -> None:
    """Say what is installed, what the machine offers, what is missing and how to get it."""
    from misread.report.json import diagnosis_document, dumps
    from misread.report.text.diagnosis import diagnosis_text
    from misread.runtime.doctor import diagnose

    diagnosis = diagnose()
    _end(dumps(diagnosis_document(diagnosis)) if json else diagnosis_text(diagnosis), diagnosis.exit_code)


@app.command()
def export(
    origin: Annotated[str, typer.Argument(help="signs, file.py:factory or package.module:factory.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.onnx", help="The ONNX file to write.")],
    precision: Annotated[list[str] | None, typer.Option(help="fp32, int8 …; may be repeated. [default: fp32]")] = None,
    calibration_data: Annotated[Path | None, typer.Option(metavar="DIR", help="Real pictures for int8.")] = None,
    parity_data: Annotated[Path | None, typer.Option(metavar="DIR", help="Real pictures to compare on.")] = None,
    batch: Annotated[str, typer.Option(help="Pictures per call: a number, or dynamic.")] = "dynamic",
    opset: Annotated[int | None, typer.Option(help="Of the ONNX file; checked after the export.")] = None,
    weights: Weights = None,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    mean: Mean = None,
    std: Std = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Export a PyTorch classifier to ONNX builds that agree with it."""
    from misread.export.run import ExportOptions, export_builds
    from misread.flags import parse_batch, parse_size
    from misread.report.text.export import export_text

    options = ExportOptions(
        origin=origin,
        out=out,
        precisions=tuple(precision or ("fp32",)),
        weights=weights,
        labels=labels,
        size_hw=parse_size(size) if size else None,
        preparation=_preparation(
            mean, std, resize=resize, resize_px=resize_px, interpolation=interpolation, antialias=antialias
        ),
        calibration_data=calibration_data,
        parity_data=parity_data,
        batch=parse_batch(batch),
        opset=opset,
        seed=seed,
        overwrite=overwrite,
    )
    _show(export_builds(options, progress=_progress()), export_text, "misread-export", as_json=json)


@app.command()
def attack(
    origin: Annotated[str, typer.Argument(help="signs, file.py:factory or package.module:factory.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="Folder for the witnesses.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Class folders, a CSV (file,label) or pictures. [signs: the shipped scenes]"),
    ] = None,
    builds: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file to finish and judge on; may be repeated."),
    ] = None,
    name: Annotated[
        str,
        typer.Option("--attack", help="minimal: the smallest change. Within --eps: pgd, apgd, apgd-t, fgsm, mi-fgsm."),
    ] = "minimal",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the attack, as steps=100.")
    ] = None,
    norm: Annotated[str, typer.Option(help="linf or l2.")] = "linf",
    eps: Annotated[str | None, typer.Option(help="Largest change as a fraction of full scale: 8/255.")] = None,
    target: Annotated[str | None, typer.Option(metavar="LABEL", help="What it is to be read as.")] = None,
    space: Annotated[str, typer.Option(help="input: the prepared picture; file: at its own size.")] = "input",
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    weights: Weights = None,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    mean: Mean = None,
    std: Std = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Look for changed copies that are misread, and write them as a bundle of PNG files."""
    from misread.attack.options import AttackOptions
    from misread.attack.run import attack_to_bundle
    from misread.attack.threat import Threat
    from misread.flags import parse_number, parse_settings, parse_size
    from misread.report.text.attack import attack_text

    options = AttackOptions(
        origin=origin,
        data=data,
        out=out,
        attack=name,
        settings=parse_settings(setting or ()),
        threat=Threat(norm=cast("Any", norm), eps=parse_number(eps) if eps else None),
        target=target,
        space=cast("Any", space),
        builds=tuple(builds or ()),
        limit=limit,
        seed=seed,
        overwrite=overwrite,
        weights=weights,
        labels=labels,
        size_hw=parse_size(size) if size else None,
        preparation=_preparation(
            mean, std, resize=resize, resize_px=resize_px, interpolation=interpolation, antialias=antialias
        ),
    )
    _show(attack_to_bundle(options, progress=_progress()), attack_text, "misread-attack", as_json=json)


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    builds: Builds,
    threads: Threads = 0,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    colour: Colour = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    output: Output = None,
    json: Json = False,
) -> None:
    """Judge a bundle on deployed builds: verdicts, and the ladder that the witnesses go down. Needs no torch."""
    from misread.flags import CardFlags
    from misread.report.json import dumps, verification_document
    from misread.report.text.verification import verification_text
    from misread.runtime.session import SessionOptions
    from misread.runtime.verify import VerifyOptions
    from misread.runtime.verify import verify as run

    shape: Any = {"resize": resize, "resize_px": resize_px, "interpolation": interpolation, "antialias": antialias}
    values: Any = {"colour": colour, "scale": scale, "mean": mean, "std": std, "output": output}
    flags = CardFlags(labels=labels, size=size, **shape, **values)
    session = SessionOptions(threads=threads)
    options = VerifyOptions(bundle=bundle, builds=tuple(builds), card=flags.card(), session=session)
    result = run(options, progress=_progress())
    _end(dumps(verification_document(result)) if json else verification_text(result), result.exit_code)


@app.command()
def camera(
    *,
    builds: Builds,
    source: Annotated[
        str, typer.Option(help="virtual, device:0, a stream's URL, a video file or a folder.")
    ] = "virtual",
    bundle: Annotated[Path | None, typer.Option(help="Its witnesses are shown, or named by their markers.")] = None,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="LABEL", help="What a right reading says, without a bundle.")
    ] = None,
    locate: Annotated[str | None, typer.Option(help="fiducials, box:x,y,w,h, centre or frame.")] = None,
    claim: Annotated[
        str, typer.Option(help="raw: the verdicts speak of the crop as filmed; rectified: set upright.")
    ] = "raw",
    headless: Annotated[bool, typer.Option("--headless", help="No window.")] = False,
    seconds: Annotated[float | None, typer.Option(help="When to end.")] = None,
    clips: Annotated[int, typer.Option(help="Of each exhibit, on the virtual camera.")] = 8,
    frames_per_clip: Annotated[int, typer.Option(help="Likewise.")] = 9,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for log, summary and key frames.")] = None,
    seed: Seed = 0,
    threads: Threads = 0,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    colour: Colour = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    output: Output = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """See live whether a misreading persists; with a control, a placebo and an interval over clips."""
    from misread.flags import CardFlags
    from misread.report.text.camera import camera_text
    from misread.runtime.camera.run import CameraOptions, run_camera
    from misread.runtime.session import SessionOptions

    shape: Any = {"resize": resize, "resize_px": resize_px, "interpolation": interpolation, "antialias": antialias}
    values: Any = {"colour": colour, "scale": scale, "mean": mean, "std": std, "output": output}
    flags = CardFlags(labels=labels, size=size, **shape, **values)
    options = CameraOptions(
        builds=tuple(builds),
        source=source,
        bundle=bundle,
        witness=tuple(witness or ()),
        expect=expect,
        locate=locate,
        claim=cast("Any", claim),
        headless=headless,
        seconds=seconds,
        clips=clips,
        frames_per_clip=frames_per_clip,
        out=out,
        seed=seed,
        overwrite=overwrite,
        card=flags.card(),
        session=SessionOptions(threads=threads),
    )
    _show(run_camera(options, progress=_progress()), camera_text, "misread-camera", as_json=json)


@app.command()
def rig(
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 30.0,
    seconds: Annotated[float | None, typer.Option(help="When to end; otherwise with Ctrl-C.")] = None,
    seed: Seed = 0,
) -> None:
    """Film a bundle with the virtual camera and serve it as a stream on loopback, until Ctrl-C."""
    from misread.bundle import read_bundle
    from misread.runtime.camera.subject import exhibits_of
    from misread.runtime.rig.serve import serve

    exhibits = exhibits_of(read_bundle(bundle), tuple(witness or ()))
    serve(exhibits, fps=fps, seconds=seconds, seed=seed, on_ready=lambda url: typer.echo(f"serving {url}"))


def _preparation(mean: str | None, std: str | None, **said: Any) -> Any:
    """Return what was said of an origin's preparation, or None where nothing was."""
    from misread.export.origin import Preparation
    from misread.flags import parse_numbers

    said |= {name: parse_numbers(text) for name, text in (("mean", mean), ("std", std)) if text}
    given = {name: value for name, value in said.items() if value is not None}
    return Preparation(**given) if given else None


def _progress() -> Callable[[str, int, int], None]:
    """Say on a terminal what is being done; be quiet in a pipe."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def say(what: str, done: int, total: int) -> None:
        count = f" {done}/{total}" if total else f" {done}" if done else ""
        typer.echo(f"\r\x1b[2K{what}{count}" + ("\r\x1b[2K" if total and done >= total else ""), err=True, nl=False)

    return say


def _show(result: Any, text: Callable[[Any], str], kind: str, *, as_json: bool) -> NoReturn:
    from misread.report.json import dumps, result_document

    _end(dumps(result_document(kind, result)) if as_json else text(result), getattr(result, "exit_code", 0))


def _end(said: str, code: int) -> NoReturn:
    typer.echo(said.rstrip("\n"))
    raise typer.Exit(code)


def _stop(said: str, code: int) -> NoReturn:
    from misread.text import printable

    clear = "\r\x1b[2K" if sys.stderr.isatty() else ""
    typer.echo(f"{clear}misread: {printable(said)}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    app()
