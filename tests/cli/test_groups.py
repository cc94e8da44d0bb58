"""Options that commands share: where they stand, that they reach the context, and that none is given twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from misread.cli import groups
from misread.cli.groups import CARD, ORIGIN, PREPARATION, SESSION, SESSION_BUT_THREADS, sharing


def fresh() -> Callable[..., None]:
    """Return a command that nobody has widened yet."""

    def command(
        context: typer.Context,
        model: Annotated[str, typer.Argument()],
        *,
        own: int = 1,
        seed: int = 0,
        json: bool = False,
        **_: Any,
    ) -> None:
        came = context.params
        typer.echo(f"{model} {own} {json} {came['threads']} {came['weights']} {list(came['arg'] or ())}")

    return command


def test_shared_options_stand_between_a_commands_own_and_the_last() -> None:
    names = list(inspect.signature(sharing(SESSION, ORIGIN)(fresh())).parameters)
    shared = [name for name, _, _ in (*SESSION, *ORIGIN)]
    assert names == ["context", "model", "own", *shared, "seed", "json"]


def test_what_was_typed_reaches_the_context() -> None:
    app = typer.Typer()
    app.command()(sharing(SESSION, ORIGIN)(fresh()))
    typed = CliRunner().invoke(app, ["m", "--own", "2", "--threads", "3", "--arg", "a=1", "--arg", "b=2", "--json"])
    assert typed.output.strip() == "m 2 True 3 None ['a=1', 'b=2']"
    plain = CliRunner().invoke(app, ["m"])
    assert plain.output.strip() == "m 1 False 0 None []"


def test_an_option_that_two_groups_give_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="duplicate parameter name"):
        sharing(SESSION, SESSION_BUT_THREADS)(fresh())


def test_an_origin_is_fed_by_what_no_file_needs_to_be_told() -> None:
    left_out = {name for name, _, _ in CARD} - {name for name, _, _ in PREPARATION}
    assert left_out == {"colour", "scale", "output"}


def test_every_option_of_a_group_carries_its_help() -> None:
    every = [getattr(groups, name) for name in ("SESSION", "ORIGIN", "CARD", "INT8", "OUTPUTS")]
    infos = [annotation.__metadata__[0] for group in every for _, annotation, _ in group]
    assert len(infos) == sum(map(len, every))
    assert all(info.help for info in infos)
