"""The last rung: what a real or virtual camera saw of the witnesses, read from the folder of a `misread camera` run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from misread.errors import FileError, InputError
from misread.files import read_json
from misread.runtime.camera.judge import Finding
from misread.runtime.camera.result import KIND, SUMMARY
from misread.runtime.verdict import FilmedWitness, Step
from misread.stats import Rate, wilson
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.runtime.verdict import BuildVerdict

NAME: Final = "camera"
TITLE: Final = "filmed: persists"
MAX_TEXT: Final = 500
_FINDINGS: Final[tuple[str, ...]] = get_args(Finding)


def read_filmed(folder: Path, bundle: Bundle) -> tuple[tuple[FilmedWitness, ...], Mapping[str, str]]:
    """Return what a camera run found of the bundle's witnesses, in the crop of its claim, and each build's SHA-256.

    Raises:
        FileError: no run there, or a broken one.
        InputError: it shows other witnesses than the bundle's, or none.
    """
    path = folder / SUMMARY
    document = read_json(path, kind=KIND)
    try:
        claim = document["claim"]
        found = tuple(_finding(entry) for entry in document["verdicts"] if entry["crop"] == claim)
        labels = {str(entry["exhibit"]): entry["label"] for entry in document["summaries"]}
        hashes = {str(name): str(run["model_sha256"]) for name, run in document["fingerprints"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise FileError(f"{path} is no whole camera run: {shorten(reason, 300)}; film again") from error
    known = {witness.id: witness.label for witness in bundle.witnesses}
    for one in found:
        if known.get(one.witness) != labels.get(one.witness, known.get(one.witness)):
            raise InputError(
                f"{path} shows {shorten(one.witness, 60)!r}, which is another witness than in {bundle.folder}; "
                f"film this one: misread camera --bundle {bundle.folder}"
            )
    if not found:
        raise InputError(f"{path} says nothing of a witness; film some: misread camera --bundle {bundle.folder}")
    return found, hashes


def filmed_steps(
    found: Sequence[FilmedWitness], hashes: Mapping[str, str], builds: Sequence[BuildVerdict], ladder: Sequence[Step]
) -> tuple[Step, ...]:
    """Return the ladder with this rung at the end of each build that was filmed.

    Args:
        found: what `read_filmed` gives.
        hashes: of the builds that it was filmed with.
        builds: of the verification.
        ladder: the rungs so far, reader by reader.

    Raises:
        InputError: a build of that name was filmed and is another file, or none of the builds was filmed.
    """
    steps = list(ladder)
    matched = 0
    for build in builds:
        own = [one for one in found if one.build == build.name]
        if own and build.sha256 and hashes.get(build.name, build.sha256) != build.sha256:
            raise InputError(f"the camera run was made with another {build.name} (SHA-256 differs); film this one")
        matched += len(own)
        places = [place for place, step in enumerate(steps) if step.reader == build.name]
        if own and places:
            before = [step for step in steps if step.reader in {"torch", build.name}]
            steps.insert(places[-1] + 1, _step(build.name, own, {name for step in before for name in step.killed}))
    if not matched:
        filmed = ", ".join(sorted({shorten(one.build, 60) for one in found}))
        raise InputError(f"the camera run was made with {filmed}, none of which is verified here; add -m with it")
    return tuple(steps)


def _step(build: str, found: Sequence[FilmedWitness], dead: set[str]) -> Step:
    held = [one.witness for one in found if one.finding == "persists"]
    fell = [one.witness for one in found if one.finding == "does-not-persist"]
    tally = {finding: sum(one.finding == finding for one in found) for finding in _FINDINGS}
    return Step(
        reader=build,
        rung=NAME,
        title=TITLE,
        survived=wilson(len(held), len(held) + len(fell) + tally["inconclusive"]),
        excluded=tally["invalid-control"],
        contested=tally["inconclusive"],
        unavailable=tally["not-measured"],
        killed=tuple(name for name in fell if name not in dead),
    )


def _finding(entry: Mapping[str, Any]) -> FilmedWitness:
    if entry["finding"] not in _FINDINGS:
        raise ValueError(f"a finding is one of {', '.join(_FINDINGS)}, got {str(entry['finding'])[:60]!r}")
    rate = entry["misread"]
    return FilmedWitness(
        witness=_text(entry["exhibit"]),
        build=_text(entry["build"]),
        finding=entry["finding"],
        reason=_text(entry["reason"]),
        misread=Rate(
            hits=int(rate["hits"]), total=int(rate["total"]), low=_share(rate["low"]), high=_share(rate["high"])
        ),
    )


def _share(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"a share lies from 0 to 1, got {str(value)[:60]!r}")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise TypeError(f"expected a text of at most {MAX_TEXT} characters, got {str(value)[:80]!r}")
    return value
