"""H.264 in RTP packets (RFC 6184): small units alone, large ones in fragments (FU-A)."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK_HZ: Final = 90_000
PAYLOAD_TYPE: Final = 96
_MTU: Final = 1400
_FU_A: Final = 28
_START: Final = re.compile(rb"\x00\x00\x01")


def units(access_unit: bytes) -> list[bytes]:
    """Split Annex B bytes into NAL units, start codes and the zeros before them left out."""
    # A unit never ends in a zero byte, so zeros before a start code belong to that.
    return [unit for part in _START.split(access_unit) if (unit := part.rstrip(b"\0"))]


class Packetiser:
    """Makes the RTP packets of one viewer's stream.

    Args:
        ssrc: Name of the stream, 32 bits.

    """

    def __init__(self, ssrc: int) -> None:
        self._ssrc, self._sequence = ssrc, 0

    def packets(self, access_unit: bytes, ticks: int) -> Iterator[bytes]:
        """Give the packets of an Annex B access unit.

        Args:
            access_unit: One picture.
            ticks: Its time in units of 1/90000 s.

        """
        payloads = [payload for unit in units(access_unit) for payload in _payloads(unit)]
        for number, payload in enumerate(payloads, 1):
            marker = number == len(payloads)  # the last of a picture
            kind = PAYLOAD_TYPE | (0x80 if marker else 0)
            head = struct.pack(">BBHII", 0x80, kind, self._sequence, ticks & 0xFFFFFFFF, self._ssrc)
            self._sequence = (self._sequence + 1) & 0xFFFF
            yield head + payload


def _payloads(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= _MTU:
        yield unit
        return
    indicator, kind = (unit[0] & 0xE0) | _FU_A, unit[0] & 0x1F
    body = unit[1:]
    for start in range(0, len(body), _MTU):
        first, last = start == 0, start + _MTU >= len(body)
        yield bytes((indicator, first << 7 | last << 6 | kind)) + body[start : start + _MTU]
