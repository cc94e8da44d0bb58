"""Protocol buffers read off a file: field by field, payloads left on the disk, every length held to its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from misread.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELDS: Final = 2_000_000
MAX_TEXT_BYTES: Final = 64 * 2**10
VARINT: Final = 0
BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_MAX_VARINT_BYTES: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        number: which field.
        wire: 0 varint, 1 eight bytes, 2 bytes of a length, 5 four bytes.
        value: of a varint, as an unsigned 64-bit number; 0 otherwise.
        start: where the payload starts in the file.
        end: where it ends.
    """

    number: int
    wire: int
    value: int
    start: int
    end: int

    @property
    def signed(self) -> int:
        """The varint as a signed 64-bit number."""
        return self.value - 2**64 if self.value >= 2**63 else self.value


class Wire:
    """A file of protocol buffers. It is read in place, so its payloads cost no memory; its fields are counted."""

    def __init__(self, file: IO[bytes], size: int, name: str, kind: str = "") -> None:
        self._file, self.size, self.name, self.kind = file, size, name, kind
        self._left = MAX_FIELDS

    def whole(self) -> Field:
        """Return the message that the whole file is."""
        return Field(number=0, wire=BYTES, value=0, start=0, end=self.size)

    def fields(self, message: Field) -> Iterator[Field]:
        """Yield the fields of a message, in the order of the file.

        Raises:
            FileError: a field reaches beyond its message, has a kind that is no more, or there are too many.
        """
        if message.wire != BYTES:
            raise self.broken("a number stands where a message belongs")
        at = message.start
        while at < message.end:
            field = self._field(at, message.end)
            yield field
            at = field.end

    def data(self, field: Field, most: int) -> bytes:
        """Return the bytes of a field, at most `most` of them.

        Raises:
            FileError: it is longer, or no bytes.
        """
        if field.wire != BYTES:
            raise self.broken("a number stands where bytes belong")
        if field.end - field.start > most:
            raise self.broken(f"{field.end - field.start} bytes stand where at most {most} are read")
        return self.span(field.start, field.end)

    def span(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end` of the file.

        Raises:
            FileError: the file has become shorter.
        """
        self._file.seek(start)
        read = self._file.read(end - start)
        if len(read) != end - start:
            raise self.broken("it ends before its last field does")
        return read

    def text(self, field: Field, most: int = MAX_TEXT_BYTES) -> str:
        """Return the text of a field, what is not UTF-8 replaced.

        Raises:
            FileError: it is longer than `most` bytes, or no bytes.
        """
        return self.data(field, most).decode("utf-8", "replace")

    def number(self, field: Field) -> int:
        """Return the signed value of a varint.

        Raises:
            FileError: it is none.
        """
        if field.wire != VARINT:
            raise self.broken("bytes stand where a number belongs")
        return field.signed

    def numbers(self, field: Field, most: int) -> tuple[int, ...]:
        """Return signed varints, one or packed, at most `most` of them.

        Raises:
            FileError: there are more, or it is neither.
        """
        if field.wire == VARINT:
            return (field.signed,)
        if field.wire != BYTES:
            raise self.broken("a fraction stands where whole numbers belong")
        found, at = [], field.start
        while at < field.end:
            value, at = self._varint(at, field.end)
            found.append(value - 2**64 if value >= 2**63 else value)
            if len(found) > most:
                raise self.broken(f"more than {most} numbers stand in one field")
        return tuple(found)

    def broken(self, reason: str) -> FileError:
        """Say that the file is no ONNX model, and what it is by its first bytes, or why it is none."""
        if self.kind:
            return FileError(f"{self.name} is not an ONNX model but {self.kind}; give the exported .onnx file")
        return FileError(f"{self.name} is no ONNX model: {reason}; copy it again, or export it again")

    def _field(self, at: int, end: int) -> Field:
        self._left -= 1
        if self._left < 0:
            raise self.broken(f"it has more than {MAX_FIELDS} fields")
        key, at = self._varint(at, end)
        number, wire, value = key >> 3, key & 7, 0
        if wire == VARINT:
            start = at
            value, at = self._varint(at, end)
        elif wire == BYTES:
            length, start = self._varint(at, end)
            at = start + length
        elif wire in _FIXED:
            start, at = at, at + _FIXED[wire]
        else:
            raise self.broken(f"field {number} is of kind {wire}, which does not exist")
        if not 0 < number < 2**29:
            raise self.broken(f"there is no field {number}")
        if at > end:
            raise self.broken(f"field {number} reaches {at - end} bytes beyond its message")
        return Field(number=number, wire=wire, value=value, start=start, end=at)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        self._file.seek(at)
        data = self._file.read(min(_MAX_VARINT_BYTES, end - at))
        value = 0
        for place, byte in enumerate(data):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value & (2**64 - 1), at + place + 1
        raise self.broken("a number in it does not end")
