"""From a bare ONNX file to what attacks work on, and to the card that the file itself is fed by."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

import torch
from torch import Tensor, nn

from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.module import Surrogate
from misread.attack.surrogate.source import read_source
from misread.cards import find_card
from misread.cards.graph import graph_facts
from misread.errors import ModelError
from misread.export.bake import is_baked, strip
from misread.export.origin import Origin
from misread.export.twin import count_classes, make_twin
from misread.runtime.strangers import screen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import onnx

    from misread.card import ModelCard

_TINY: Final = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, kw_only=True, slots=True)
class SurrogateOrigin:
    """A file, ready to be attacked by gradients.

    Attributes:
        origin: as for a PyTorch classifier: a twin that takes RGB or grey in [0, 1] and returns logits, and its card.
        card: of the file: hand it to `Deployed.open(path, card=...)`, which needs it where the file carries none.
    """

    origin: Origin
    card: ModelCard


def load_surrogate(path: Path, *, log_softmax: bool = False) -> Surrogate:
    """Read an ONNX classifier as a differentiable module whose forward takes the graph's own input.

    Args:
        path: an ONNX file of opset 7 to 25; weights may lie in files of the same folder.
        log_softmax: leave the exponential out of a final softmax, see `Surrogate`.

    Raises:
        FileError: missing, no ONNX, too large.
        UnsupportedOperator: an operator that is not covered; names it and lists what is.
        ModelError: no image classifier.
    """
    with _about(path):
        return Surrogate(parse(read_source(path)), log_softmax=log_softmax)


def load_surrogate_origin(path: Path, card: ModelCard | None = None) -> SurrogateOrigin:
    """Read an ONNX classifier as an origin: what `load_origin` gives for a PyTorch one.

    The seam for `misread attack FILE.onnx`: where MODEL ends in .onnx, call this with the card that the flags make, or
    None; what stands inside the file comes first, by any convention, as in `Deployed.open`. Then `found.origin.twin` is
    attacked, `found.origin.card` goes to whatever works with the twin, and the file itself is the build that judges:
    open it with `card=found.card`. An `UnsupportedOperator` says that gradients are out of reach; query attacks on
    `Deployed` are not.

    Raises:
        FileError: missing, no ONNX, too large.
        UnsupportedOperator: an operator that is not covered; names it and lists what is.
        ModelError: no image classifier, no card, or one that does not fit; or the file failed its trial.
    """
    sha256 = screen(path, card).sha256
    with _about(path):
        graph = parse(_network(read_source(path)))
        fed = find_card(graph.metadata, name="it", given=card, declared=graph_facts(graph.shape, None))
        if fed is None:
            message = "it carries no card, so how to feed it is unknown; give --labels FILE and --size PX"
            raise ModelError(message)
        found = fed.card
        twin = make_twin(Fed(Surrogate(graph, log_softmax=found.output == "probabilities"), found))
        count = count_classes(twin, channels=found.channels, size_hw=found.size_hw)
        if count != len(found.labels):
            message = (
                f"it returns {count} values a picture and its card has {len(found.labels)} labels; "
                "give the labels that belong to it with --labels FILE"
            )
            raise ModelError(message)
    plain = replace(
        found,
        colour="rgb" if found.colour == "bgr" else found.colour,
        scale=1 / 255,
        mean=(0.0,) * found.channels,
        std=(1.0,) * found.channels,
        output="logits",
        baked_normalisation=True,
    )
    origin = Origin(name=str(path), twin=twin, card=plain, weights_sha256=sha256, card_sources=fed.sources)
    return SurrogateOrigin(origin=origin, card=found)


@final
class Fed(nn.Module):
    """A surrogate fed as its card says, number for number as `misread.pixels.to_input` feeds the build."""

    mean: Tensor | None
    std: Tensor | None

    def __init__(self, surrogate: Surrogate, card: ModelCard) -> None:
        super().__init__()
        self.surrogate, self.bgr, self.scale = surrogate, card.colour == "bgr", card.scale
        self.log = card.output == "probabilities" and not surrogate.ends_in_softmax
        self.register_buffer("mean", _per_channel(card.mean) if any(card.mean) else None)
        self.register_buffer("std", _per_channel(card.std) if set(card.std) != {1.0} else None)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, k) of `images` (n, c, h, w) in [0, 1]."""
        if self.bgr:
            images = images.flip(1)
        if self.scale != 1 / 255:
            images = images * 255  # whole numbers again, exactly, where the picture has 256 levels
            images = images * self.scale if self.scale != 1 else images
        if self.mean is not None:
            images = images - self.mean
        if self.std is not None:
            images = images / self.std
        output: Tensor = self.surrogate(images)
        return output.clamp(min=_TINY).log() if self.log else output


def _network(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return what a build feeds its own preprocessing to: attacks change what stands behind the resize."""
    return strip(model) if is_baked(model) else model


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say which file it is that has a fault."""
    try:
        yield
    except ModelError as error:
        message = f"{path}: {error}"
        raise type(error)(message) from error


def _per_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
