"""The command line's frame: the application, its one error boundary, and how results are said."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import typer
import typer.core

from misread import __version__
from misread.errors import MisreadError, MissingExtra

INTERRUPTED: Final = 130
#: Columns of a sentence: a name in it may be a megabyte.
LONGEST: Final = 4000
_EXTRAS: Final = {
    "torch": "attack",
    "onnx": "export",
    "onnxscript": "export",
    "safetensors": "export",
    "av": "video",
    "fpdf": "sheet",
}


class Boundary(typer.core.TyperGroup):
    """The one place where an error becomes a sentence on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except MisreadError as error:
            stop(str(error), error.exit_code)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            missing = MissingExtra.of(package, extra=_EXTRAS[package])
            stop(str(missing), missing.exit_code)
        except KeyboardInterrupt as error:
            stop(str(error) or "stopped; nothing half-written is left", INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left: their right
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=Boundary,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Finds small changes that make an image classifier misread a picture, and proves them on the deployed build.",
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    no_trial: Annotated[
        bool,
        typer.Option("--no-trial", help="Open ONNX files without trying them in a limited process of its own first."),
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Say the version and stop.", is_eager=True)] = False,
) -> None:
    """Finds small changes that make an image classifier misread a picture, and proves them on the deployed build."""
    if version:
        typer.echo(f"misread {__version__}")
        raise typer.Exit
    if no_trial:
        from misread.runtime.trial import trusted

        context.with_resource(trusted())


def progress() -> Callable[[str, int, int], None]:
    """Say on a terminal what is being done; be quiet in a pipe."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def say(what: str, done: int, total: int) -> None:
        count = f" {done}/{total}" if total else f" {done}" if done else ""
        typer.echo(f"\r\x1b[2K{what}{count}" + ("\r\x1b[2K" if total and done >= total else ""), err=True, nl=False)

    return say


def show(result: Any, text: Callable[[Any], str], kind: str, *, as_json: bool) -> NoReturn:
    """Say a result as text or as its JSON document, and end with its exit code."""
    from misread.report.json import dumps, result_document

    end(dumps(result_document(kind, result)) if as_json else text(result), getattr(result, "exit_code", 0))


def end(said: str, code: int) -> NoReturn:
    """Say something on standard output and end."""
    typer.echo(said.rstrip("\n"))
    raise typer.Exit(code)


def stop(said: str, code: int) -> NoReturn:
    """Say one sentence on standard error, escaped, and end."""
    from misread.text import printable, shorten

    clear = "\r\x1b[2K" if sys.stderr.isatty() else ""
    typer.echo(f"{clear}misread: {shorten(printable(said), LONGEST)}", err=True)
    raise typer.Exit(code)
