"""Packing: builds go into the bundle, with what they say of its pictures on this machine."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.bundle import KIND, MANIFEST, SCHEMA, PictureRef, read_bundle
from misread.errors import FileError, InputError, OptionError
from misread.files import atomic_folder, atomic_write, jsonable, read_json, storage_errors, write_json
from misread.runtime.contender import Views, contender_of
from misread.runtime.inspect.model_file import model_sha256, read_model_file
from misread.runtime.judge import NOISE_WITNESSES, Progress, judge_contenders, quiet
from misread.runtime.ladder import RUNGS
from misread.runtime.replay.packed import MAX_NAME, MAX_PACKED, Packed, packed_builds
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from misread.bundle import Bundle
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.contender import Contender
    from misread.runtime.noise import NoiseFloor

FOLDER: Final = "builds"
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackOptions:
    """What to pack, and how it is run for the record.

    Attributes:
        bundle: folder of witnesses.
        builds: ONNX files, each of a name of its own.
        card: what the flags say for builds that do not say it; the bundle's own card fills what is open then.
        session: how onnxruntime runs every build here.
        overwrite: replace builds that are packed already.

    Raises:
        OptionError: no build, or too many.
    """

    bundle: Path
    builds: tuple[Path, ...]
    card: ModelCard | CardFacts | None = None
    session: SessionOptions = field(default_factory=SessionOptions)
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no answer."""
        if not 1 <= len(self.builds) <= MAX_PACKED:
            raise OptionError(f"give 1 to {MAX_PACKED} builds to pack, got {len(self.builds)}; add -m MODEL.onnx")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackResult:
    """What was packed.

    Attributes:
        bundle: the folder.
        witnesses: how many are in it.
        builds: in order.
        size_bytes: of all that was added.
    """

    bundle: Path
    witnesses: int
    builds: tuple[Packed, ...]
    size_bytes: int

    @property
    def sentence(self) -> str:
        """Say what was done and what to type on the device."""
        number = "1 build" if len(self.builds) == 1 else f"{len(self.builds)} builds"
        return f"packed {number} into {self.bundle}; replay them on the device with: misread verify {self.bundle}"


def pack(options: PackOptions, *, progress: Progress = quiet) -> PackResult:
    """Pack builds into a bundle that lies there already.

    Raises:
        FileError: no bundle, or no ONNX.
        InputError: builds are packed already, or one cannot read the bundle's pictures.
        MisreadError: a build cannot be opened or run.
    """
    bundle = read_bundle(options.bundle)
    if bundle.builds and not options.overwrite:
        raise InputError(f"{options.bundle} has {len(bundle.builds)} builds packed already; add --overwrite")
    spare = ("bundle", bundle.card)
    opened = [Deployed.open(path, card=options.card, spare=spare, options=options.session) for path in options.builds]
    packed = pack_builds(options.bundle, opened, progress=progress)
    size = sum(path.stat().st_size for path in (options.bundle / FOLDER).rglob("*") if path.is_file())
    return PackResult(bundle=options.bundle, witnesses=len(bundle.witnesses), builds=packed, size_bytes=size)


def pack_builds(folder: Path, builds: Sequence[Deployed], *, progress: Progress = quiet) -> tuple[Packed, ...]:
    """Copy open builds into a bundle, let them read its pictures, and write both into the manifest.

    Args:
        folder: of the bundle; builds that are packed there already are replaced.
        builds: in order, each of a name of its own.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        InputError: a build cannot read the bundle's pictures, or two have one name.
        StorageError: nothing can be written there.
        MisreadError: a build cannot be run.
    """
    bundle = read_bundle(folder)
    names = [build.name for build in builds]
    if len(set(names)) < len(names) or any(len(name) > MAX_NAME for name in names):
        raise InputError(f"each packed build has a name of its own of at most {MAX_NAME} characters, got {names}")
    contenders = [contender_of(build) for build in builds]
    for contender in contenders:
        contender.keeps = True
    found = judge_contenders(bundle, contenders, rungs=RUNGS[:1], noise_witnesses=NOISE_WITNESSES, progress=progress)
    for contender, verdict in zip(contenders, found.builds, strict=True):
        if contender.failure:
            raise contender.failure
        if not verdict.available:
            raise InputError(f"{verdict.name} cannot be packed: {verdict.reason}")
    with atomic_folder(folder / FOLDER, overwrite=True) as working:
        packed = tuple(
            _write(bundle, working, number, build=build, contender=contender, noise=verdict.noise)
            for number, (build, contender, verdict) in enumerate(zip(builds, contenders, found.builds, strict=True))
        )
    document = read_json(folder / MANIFEST, kind=KIND, schema=SCHEMA, oldest=1)
    schema = document.pop("schema")
    entries = [one.entry() for one in packed]
    write_json(folder / MANIFEST, document | {"builds": entries}, kind=KIND, schema=schema)
    return packed_builds(read_bundle(folder))


def _write(
    bundle: Bundle, working: Path, number: int, *, build: Deployed, contender: Contender, noise: NoiseFloor | None
) -> Packed:
    model, data = _copy(build.path, working, number), f"{number}.npy"
    with atomic_write(working / data) as out:
        np.lib.format.write_array(out, record_of(bundle, contender), version=(1, 0), allow_pickle=False)
    digest = hashlib.sha256((working / data).read_bytes()).hexdigest()
    if model_sha256(working / model) != contender.sha256:
        raise FileError(f"{build.path} changed while it was packed; pack it again")
    return Packed(
        name=build.name,
        file=PictureRef(path=f"{FOLDER}/{model}", sha256=contender.sha256),
        card=build.card,
        logits=PictureRef(path=f"{FOLDER}/{data}", sha256=digest),
        noise=noise,
        fingerprint=jsonable(contender.fingerprint),
    )


def _copy(path: Path, working: Path, number: int) -> str:
    """Copy a model with its other files; return its path below the folder of the builds."""
    model = read_model_file(path)
    name = _ODD.sub("_", path.name).lstrip(".") or "model.onnx"
    where = Path(name)
    if model.external or (working / where).exists():
        where = Path(str(number)) / name
    with storage_errors(working):
        (working / where).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, working / where)
        for location, place in model.external.items():
            beside = working / where.parent / location
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, beside)
    return where.as_posix()


def record_of(bundle: Bundle, contender: Contender) -> NDArray[np.float32]:
    """Return (pictures, k) float32 of what a contender said; not a number where it could not read a witness."""
    labels = 0 if contender.reader is None else len(contender.reader.card.labels)
    rows = [np.empty((0, labels), np.float32)]
    for witness, seen in zip(bundle.witnesses, contender.views.get(RUNGS[0].name, []), strict=True):
        known = seen.logits if isinstance(seen, Views) else None
        rows.append(np.full((3 if witness.placebo else 2, labels), np.nan, np.float32) if known is None else known)
    return np.concatenate(rows).astype("<f4")
