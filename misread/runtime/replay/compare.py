"""The host's record against what the same builds have just said here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError
from misread.files import jsonable
from misread.runtime.contender import Views
from misread.runtime.judge import judgement_of
from misread.runtime.look import asked_of, looks_of
from misread.runtime.noise import jitter
from misread.runtime.replay.result import Differing, Disagreement, Replay
from misread.runtime.session import Reading
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from misread.bundle import Bundle, Witness
    from misread.runtime.contender import Contender
    from misread.runtime.noise import NoiseFloor
    from misread.runtime.replay.packed import Packed
    from misread.runtime.verdict import BuildVerdict, Judgement

Float32 = NDArray[np.float32]

KINDS: Final = ("clean", "changed", "placebo")
#: Said by other fields already, or no property of what runs.
_LEFT_OUT: Final = frozenset({"options", "options_sha256", "nodes", "onnxruntime_build"})
_OPTIONS_LEFT_OUT: Final = frozenset({"threads", "level", "providers"})
_LONGEST: Final = 200


def replays_of(
    bundle: Bundle,
    packed: Sequence[Packed],
    records: Sequence[Float32],
    contenders: Sequence[Contender],
    builds: Sequence[BuildVerdict],
) -> tuple[Replay, ...]:
    """Hold each build against its record, and say where the device differs from the host.

    Args:
        bundle: the witnesses.
        packed: what the host says, build by build.
        records: its logits, as `Packed.read_logits` gives them.
        contenders: the same builds here; they have kept their logits.
        builds: the verdicts here.
    """
    every = zip(packed, records, contenders, builds, strict=True)
    return tuple(_replay(bundle, *one) for one in every)


def _replay(bundle: Bundle, host: Packed, record: Float32, contender: Contender, build: BuildVerdict) -> Replay:
    differing = differences(host.fingerprint, jsonable(build.fingerprint) or {})
    if not build.available or contender.reader is None:
        return Replay(build=host.name, differing=differing, reason=build.reason)
    views = next(iter(contender.views.values()), [])
    here: list[Float32] = []
    there: list[Float32] = []
    for rows, seen in zip(_rows(bundle, record), views, strict=True):
        if isinstance(seen, Views) and seen.logits is not None and not np.isnan(rows).any():
            here.append(seen.logits)
            there.append(rows)
    found = tuple(_disagreements(bundle, host, record, build))
    floors = [noise.margin for noise in (host.noise, build.noise) if noise]
    if not here or contender.reader.card.labels != host.card.labels:
        return Replay(build=host.name, disagreements=found, differing=differing, noise=max(floors, default=0.0))
    first, second = np.concatenate(there), np.concatenate(here)
    apart = np.abs(second.astype(np.float64) - first).max(axis=1)
    return Replay(
        build=host.name,
        pictures=len(first),
        largest=float(apart.max()),
        median=float(np.median(apart)),
        margin=jitter("replay", first, second).margin,
        noise=max(floors, default=0.0),
        disagreements=found,
        differing=differing,
    )


def _rows(bundle: Bundle, record: Float32) -> Iterator[Float32]:
    """Yield each witness's rows of a record."""
    start = 0
    for witness in bundle.witnesses:
        end = start + (3 if witness.placebo else 2)
        yield record[start:end]
        start = end


def _disagreements(bundle: Bundle, host: Packed, record: Float32, build: BuildVerdict) -> Iterator[Disagreement]:
    for witness, rows, here in zip(bundle.witnesses, _rows(bundle, record), build.judgements, strict=True):
        there = judged_there(witness, rows, host, host.noise)
        pairs = [(kind, getattr(there, kind), getattr(here, kind)) for kind in KINDS]
        labels = tuple((kind, a.label, b.label) for kind, a, b in pairs if a and b and a.label != b.label)
        if there.verdict is not here.verdict or labels:
            yield Disagreement(witness=witness.id, host=there.verdict, device=here.verdict, labels=labels)


def judged_there(witness: Witness, rows: Float32, host: Packed, floor: NoiseFloor | None) -> Judgement:
    """Return the verdict that follows from what the host recorded of one witness, (2 or 3, k) logits."""
    return judgement_of(witness, _views(witness, rows, host), floor, host.card)


def _views(witness: Witness, rows: Float32, host: Packed) -> Views | str:
    if np.isnan(rows).any():
        return "the host could not read it"
    try:
        truth, wanted = asked_of(witness, host.card)
    except InputError as error:
        return str(error)
    looks = looks_of(Reading(logits=rows, card=host.card), [truth] * len(rows), [wanted] * len(rows))
    return Views(clean=looks[0], changed=looks[1], placebo=looks[2] if len(looks) > 2 else None)


def differences(host: Mapping[str, Any], device: Mapping[str, Any]) -> tuple[Differing, ...]:
    """Return the fields in which two fingerprints differ, each as JSON has it; the host's may be a stranger's."""
    first, second = _flat(host), _flat(device)
    names = [name for name in second if first.get(name) != second[name]]
    return tuple(Differing(field=name, host=_text(first.get(name)), device=_text(second[name])) for name in names)


def _flat(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    options = fingerprint.get("options")
    chosen = options.items() if isinstance(options, dict) else ()
    own = {name: value for name, value in fingerprint.items() if name not in _LEFT_OUT}
    return own | {f"option {name}": value for name, value in chosen if name not in _OPTIONS_LEFT_OUT}


def _text(value: object) -> str:
    if isinstance(value, list):
        return shorten(" ".join(str(one) for one in value) or "none", _LONGEST)
    return shorten("unknown" if value is None else str(value), _LONGEST)
