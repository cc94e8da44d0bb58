"""A pickle, followed without building anything: how much it would build, and by calling what."""

from __future__ import annotations

import pickletools
from typing import IO, TYPE_CHECKING, Any, Final

from misread.errors import FileError

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

MAX_STEPS: Final = 4_000_000
#: How many objects a pickle stands for, those counted again that it mentions again: a tuple of two twice the same
#: tuple of two, and so on for forty levels, is a few hundred bytes and takes for ever to hash.
MAX_OBJECTS: Final = 2**24
#: What torch's own reader allows and no state dict holds: memory by the number.
REFUSED: Final = frozenset({"builtins bytearray", "__builtin__ bytearray"})
_MARK: Final = pickletools.markobject
_GROWS: Final = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"})
_PUTS: Final = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_GETS: Final = frozenset({"GET", "BINGET", "LONG_BINGET"})


def follow(stream: IO[bytes] | mmap.mmap, path: Path) -> None:
    """Follow one pickle from where `stream` stands to its end.

    Raises:
        FileError: it is damaged, too long, or would build too much.
    """
    try:
        _follow(stream, path)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, UnicodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it ends in the middle"
        raise FileError(f"{path} holds a damaged pickle: {reason[:200]}; copy it again") from error


def _follow(stream: Any, path: Path) -> None:
    """Keep a stack of sizes instead of objects; a size is a list of one number, since containers grow later."""
    stack: list[Any] = []
    memo: dict[int, list[int]] = {}
    argument: Any
    for step, (code, argument, _) in enumerate(pickletools.genops(stream)):
        if step > MAX_STEPS:
            raise FileError(f"{path} holds a pickle of more than {MAX_STEPS} steps; save the state_dict() alone")
        if code.name == "GLOBAL" and argument in REFUSED:
            raise FileError(f"{path} holds a pickle with a {argument.split()[1]}, which no state dict has")
        if code.name in _PUTS:
            memo[len(memo) if code.name == "MEMOIZE" else argument] = stack[-1]
        elif code.name in _GETS:
            stack.append(memo[argument])
        elif code.name == "DUP":
            stack.append(stack[-1])
        else:
            _step(code, stack)
        if stack and stack[-1] is not _MARK and stack[-1][0] > MAX_OBJECTS:
            raise FileError(
                f"{path} holds a pickle that stands for more than {MAX_OBJECTS} objects; it is no state dict"
            )


def _step(code: Any, stack: list[Any]) -> None:
    """Take off what an opcode takes off, put on what it puts on."""
    taken = 0
    before = list(code.stack_before)
    if _MARK in before:
        at = len(stack) - 1 - stack[::-1].index(_MARK)
        taken = sum(size[0] for size in stack[at + 1 :])
        del stack[at:]
        before = before[: before.index(_MARK)]
    if len(before) > len(stack):
        raise IndexError("it takes more than it has")
    popped = [stack.pop() for _ in before][::-1]
    if _MARK in popped:
        raise IndexError("it takes a mark for an object")
    if code.name in _GROWS:
        popped[0][0] += taken + sum(size[0] for size in popped[1:])
        stack.append(popped[0])
        return
    taken += sum(size[0] for size in popped)
    stack.extend(_MARK if kind is _MARK else [1 + taken] for kind in code.stack_after)
