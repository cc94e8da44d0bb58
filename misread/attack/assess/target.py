"""What is assessed: an origin's twin, or an ONNX file, for which its own graph gives the gradients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from misread.attack.query.reader import ReaderModel
from misread.attack.space import ChannelsLast
from misread.attack.subject import FileModel, card_of, is_file, preparation_of
from misread.attack.surrogate import load_surrogate_origin
from misread.errors import OptionError
from misread.export.origin import load_origin
from misread.flags import parse_size
from misread.runtime.session import Deployed

if TYPE_CHECKING:
    from misread.attack.assess.options import AssessOptions
    from misread.attack.problem import Model
    from misread.card import ModelCard


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A classifier under assessment.

    Attributes:
        card: How it is fed.
        model: (n, c, h, w) in [0, 1] -> logits.
        gradients: Whether the model gives any.
        builds: Deployed files that get a figure of their own.
    """

    card: ModelCard
    model: Model
    gradients: bool
    builds: tuple[Path, ...]


def open_target(options: AssessOptions) -> Target:
    """Load it.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
    """
    if is_file(options.model):
        return _file(options)
    flags = options.flags
    origin = load_origin(
        options.model,
        weights=options.weights,
        labels=flags.labels,
        size_hw=parse_size(flags.size) if flags.size else None,
        preparation=preparation_of(flags),
    )
    model = ChannelsLast(origin.twin.to(options.device))
    return Target(card=origin.card, model=model, gradients=True, builds=options.builds)


def _file(options: AssessOptions) -> Target:
    """Answers come from onnxruntime, gradients from the file's graph in torch."""
    path = Path(options.model)
    if options.weights is not None:
        message = f"--weights belongs to a network in Python; {path} holds its own"
        raise OptionError(message)
    card = card_of(path, options.flags)
    surrogate = load_surrogate_origin(path, card).origin.twin.to(options.device)
    model = FileModel(surrogate, ReaderModel(Deployed.open(path, card=card)))
    return Target(card=card, model=model, gradients=True, builds=options.builds)
