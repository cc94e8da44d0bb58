"""The print pack: what hangs before a real camera, in true millimetres, and how to put it there."""

from __future__ import annotations

from misread.runtime.sheet.place import DEFAULT_BOARD_MM, PAPERS, Plan
from misread.runtime.sheet.strip import PATCHES, patch_corners
from misread.runtime.sheet.write import SheetOptions, SheetResult, write_sheet

__all__ = [
    "DEFAULT_BOARD_MM",
    "PAPERS",
    "PATCHES",
    "Plan",
    "SheetOptions",
    "SheetResult",
    "patch_corners",
    "write_sheet",
]
