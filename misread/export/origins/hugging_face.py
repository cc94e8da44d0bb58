"""Image classifiers of the Hugging Face hub, or of a folder saved by transformers: `hf:ORG/NAME`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

from torch import Tensor, nn

from misread.cards.facts import CardFacts, distinct
from misread.cards.huggingface import preprocessor_facts
from misread.errors import ModelError
from misread.export.origins.base import Loaded, Request
from misread.export.origins.library import building, imported
from misread.export.origins.weights import load_weights

_PREFIX: Final = "hf:"
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PREPROCESSOR: Final = "preprocessor_config.json"


@final
class Logits(nn.Module):
    """A classifier of transformers that returns its logits alone."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, k) logits of (n, c, h, w) images."""
        logits: Tensor = self.body(pixel_values=images, return_dict=True).logits
        return logits


@final
class HuggingFaceHub:
    """A classifier that transformers knows by itself; code that a repository brings along is never run."""

    form = "hf:ORG/NAME"

    def claims(self, text: str) -> bool:
        """Tell whether `text` begins with `hf:`."""
        return text.startswith(_PREFIX)

    def load(self, text: str, request: Request) -> Loaded:
        """Load the network by its configuration.

        Raises:
            MissingExtra: there is no transformers.
            ModelError: no such name, or no image classifier that transformers knows.
            RuntimeFailure: it cannot be fetched.
        """
        request.refuse(text, arguments="is built by its configuration and takes no arguments")
        name = text.removeprefix(_PREFIX)
        if not _NAME.fullmatch(name) and not Path(name).is_dir():
            message = f"{text} is written as hf:ORG/NAME, or hf:FOLDER for one that transformers saved"
            raise ModelError(message)
        transformers = imported("transformers", extra="hf")
        safe: Mapping[str, Any] = {"trust_remote_code": False}
        with building(text, request):
            config = transformers.AutoConfig.from_pretrained(name, **safe)
            auto = transformers.AutoModelForImageClassification
            if request.weights is None and not request.untrained:
                module = auto.from_pretrained(name, config=config, **safe)
            else:
                module = auto.from_config(config, **safe)
        digest = load_weights(module, request.weights) if request.weights is not None else None
        facts = _facts(transformers, name, config, text, request)
        return Loaded(module=Logits(module), facts=facts, source="Hugging Face metadata", weights_sha256=digest)


def _facts(transformers: Any, name: str, config: Any, text: str, request: Request) -> CardFacts:
    """Return what `preprocessor_config.json` and `id2label` say; labels that only count are none."""
    with building(text, request):
        found = transformers.utils.cached_file(name, _PREPROCESSOR, _raise_exceptions_for_missing_entries=False)
    facts = CardFacts()
    if found is not None:
        try:
            preprocessor = json.loads(Path(found).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            message = f"the {_PREPROCESSOR} of {text} is no JSON: {error}"
            raise ModelError(message) from error
        if not isinstance(preprocessor, dict):
            message = f"the {_PREPROCESSOR} of {text} holds no JSON object"
            raise ModelError(message)
        facts = preprocessor_facts(preprocessor)
    labels = [str(config.id2label.get(at, "")) for at in range(config.num_labels)]
    counted = labels == [f"LABEL_{at}" for at in range(len(labels))]
    return facts if counted or not all(labels) else replace(facts, labels=distinct(labels))
