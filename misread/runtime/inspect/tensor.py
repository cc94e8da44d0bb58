"""A tensor in an ONNX file: its kind, its shape, how much it takes, and a hash of what is stored."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.runtime.inspect.wire import Field

if TYPE_CHECKING:
    from misread.runtime.inspect.wire import Wire

#: Names and bits a value, by the number in the file.
DTYPES: Final = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16), 6: ("int32", 32),
    7: ("int64", 64), 8: ("string", 0), 9: ("bool", 8), 10: ("float16", 16), 11: ("float64", 64), 12: ("uint32", 32),
    13: ("uint64", 64), 14: ("complex64", 64), 15: ("complex128", 128), 16: ("bfloat16", 16), 17: ("float8e4m3fn", 8),
    18: ("float8e4m3fnuz", 8), 19: ("float8e5m2", 8), 20: ("float8e5m2fnuz", 8), 21: ("uint4", 4), 22: ("int4", 4),
    23: ("float4e2m1", 4), 24: ("float8e8m0", 8), 25: ("uint2", 2), 26: ("int2", 2),
}  # fmt: skip
MAX_RANK: Final = 64
MAX_OFFSET: Final = 2**63 - 1
_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
_PAYLOADS: Final = frozenset({4, 5, 6, 7, _RAW, 10, 11})
_CHUNK_BYTES: Final = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """Where the values of a tensor are said to lie: in another file.

    Attributes:
        location: of the file, below the model's folder; empty where none is named.
        offset: in bytes.
        length: in bytes; None for all that the tensor needs.
    """

    location: str
    offset: int
    length: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """A stored tensor.

    Attributes:
        name: in its graph.
        dtype: as in `float32`, or `type 99` where it is none that is known.
        shape: its sides.
        size_bytes: of its values by type and shape; 0 for strings.
        external: where its values lie, where that is in another file.
        sha256: of type, shape and the values as they are stored; empty where another file holds them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    external: Outside | None
    sha256: str


def dtype_name(number: int) -> str:
    """Return the name of an element type, `type 99` for one that nobody knows."""
    return DTYPES.get(number, (f"type {number}", 0))[0]


def read_tensor(wire: Wire, message: Field) -> Tensor:
    """Read a TensorProto; its values are hashed a megabyte at a time and not kept.

    Raises:
        FileError: a shape that cannot be, or fewer or more bytes than it needs.
    """
    shape: list[int] = []
    kind, name, outside, stored, told = 0, "", False, list[Field](), dict[str, str]()
    for field in wire.fields(message):
        if field.number == _DIMS:
            shape += wire.numbers(field, MAX_RANK)
            if len(shape) > MAX_RANK:
                raise wire.broken(f"a tensor has more than {MAX_RANK} sides")
        elif field.number == _TYPE:
            kind = wire.number(field)
        elif field.number == _NAME:
            name = wire.text(field)
        elif field.number == _EXTERNAL:
            told |= _entry(wire, field)
        elif field.number == _LOCATION:
            outside = wire.number(field) == 1
        elif field.number in _PAYLOADS:
            stored.append(field)
    size = _size(wire, shape, kind, None if outside else stored)
    return Tensor(
        name=name,
        dtype=dtype_name(kind),
        shape=tuple(shape),
        size_bytes=size,
        external=_outside(wire, name, told) if outside else None,
        sha256="" if outside else _digest(wire, f"{kind} {shape}", stored),
    )


def _size(wire: Wire, shape: list[int], kind: int, stored: list[Field] | None) -> int:
    """Return the bytes that a tensor needs, held against what is stored of it, where that is in this file."""
    if any(side < 0 for side in shape):
        raise wire.broken(f"a tensor has the shape {shape}")
    size = (math.prod(shape) * DTYPES.get(kind, ("", 0))[1] + 7) // 8
    if stored is None:
        return size
    raw = sum(field.end - field.start for field in stored if field.number == _RAW)
    if raw and raw != size:
        raise wire.broken(f"a tensor of shape {shape} and type {dtype_name(kind)} needs {size} bytes and has {raw}")
    if size and not stored:
        raise wire.broken(f"a tensor of shape {shape} has no values")
    return size


def _entry(wire: Wire, message: Field) -> dict[str, str]:
    entry = {field.number: wire.text(field) for field in wire.fields(message) if field.number in {1, 2}}
    return {entry.get(1, ""): entry.get(2, "")}


def _outside(wire: Wire, name: str, told: dict[str, str]) -> Outside:
    """Read what external data are said to be; a number is digits, and no more of them than 64 bits hold."""
    numbers = {key: told[key] for key in ("offset", "length") if key in told}
    for key, value in numbers.items():
        if not (value.isascii() and value.isdecimal() and len(value) <= 19 and int(value) <= MAX_OFFSET):
            raise wire.broken(f"the {key} of the weight {name[:60]!r} in another file is {value[:30]!r}")
    return Outside(
        location=told.get("location", ""),
        offset=int(numbers.get("offset", 0)),
        length=int(numbers["length"]) if "length" in numbers else None,
    )


def _digest(wire: Wire, head: str, stored: list[Field]) -> str:
    digest = hashlib.sha256(head.encode())
    for field in stored:
        for start in range(field.start, field.end, _CHUNK_BYTES):
            digest.update(wire.span(start, min(field.end, start + _CHUNK_BYTES)))
    return digest.hexdigest()
