"""What is attacked: an origin's twin, or an ONNX file, which answers for itself and lends its gradients."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor, nn

from misread.attack.judges import Judges
from misread.attack.query.reader import ReaderModel
from misread.attack.speed import prepare
from misread.attack.speed.layout import ChannelsLast
from misread.attack.transfer.ensemble import Ensemble
from misread.cards import FoundCard, find_card
from misread.cards.graph import graph_facts
from misread.errors import ModelError, OptionError
from misread.export.onnx_file import read_metadata, read_model
from misread.export.origin import Origin, Preparation, load_origin
from misread.flags import CardFlags, parse_numbers, parse_size
from misread.runtime.inspect.model_file import model_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from misread.attack.problem import Model
    from misread.attack.speed import Pace
    from misread.card import ModelCard

SUFFIX: Final = ".onnx"
_FILE_ONLY: Final = ("colour", "scale", "output")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A classifier under attack.

    Attributes:
        name: As it was asked for.
        card: How it is fed; of a file its own, of an origin the twin's.
        model: (n, c, h, w) RGB or grey in [0, 1] -> logits. Of a file, answers are onnxruntime's.
        judges: The builds; of a file it is the first.
        is_file: The first judge is the subject itself, and nothing counts but what it says.
        gradients: Whether `model` gives gradients.
        digest: Of the weights, 64 hexadecimal digits.
        pace: How `model` splits its passes; None before `quicken`.
        card_from: Who said how it is fed.
    """

    name: str
    card: ModelCard
    model: Model
    judges: Judges
    is_file: bool
    gradients: bool
    digest: str
    pace: Pace | None = None
    card_from: tuple[str, ...] = ()


