"""Numbers, texts, lists and dictionaries as Python prints them, read by a parser that can do nothing else.

Ultralytics writes its `names` so. The text comes with a stranger's file, so nothing in it is evaluated.
"""

from __future__ import annotations

import re
from typing import Any, Final, final

MAX_DEPTH: Final = 4
_SPACE: Final = re.compile(r"[ \t\r\n]*+")
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(\.\d{0,30})?([eE][+-]?\d{1,3})?(?![\w.])")
_TEXT: Final = re.compile(r"'((?:[^'\\\n]|\\.)*+)'|\"((?:[^\"\\\n]|\\.)*+)\"")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_PLAIN: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_WORDS: Final = (("True", True), ("False", False), ("None", None))


def parse_literal(text: str) -> Any:
    """Read one value: a number, a text, True, False, None, a list, a tuple (as a list) or a dictionary of these.

    Raises:
        ValueError: anything else, deeper than `MAX_DEPTH`, or something after the value.
    """
    reader = _Reader(text)
    value = reader.value(0)
    reader.skip()
    if reader.at != len(text):
        raise ValueError(reader.said("the end"))
    return value


@final
class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def said(self, expected: str) -> str:
        return f"expected {expected} at character {self.at}, got {self.text[self.at : self.at + 20]!r}"

    def taken(self, mark: str) -> bool:
        self.skip()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH}"
            raise ValueError(message)
        for opening, closing in (("[", "]"), ("(", ")")):
            if self.taken(opening):
                return self.items(closing, depth)
        return self.entries(depth) if self.taken("{") else self.simple()

    def items(self, closing: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not self.taken(closing):
            if found and not self.comma_before(closing):
                break
            found.append(self.value(depth + 1))
        return found

    def entries(self, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while not self.taken("}"):
            if found and not self.comma_before("}"):
                break
            key = self.simple()
            if not self.taken(":"):
                raise ValueError(self.said("':'"))
            if key in found:
                message = f"{key!r} stands twice"
                raise ValueError(message)
            found[key] = self.value(depth + 1)
        return found

    def comma_before(self, closing: str) -> bool:
        """Take the comma between two values; False where it stood before `closing`, which is taken then too."""
        if not self.taken(","):
            raise ValueError(self.said(f"',' or {closing!r}"))
        return not self.taken(closing)

    def simple(self) -> Any:
        self.skip()
        if found := _TEXT.match(self.text, self.at):
            self.at = found.end()
            return _ESCAPE.sub(_unescaped, found[1] if found[1] is not None else found[2])
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return float(found[0]) if found[1] or found[2] else int(found[0])
        for word, value in _WORDS:
            if self.taken(word):
                return value
        raise ValueError(self.said("a number, a text, a list or a dictionary"))


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _PLAIN.get(found[4], found[0])
    return chr(int(code, 16)) if int(code, 16) < 0x110000 else found[0]
