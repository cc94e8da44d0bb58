"""Looking up a part by its name, with a suggestion when it is misspelt."""

from __future__ import annotations

import difflib
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from misread.errors import UnknownName
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_LONGEST = 120


def by_name(kind: str, entries: Sequence[T], name: str, *, key: Callable[[T], str] = attrgetter("name")) -> T:
    """Return the entry called `name`.

    Args:
        kind: what the entries are, for the message ("attack", "label").
        entries: the registry.
        name: the name asked for; upper and lower case are told apart only when both exist.
        key: how an entry tells its name.

    Raises:
        UnknownName: no entry has that name; the message suggests near ones and lists the known (at most 20).
    """
    named = {key(entry): entry for entry in entries}
    if name in named:
        return named[name]
    folded = {known.casefold(): entry for known, entry in named.items()}
    if name.casefold() in folded:
        return folded[name.casefold()]
    raise UnknownName(unknown(kind, name, tuple(named)))


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """Word the refusal of an unknown name: what is near it, then what there is."""
    folded = {entry.casefold(): entry for entry in known}
    name = shorten(name, _LONGEST)
    near = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(repr(shorten(entry, _LONGEST)) for entry in near)}? " if near else ""
    listed = ", ".join(shorten(entry, _LONGEST) for entry in known[:20])
    listed += f", … ({len(known)} in all)" if len(known) > 20 else ""
    return f"unknown {kind} {name!r}; {hint}known: {listed}"
