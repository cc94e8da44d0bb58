"""Strangers' strings made fit for a terminal: labels and file names may carry control sequences."""

from __future__ import annotations

import unicodedata

#: Control characters, marks that reverse the writing direction or are invisible, halves of surrogate pairs,
#: line and paragraph separators: none of them belongs on one line of a terminal.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return `text` on one line with every control or formatting character spelt out, as in `\x1b`.

    A terminal obeys control sequences wherever they come from; a label such as `"\x1b[2Jstop"` would clear it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelt(mark) if unicodedata.category(mark) in _UNFIT else mark for mark in text)


def columns(text: str) -> int:
    """Return how many terminal columns `text` takes: wide East Asian characters take two, combining marks none."""
    return sum(_width(mark) for mark in text)


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, with an ellipsis in the middle where something was left out.

    File names differ at their end and labels at their start, so both ends stay.
    """
    if columns(text) <= width:
        return text
    room = max(width - 1, 0)
    head = _take(text, (room + 1) // 2)
    tail = _take(text[::-1], room // 2)[::-1]
    return f"{head}…{tail}" if width > 0 else ""


def _spelt(mark: str) -> str:
    code = ord(mark)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _width(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in {"W", "F"} else 1


def _take(text: str, width: int) -> str:
    taken: list[str] = []
    used = 0
    for mark in text:
        used += _width(mark)
        if used > width:
            break
        taken.append(mark)
    return "".join(taken)
