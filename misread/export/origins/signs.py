"""The classifier in the package: `signs`."""

from __future__ import annotations

from typing import final

from misread.assets import SIGN_LABELS, weights_path
from misread.card import ModelCard
from misread.cards import OWN
from misread.export.origins.base import Loaded, Request
from misread.files import sha256_file

SIGNS_SIZE_PX = 48


@final
class EmbeddedSigns:
    """43 traffic signs, 48x48 RGB; small enough to ship."""

    form = "signs"

    def claims(self, text: str) -> bool:
        """Tell whether `text` is the one word."""
        return text == "signs"

    def load(self, text: str, request: Request) -> Loaded:
        """Load the embedded network.

        Raises:
            OptionError: weights or arguments were given; its own are in the package.
        """
        request.refuse(text, weights="brings its own weights", arguments="takes no arguments")
        from misread.export.signs import load_signs

        card = ModelCard(labels=SIGN_LABELS, size_hw=(SIGNS_SIZE_PX, SIGNS_SIZE_PX), baked_normalisation=True)
        return Loaded(module=load_signs(), card=card, source=OWN, weights_sha256=sha256_file(weights_path()))
