"""What every text must stand: foreign control characters, and a width."""

from __future__ import annotations

from misread.text import columns

EVIL = "\x1b[2J\u202eevil"


def fits(text: str, width: int = 80) -> bool:
    return all(columns(line) <= width for line in text.splitlines())


def clean(text: str) -> bool:
    return "\x1b" not in text and "\u202e" not in text and text.endswith("\n") and not text.endswith("\n\n")
