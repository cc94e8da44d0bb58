"""A stranger's model, before it is opened in this process: what it may not ask for, and one trial elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from misread.cards import find_card
from misread.errors import ModelError, OptionError
from misread.runtime.inspect.fed import declared
from misread.runtime.inspect.model_file import read_model_file
from misread.runtime.trial import tried
from misread.text import shorten

if TYPE_CHECKING:
    from pathlib import Path

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.inspect.model_file import ModelFile

#: What onnxruntime's own packages know without loading anything.
KNOWN_DOMAINS: Final = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"}
)
#: Operators of these domains that hand the file's bytes to a driver, or call back into Python.
REFUSED: Final = {"EPContext": "a blob for a driver", "PythonOp": "a call of Python code"}
USUAL_SIDES: Final = (3, 224, 224)


def admit(path: Path) -> ModelFile:
    """Read a model file and refuse what it may not ask for; nothing of it is run, and no library that it names loaded.

    Raises:
        FileError: no sound model, or weights that are not where it says.
        ModelError: an operator that onnxruntime does not have, or one that hands the file's bytes on as they are.
    """
    model = read_model_file(path)
    if model.contents is None:
        return model
    for domain, kind in sorted(model.contents.foreign - model.contents.defined):
        shown = f"{shorten(domain, 60)}.{shorten(kind, 60)}"
        if domain not in KNOWN_DOMAINS:
            raise ModelError(
                f"{path} needs the operator {shown}, of a domain that onnxruntime does not have; libraries are not "
                "loaded, export the model with standard operators"
            )
        if kind in REFUSED:
            raise ModelError(f"{path} holds {shown}, {REFUSED[kind]}; export the model as plain ONNX")
    return model


def screen(
    path: Path, card: ModelCard | CardFacts | None = None, spare: tuple[str, ModelCard] | None = None
) -> ModelFile:
    """Admit a model and try it once: what every way to open one in this process begins with.

    Args:
        path: of the file.
        card: by flags; says how large a picture is, where the file does not.
        spare: a card that lies at hand; it comes last.

    Raises:
        FileError: no sound model, or weights that are not where it says.
        ModelError: an operator that is refused, or a trial that broke its limits.
    """
    model = admit(path)
    tried(model, _sides(model, card, spare))
    return model


def _sides(
    model: ModelFile, given: ModelCard | CardFacts | None, spare: tuple[str, ModelCard] | None
) -> tuple[int, int, int]:
    """Return channels, height and width of a picture; where nobody says them those of most classifiers."""
    found = None
    if model.contents:
        with contextlib.suppress(ModelError, OptionError):  # whoever opens it says so
            metadata, shapes = model.contents.metadata, declared(model.contents)
            found = find_card(metadata, name=str(model.path), given=given, declared=shapes, spare=spare)
    card = found.card if found else given
    if card is None or card.size_hw is None:
        return USUAL_SIDES
    return (1 if card.colour == "grey" else 3, *card.size_hw)
