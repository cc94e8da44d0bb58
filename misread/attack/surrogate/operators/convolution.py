"""Operators: convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from misread.attack.surrogate.node import Operator

CONVOLUTION: Final[tuple[Operator, ...]] = ()
