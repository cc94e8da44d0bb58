"""A build that passed: its file, how it was made, how it was held against what it came from, its other forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from misread.errors import CheckFailed
from misread.export.onnx_file import OnnxFile, describe
from misread.export.variants import Form, path_of, write_variant
from misread.files import sha256_file, storage_errors
from misread.runtime.fingerprint import Fingerprint, fingerprint
from misread.runtime.session import Deployed
from misread.runtime.trial import trusted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from misread.card import ModelCard
    from misread.export.parity import Parity
    from misread.export.quantize.make import Made
    from misread.runtime.session import SessionOptions

Check = Callable[[Deployed], "Parity"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """Another form of a build that passed.

    Attributes:
        form: `batch-1` or `ort`.
        path: where it lies.
        sha256: of the file.
        size_bytes: of the file.
        parity: with what the build was held against.
    """

    form: Form
    path: Path
    sha256: str
    size_bytes: int
    parity: Parity


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One file that passed.

    Attributes:
        precision: of `PRECISIONS`.
        file: path, hash, size, opset, operators.
        parity: with what it was made of.
        made: how, and at what cost.
        fingerprint: what ran when they were compared.
        variants: its other forms.
    """

    precision: str
    file: OnnxFile
    parity: Parity
    made: Made
    fingerprint: Fingerprint
    variants: tuple[Variant, ...] = ()

    def moved(self, target: Path) -> Build:
        """Move the files beside one another to where `target` is, and return the build as it lies there.

        Raises:
            StorageError: one cannot be moved.
        """
        with storage_errors(target):
            self.file.path.replace(target)
            for variant in self.variants:
                variant.path.replace(path_of(target, variant.form))
        return replace(
            self,
            file=replace(self.file, path=target),
            variants=tuple(replace(variant, path=path_of(target, variant.form)) for variant in self.variants),
        )


def checked(
    precision: str,
    path: Path,
    made: Made,
    *,
    card: ModelCard,
    session: SessionOptions,
    check: Check,
    asked: Iterable[Form] = (),
) -> Build:
    """Read a finished file back, hold it against what it came from, and do the same with its other forms.

    Args:
        precision: of the file.
        path: of the file; its other forms are written beside it.
        made: how it was made.
        card: that it must carry.
        session: how it will run.
        check: compares it with what it came from, or raises CheckFailed.
        asked: its other forms.

    Raises:
        CheckFailed: the file carries another card, or is another classifier.
        MisreadError: a form cannot be made.
    """
    deployed = _opened(path, card, session)
    parity, ran = check(deployed), fingerprint(deployed)
    variants = []
    for form in asked:
        target = path_of(path, form)
        write_variant(form, path, target, card, arm=made.target.startswith("arm"))
        held = check(_opened(target, card, session))
        variants.append(
            Variant(
                form=form,
                path=target,
                sha256=sha256_file(target),
                size_bytes=target.stat().st_size,
                parity=held,
            )
        )
    return Build(
        precision=precision,
        file=describe(path),
        parity=parity,
        made=made,
        fingerprint=ran,
        variants=tuple(variants),
    )


def _opened(path: Path, card: ModelCard, session: SessionOptions) -> Deployed:
    with trusted():  # it was made a moment ago
        deployed = Deployed.open(path, options=session)
    if deployed.card != card:
        message = f"the card that {path.name} carries is not the one it was given; no file was written"
        raise CheckFailed(message)
    return deployed
