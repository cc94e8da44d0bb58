"""HTML and SVG built from Python calls, where every string is escaped unless it is `Markup` already."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

VOID: Final = frozenset({"br", "circle", "col", "img", "line", "link", "meta", "path", "polygon", "rect"})
_SPOOFING: Final = {ord(mark): "\ufffd" for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
#: Invisible: two labels that look the same would not be. Joiners stay, which scripts and emoji need.
_HIDDEN: Final = {ord(mark): "\ufffd" for mark in "\u200b\u200e\u200f\u2028\u2029\u2060\ufeff"}
#: Control characters of both sets.
_CONTROL: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)), "\ufffd")
_UNFIT: Final = _SPOOFING | _HIDDEN | _CONTROL


class Markup(str):
    """Text that is HTML already; everything else is foreign and gets escaped."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Return foreign text as HTML: escaped, without control characters or marks that reverse the writing direction."""
    if isinstance(value, Markup):
        return value
    return Markup(escape(value.translate(_UNFIT), quote=True))


def join(parts: Iterable[str], separator: str = "") -> Markup:
    """Return the parts one after the other, each escaped unless it is `Markup`."""
    return Markup(text(separator).join(text(part) for part in parts))


def tag(name: str, /, *children: str, **attributes: str | float | bool | None) -> Markup:
    """Return one element.

    Args:
        name: The element, as in `figure`.
        *children: Its content; plain strings are escaped.
        **attributes: `class_` is written `class`, `stroke_width` is written `stroke-width`. None and False leave the
            attribute out, True writes it without a value.

    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:  # noqa: FBT001  an attribute may be bare
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name}="{text(shown)}"'
