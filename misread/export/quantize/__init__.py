"""Precisions below fp32: one recipe per file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.export.quantize.float16 import Float16
from misread.export.quantize.int8_static import Int8Static

if TYPE_CHECKING:
    from misread.export.quantize.base import Recipe

RECIPES: Final[tuple[Recipe, ...]] = (Float16(), Int8Static())
