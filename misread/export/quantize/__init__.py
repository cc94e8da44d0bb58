"""Precisions below fp32: one recipe per file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from misread.export.quantize.float16 import Float16
from misread.export.quantize.int8_dynamic import Int8Dynamic
from misread.export.quantize.int8_static import Int8Static
from misread.registry import by_name

if TYPE_CHECKING:
    from misread.export.quantize.base import Recipe
    from misread.export.quantize.options import StaticOptions

RECIPES: Final[tuple[Recipe, ...]] = (Float16(), Int8Static(), Int8Dynamic())


def recipe_named(precision: str, options: StaticOptions) -> Recipe:
    """Return the recipe of a precision, with the options that it takes.

    Raises:
        UnknownName: no recipe is called so.
    """
    recipe = by_name("precision", RECIPES, precision)
    return replace(recipe, options=options) if isinstance(recipe, Int8Static | Int8Dynamic) else recipe