class FileModel(nn.Module):
    """An ONNX file as attacks call a model: onnxruntime answers, and a surrogate of its graph gives the gradients.

    So whatever an attack keeps was misread by onnxruntime itself.

    Attributes:
        rough: What the surrogate says beside a gradient is no verdict.
        chunk: Pictures in one gradient pass, None for all at once.
    """

    rough = True

    def __init__(self, surrogate: nn.Module, answers: ReaderModel) -> None:
        """Join the two.

        Args:
            surrogate: The file's graph in torch.
            answers: The file in onnxruntime.
        """
        super().__init__()
        self.surrogate, self.answers = surrogate, answers
        self.chunk: int | None = getattr(surrogate, "chunk", None)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, k) of (n, c, h, w) in [0, 1]; without a gradient, x goes to the nearest of the 256 levels."""
        if torch.is_grad_enabled() and x.requires_grad:
            return self.for_gradient(x)
        return self.answers(x)

    def for_gradient(self, x: Tensor) -> Tensor:
        """Logits to be differentiated."""
        logits: Tensor = getattr(self.surrogate, "for_gradient", self.surrogate)(x)
        return logits


def is_file(model: str) -> bool:
    """Whether the text after `misread attack` means an ONNX file."""
    return model.lower().endswith(SUFFIX)


def open_subject(
    model: str,
    *,
    flags: CardFlags | None = None,
    weights: Path | None = None,
    builds: Sequence[Path] = (),
    gradients: bool = True,
    device: str = "cpu",
    ensemble: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> Subject:
    """Load what is to be attacked, and its judges.

    Args:
        model: An origin, as `misread.export.origin.load_origin` takes it, or an ONNX file.
        flags: How its pictures are prepared, where it does not say.
        weights: Of an origin.
        builds: More ONNX files that judge.
        gradients: False leaves out a file's surrogate, for attacks that only ask.
        device: Where torch computes: `cpu`, `cuda`, `cuda:1`.
        ensemble: More origins or files that are read together with an origin.
        arguments: Of an origin's factory, by name.
        trust: Let an origin's file run code while it is loaded, where its kind does so.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
    """
    check_device(device)
    flags = flags or CardFlags()
    if not is_file(model):
        opened = partial(load_origin, model, weights=weights, arguments=arguments, trust=trust)
        subject = _open_origin(opened, flags, builds, device)
        return _together(subject, [open_subject(other, flags=flags, device=device) for other in ensemble])
    if ensemble:
        message = f"an ensemble is made of an origin and others; give {model} with --ensemble, or with -m as the judge"
        raise OptionError(message)
    path = Path(model)
    if weights is not None:
        message = f"--weights belongs to a network in Python; {path} holds its own"
        raise OptionError(message)
    found = card_of(path, flags)
    judges = Judges.open((path, *builds), found.card, given=flags.facts())
    answers = ReaderModel(judges.readers[0])
    return Subject(
        name=model,
        card=found.card,
        card_from=found.sources,
        model=FileModel(_surrogate(path, found.card, device), answers) if gradients else answers,
        judges=judges,
        is_file=True,
        gradients=gradients,
        digest=model_sha256(path),
    )


def _together(first: Subject, others: Sequence[Subject]) -> Subject:
    """The mean of several networks, fed and judged as the first is.

    Raises:
        OptionError: one takes other pictures or gives other labels.
    """
    if not others:
        return first
    for other in others:
        if (other.card.size_hw, other.card.channels) != (first.card.size_hw, first.card.channels):
            wanted, got = first.card.size_hw, other.card.size_hw
            message = f"members of an ensemble read the same pictures: {first.name} takes {wanted}, {other.name} {got}"
            raise OptionError(message)
    models = [_differentiable(one) for one in (first, *others)]
    return replace(
        first,
        name=" + ".join(one.name for one in (first, *others)),
        model=Ensemble(models, [one.card.labels for one in (first, *others)]),
        digest=hashlib.sha256("".join(one.digest for one in (first, *others)).encode()).hexdigest(),
    )


def _differentiable(subject: Subject) -> nn.Module:
    model = subject.model
    return model.surrogate if isinstance(model, FileModel) else cast("nn.Module", model)


def quicken(
    subject: Subject, sample: Tensor, *, device: str = "cpu", pace: Pace | None = None, bfloat16: bool = False
) -> Subject:
    """Make what torch computes of a subject quick, and move it.

    Args:
        subject: As it was opened on the CPU.
        sample: A few pictures, (n, c, h, w) float32 in [0, 1], of the input's size.
        device: Where torch computes.
        pace: How passes are split; None measures, which depends on the clock.
        bfloat16: Take gradients in that type where it is quicker.
    """
    if not subject.gradients:
        return subject
    model = subject.model
    if isinstance(model, FileModel):
        prepared = prepare(model.surrogate, sample, device=device, pace=pace, bfloat16=bfloat16)
        return replace(subject, model=FileModel(prepared, model.answers), pace=prepared.pace)
    twin = model.twin if isinstance(model, ChannelsLast) else model
    if not isinstance(twin, nn.Module):
        return subject
    prepared = prepare(twin, sample, device=device, pace=pace, bfloat16=bfloat16)
    return replace(subject, model=prepared, pace=prepared.pace)


def check_device(device: str) -> None:
    """Refuse a device that torch does not have here.

    Raises:
        OptionError: no such kind of device, or none at hand.
    """
    if device == "cpu":
        return
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number.isdecimal() or device == kind):
        message = f"device is cpu, cuda or cuda:N, got {device!r}"
        raise OptionError(message)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= count:
        message = f"torch sees {count} GPUs here and {device} was asked for; leave --device out to compute on the CPU"
        raise OptionError(message)


def _open_origin(opened: Callable[..., Origin], flags: CardFlags, builds: Sequence[Path], device: str) -> Subject:
    said = [f"--{name}" for name in _FILE_ONLY if getattr(flags, name) is not None]
    if said:
        message = f"{' and '.join(said)} tell how an ONNX file is fed; an origin takes RGB in [0, 1] and gives logits"
        raise OptionError(message)
    origin = opened(
        labels=flags.labels,
        size_hw=parse_size(flags.size) if flags.size else None,
        preparation=preparation_of(flags),
    )
    return Subject(
        name=origin.name,
        card=origin.card,
        card_from=origin.card_sources,
        model=ChannelsLast(origin.twin.to(device)),
        judges=Judges.open(builds, origin.card),
        is_file=False,
        gradients=True,
        digest=_digest(origin.twin),
    )


def card_of(path: Path, flags: CardFlags) -> FoundCard:
    """Return the card that a file carries, by any convention, what it leaves open filled by the flags.

    Raises:
        FileError: no such file, or no ONNX.
        ModelError: neither the file nor the flags say all of how it is fed.
        OptionError: a flag that no card has.
    """
    model = read_model(path)
    ends = [_shape(values[0]) if len(values) == 1 else None for values in (model.graph.input, model.graph.output)]
    found = find_card(read_metadata(model), name=str(path), given=flags.facts(), declared=graph_facts(*ends))
    if found is None:
        message = f"{path} carries no card, so how to feed it is unknown; give --size PX and --labels FILE (or none)"
        raise ModelError(message)
    # What is attacked stands behind the file's own preprocessing.
    return replace(found, card=replace(found.card, baked_preprocessing=False))


def preparation_of(flags: CardFlags) -> Preparation | None:
    """Return what the flags say of an origin's preparation, or None where they say nothing.

    Raises:
        OptionError: mean or std is no list of numbers.
    """
    said = {field.name: getattr(flags, field.name) for field in fields(Preparation)}
    said |= {name: parse_numbers(said[name]) for name in ("mean", "std") if said[name]}
    given = {name: value for name, value in said.items() if value is not None}
    return Preparation(**given) if given else None


def _shape(value: Any) -> list[int]:
    return [int(side.dim_value) for side in value.type.tensor_type.shape.dim]


def _surrogate(path: Path, card: ModelCard, device: str) -> nn.Module:
    from misread.attack.surrogate import load_surrogate_origin

    return load_surrogate_origin(path, card).origin.twin.to(device)


def _digest(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
