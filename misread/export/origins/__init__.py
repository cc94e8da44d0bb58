"""Where a classifier may come from: one kind per file, asked in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.export.origins.factory_file import FactoryFile
from misread.export.origins.factory_module import FactoryModule
from misread.export.origins.hugging_face import HuggingFaceHub
from misread.export.origins.program import ExportedProgramFile
from misread.export.origins.signs import EmbeddedSigns
from misread.export.origins.timm_models import TimmModels
from misread.export.origins.torchscript import TorchScriptFile
from misread.export.origins.torchvision_models import TorchvisionModels

if TYPE_CHECKING:
    from misread.export.origins.base import OriginKind

ORIGIN_KINDS: Final[tuple[OriginKind, ...]] = (
    EmbeddedSigns(),
    TorchvisionModels(),
    TimmModels(),
    HuggingFaceHub(),
    FactoryFile(),
    FactoryModule(),
    ExportedProgramFile(),
    TorchScriptFile(),
)
