"""What a command line says of a session, turned into `SessionOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import onnxruntime as ort

from misread.errors import OptionError
from misread.registry import by_name
from misread.runtime.session.options import Level, SessionOptions
from misread.runtime.session.placement import CPU

if TYPE_CHECKING:
    from collections.abc import Sequence

SWITCHES: Final = ("arena", "shrink", "memory_pattern", "flush_denormals", "deterministic", "exact_int8")
_ENDING: Final = "ExecutionProvider"
_SAID: Final = {"on": True, "off": False}


def session_options(
    *,
    threads: int = 0,
    level: str = "all",
    providers: Sequence[str] = (),
    provider_options: Sequence[str] = (),
    spinning: bool = False,
    switches: Sequence[str] = (),
) -> SessionOptions:
    """Return the options that texts describe.

    Args:
        threads: as in `SessionOptions`.
        level: likewise.
        providers: names as in `CUDAExecutionProvider` or `cuda`; none is the CPU.
        provider_options: `KEY=VALUE` for the only provider beside the CPU, or `PROVIDER:KEY=VALUE`.
        spinning: as in `SessionOptions`.
        switches: `NAME=on` or `NAME=off`, of `SWITCHES`.

    Raises:
        OptionError: a text that says none of this.
        UnknownName: a switch that is none.
    """
    names = tuple(provider_named(text) for text in providers) or (CPU,)
    return SessionOptions(
        threads=threads,
        level=cast("Level", level),
        providers=names,
        provider_options=tuple(_provider_option(text, names) for text in provider_options),
        spinning=spinning,
        **dict(_switch(text) for text in switches),
    )


def provider_named(text: str) -> str:
    """Return the full name of a provider: `cuda` is CUDAExecutionProvider; a name that is none comes back as it is."""
    for name in ort.get_all_providers():
        if text.casefold() in (name.casefold(), name.removesuffix(_ENDING).casefold()):
            return str(name)
    return text


def _provider_option(text: str, names: tuple[str, ...]) -> tuple[str, str, str]:
    left, equals, value = text.partition("=")
    provider, colon, key = left.rpartition(":")
    others = [name for name in names if name != CPU] or [CPU]
    if not equals or (not colon and len(others) != 1):
        form = "PROVIDER:KEY=VALUE" if equals else "KEY=VALUE or PROVIDER:KEY=VALUE"
        raise OptionError(f"an option of a provider is {form} here, got {text!r}")
    return (provider_named(provider) if colon else others[0], key, value)


def _switch(text: str) -> tuple[str, bool]:
    name, _, said = text.partition("=")
    known = by_name("session setting", SWITCHES, name.replace("-", "_"), key=str)
    if said not in _SAID:
        raise OptionError(f"a session setting is on or off, as in {known}=on, got {text!r}")
    return known, _SAID[said]
