"""timm's classifiers: `timm:NAME`, with the tag of the weights as in `timm:resnet18.a1_in1k`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, final

from misread.cards.facts import CardFacts, distinct
from misread.cards.timm import timm_facts
from misread.errors import ModelError, UnknownName
from misread.export.origins.base import Loaded, Request
from misread.export.origins.library import building, imported
from misread.export.origins.weights import load_weights
from misread.registry import unknown

_PREFIX: Final = "timm:"
_HUB: Final = "hf-hub:"


@final
class TimmModels:
    """A network by its name in timm; pretrained, unless `--weights` says otherwise.

    timm reads its weights as safetensors, or as a pickle restricted to weights. What a file of the user's own was
    trained on is known only where the name carries a tag.
    """

    form = "timm:NAME"

    def claims(self, text: str) -> bool:
        """Tell whether `text` begins with `timm:`."""
        return text.startswith(_PREFIX)

    def load(self, text: str, request: Request) -> Loaded:
        """Build the network and fill its weights in.

        Raises:
            MissingExtra: there is no timm.
            UnknownName: it has no such network.
            ModelError: there are no pretrained weights of it.
            RuntimeFailure: they cannot be fetched.
        """
        timm = imported("timm", extra="timm")
        name = text.removeprefix(_PREFIX)
        if not name.startswith(_HUB) and not timm.is_model(name.split(".")[0]):
            raise UnknownName(unknown("timm network", name, timm.list_models()))
        pretrained = request.weights is None and not request.untrained
        if pretrained and not name.startswith(_HUB) and not timm.models.is_model_pretrained(name):
            message = f"timm has no pretrained weights of {name}; give --weights FILE, or --weights none"
            raise ModelError(message)
        with building(text, request):
            module = timm.create_model(name, pretrained=pretrained, **request.arguments)
        digest = load_weights(module, request.weights) if request.weights is not None else None
        tagged = request.weights is None or "." in name or name.startswith(_HUB)
        facts = _facts(module) if tagged else None
        return Loaded(module=module, facts=facts, source="timm metadata", weights_sha256=digest)


def _facts(module: Any) -> CardFacts:
    """Return what the network's own `pretrained_cfg` says, labels only where it has as many outputs."""
    config = dict(module.pretrained_cfg)
    names, config["label_names"] = config.pop("label_names", None), None
    facts = timm_facts(config)
    if module.num_classes != config.get("num_classes"):
        return facts
    if names is not None:
        return replace(facts, labels=distinct(tuple(str(name) for name in names)))
    data = imported("timm.data", extra="timm")
    subset = data.infer_imagenet_subset(config)
    if subset is None:
        return facts
    info = data.ImageNetInfo(subset)
    return replace(facts, labels=distinct([info.index_to_description(at) for at in range(module.num_classes)]))
