"""A bundle of two witnesses, what is packed into it, and what a stranger makes of that."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from misread.bundle import MANIFEST
from misread.card import ModelCard
from misread.runtime.replay import PackOptions, PackResult, pack
from misread.runtime.verify import VerifyOptions, verify
from tests.runtime.planted import COLOURS, bundle_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from misread.runtime.verdict import Verification

BGR = ModelCard(labels=("red", "green", "blue"), size_hw=(8, 8), colour="bgr")
#: The command line where neither can be imported, as on a device.
WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from misread.cli import main
main()
"""


def tinted(red: int, green: int, blue: int, size: tuple[int, int] = (8, 8)) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array([red, green, blue], np.uint8), (*size, 3)).copy()


def folder_of(where: Path, **changes: Any) -> Path:
    """Two witnesses that hold, the second by one level of 255."""
    pairs = [(tinted(200, 100, 0), tinted(100, 200, 0)), (tinted(200, 0, 50), tinted(100, 101, 50))]
    options = {"card": COLOURS, "label": "red", **changes}
    return bundle_of(where, pairs, **options).folder


def packed(folder: Path, *builds: Path, **changes: Any) -> PackResult:
    return pack(PackOptions(bundle=folder, builds=builds, **changes))


def replayed(folder: Path, **changes: Any) -> Verification:
    return verify(VerifyOptions(bundle=folder, **changes))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the entry of the first packed build, as someone who means harm would."""
    document = json.loads((folder / MANIFEST).read_text())
    change(document["builds"][0])
    (folder / MANIFEST).write_text(json.dumps(document))


def record(folder: Path, logits: NDArray[Any]) -> None:
    """Plant a record, and a hash that fits."""
    np.save(folder / "builds" / "0.npy", logits)
    digest = hashlib.sha256((folder / "builds" / "0.npy").read_bytes()).hexdigest()
    rewritten(folder, partial(hashed, digest))


def hashed(digest: str, entry: dict[str, Any]) -> None:
    entry["logits"]["sha256"] = digest
