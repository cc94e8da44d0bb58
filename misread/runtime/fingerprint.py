"""What really ran: without it an int8 result cannot be compared with another machine's."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime as ort

from misread.runtime.cpu import cpu_features, cpu_name, int8_note
from misread.runtime.session import Deployed, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from misread.card import ModelCard
    from misread.runtime.session import Reader, SessionOptions

__all__ = [
    "Fingerprint",
    "card_digest",
    "cpu_features",
    "cpu_name",
    "fingerprint",
    "fingerprints",
    "int8_note",
    "placement",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """A build, the software and the processor that gave a result.

    Attributes:
        model_sha256: of the ONNX file, and of those that hold its weights.
        card_sha256: of the card it was fed by.
        onnxruntime: version.
        providers: that the session has, in order.
        nodes: how many nodes of the optimised graph each provider really took, as (provider, nodes); empty where
            this onnxruntime cannot tell.
        threads: intra-operator threads.
        level: graph optimisation.
        cpu: the processor's name.
        features: its instruction sets that matter to int8.
        machine: kind of machine, as in `x86_64`.
        system: operating system and its release.
        python: version.
        numpy: version.
        opencv: version.
        options: how onnxruntime was asked to run it, the number of threads written out.
        options_sha256: of these; equal where two runs were asked for the same.
        onnxruntime_build: what the library says of its own build; empty where it is too old to say.
    """

    model_sha256: str
    card_sha256: str
    onnxruntime: str
    providers: tuple[str, ...]
    nodes: tuple[tuple[str, int], ...]
    threads: int
    level: str
    cpu: str
    features: tuple[str, ...]
    machine: str
    system: str
    python: str
    numpy: str
    opencv: str
    options: SessionOptions | None = None
    options_sha256: str = ""
    onnxruntime_build: str = ""


def fingerprint(deployed: Deployed) -> Fingerprint:
    """Describe an open build and what it runs on.

    Raises:
        FileError: the model file is gone.
    """
    options = deployed.options.resolved()
    return Fingerprint(
        model_sha256=deployed.sha256,
        card_sha256=card_digest(deployed.card),
        onnxruntime=ort.__version__,
        providers=tuple(deployed.session.get_providers()),
        nodes=placement(deployed.session),
        threads=options.threads,
        level=options.level,
        cpu=cpu_name(),
        features=cpu_features(),
        machine=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        numpy=np.__version__,
        opencv=cv2.__version__,
        options=options,
        options_sha256=options.digest(),
        onnxruntime_build=getattr(ort, "get_build_info", str)(),
    )


def fingerprints(readers: Iterable[Reader]) -> dict[str, Fingerprint]:
    """Describe, by name, those of the readers that are builds; a twin or a function has nothing to tell.

    Raises:
        FileError: a model file is gone.
    """
    return {reader.name: fingerprint(reader) for reader in readers if isinstance(reader, Deployed)}


def placement(session: ort.InferenceSession) -> tuple[tuple[str, int], ...]:
    """Return how many nodes each provider took, the busiest first; empty where onnxruntime is too old to tell."""
    return tuple(Counter(node.provider for node in nodes(session)).most_common())


def card_digest(card: ModelCard) -> str:
    """Return the SHA-256 of everything in a card, 64 hexadecimal digits; the same card gives the same one anywhere."""
    text = json.dumps(card.to_fields(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
