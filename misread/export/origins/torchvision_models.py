"""torchvision's classifiers: `torchvision:NAME`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import torch

from misread.cards.torchvision import torchvision_facts
from misread.errors import FileError, UnknownName
from misread.export.origins.base import Loaded, Request
from misread.export.origins.library import building, imported, unreachable
from misread.export.origins.weights import check_weights_only, load_weights
from misread.files import sha256_file
from misread.registry import unknown

if TYPE_CHECKING:
    from misread.cards.facts import CardFacts

_PREFIX: Final = "torchvision:"
_HASH: Final = re.compile(r"-([0-9a-f]{8,64})\.")
_FIELDS: Final = ("crop_size", "resize_size", "mean", "std", "antialias")


@final
class TorchvisionModels:
    """A network by its name in torchvision; pretrained, unless `--weights` says otherwise.

    torchvision's own recommended weights are fetched, and prepared for as their metadata say. A file is recognised by
    the hash that torchvision publishes for its weights; one that is not among them says nothing of its pictures.
    """

    form = "torchvision:NAME"

    def claims(self, text: str) -> bool:
        """Tell whether `text` begins with `torchvision:`."""
        return text.startswith(_PREFIX)

    def load(self, text: str, request: Request) -> Loaded:
        """Build the network and fill its weights in.

        Raises:
            MissingExtra: there is no torchvision.
            UnknownName: it has no such classifier.
            FileError: the weights are damaged, or no weights.
            RuntimeFailure: they cannot be fetched.
        """
        models = imported("torchvision.models", extra="torchvision")
        name, known = text.removeprefix(_PREFIX), models.list_models(module=models)
        if name not in known:
            raise UnknownName(unknown("torchvision classifier", name, known))
        published = tuple(models.get_model_weights(name))
        wanted = models.get_model_weights(name).DEFAULT if published else None
        if request.weights is None and not request.untrained and wanted is not None:
            return _pretrained(models, name, wanted, text, request)
        with building(text, request):
            module = models.get_model(name, weights=None, **request.arguments)
        if request.weights is None:
            return Loaded(module=module, facts=_facts(wanted, module), source="torchvision metadata")
        digest = load_weights(module, request.weights)
        same = next((entry for entry in published if digest.startswith(_hash(entry.url) or "-")), None)
        return Loaded(module=module, facts=_facts(same, module), source="torchvision metadata", weights_sha256=digest)


def _pretrained(models: Any, name: str, wanted: Any, text: str, request: Request) -> Loaded:
    path = _fetched(wanted.url, text)
    with building(text, request):
        module = models.get_model(name, weights=wanted, **request.arguments)
    return Loaded(
        module=module,
        facts=_facts(wanted, module),
        source="torchvision metadata",
        weights_sha256=sha256_file(path),
    )


def _fetched(url: str, text: str) -> Path:
    """Return the weight file in torch's cache, fetched where it is not there, its hash and its content checked.

    torchvision itself unpickles what lies in the cache without looking at either.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", maxsplit=1)[-1]
    expected = _hash(url)
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), expected, progress=False)
        except (OSError, RuntimeError) as error:  # RuntimeError: the hash differs
            raise unreachable(text, error) from error
    if expected and not sha256_file(path).startswith(expected):
        message = f"{path} is not what torchvision published, its hash differs; delete it, and it is fetched again"
        raise FileError(message)
    check_weights_only(path)
    return path


def _hash(url: str) -> str | None:
    found = _HASH.search(url.rsplit("/", maxsplit=1)[-1])
    return found[1] if found else None


def _facts(weights: Any, module: Any) -> CardFacts | None:
    """Return what the metadata of `weights` say, without labels where the network has other outputs than they."""
    if weights is None:
        return None
    preset = weights.transforms()
    fields = {name: getattr(preset, name) for name in _FIELDS if hasattr(preset, name)}
    kernel = getattr(preset.interpolation, "value", preset.interpolation)
    categories = weights.meta.get("categories")
    last = [part for part in module.modules() if isinstance(part, torch.nn.Linear | torch.nn.Conv2d)]
    outputs = getattr(last[-1], "out_features", None) or getattr(last[-1], "out_channels", None)
    same = categories is not None and outputs == len(categories)
    return torchvision_facts({**fields, "interpolation": kernel, "categories": categories if same else None})
