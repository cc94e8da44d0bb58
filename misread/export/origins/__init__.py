"""Where a classifier may come from: one kind per file, asked in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.export.origins.factory_file import FactoryFile
from misread.export.origins.factory_module import FactoryModule
from misread.export.origins.signs import EmbeddedSigns

if TYPE_CHECKING:
    from misread.export.origins.base import OriginKind

ORIGIN_KINDS: Final[tuple[OriginKind, ...]] = (EmbeddedSigns(), FactoryFile(), FactoryModule())
