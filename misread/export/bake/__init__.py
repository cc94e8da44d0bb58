"""`--bake-preprocessing`: the way from a picture to a network's input becomes a part of its graph."""

from __future__ import annotations

from misread.export.bake.join import PICTURE, bake, bake_file, is_baked, strip

__all__ = ["PICTURE", "bake", "bake_file", "is_baked", "strip"]
