"""Gates: what a verification must show for a pipeline to go on, each with the sentence that says why it closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import FileError, InputError, OptionError
from misread.files import read_json
from misread.runtime.verdict import GateResult, Verdict
from misread.stats import mcnemar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.runtime.verdict import BuildVerdict
    from misread.stats import Rate

KIND: Final = "misread-verification"
#: Below this p-value a build that is worse than the baseline is so by more than chance.
SIGNIFICANCE: Final = 0.05
#: Build -> witness -> misread; None where it was not decided.
Baseline = Mapping[str, Mapping[str, bool | None]]
_DECIDED: Final = frozenset({Verdict.VERIFIED, Verdict.REFUTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """What each build must reach; None does not ask.

    Attributes:
        min_clean_accuracy: least share of clean pictures read right, 0 to 1.
        min_robust_accuracy: least share of witnesses that the build surely does not misread, of those that count.
        max_flips: most witnesses that the build may misread.
        baseline: JSON document of an earlier `misread verify` of the same bundle: a build may not misread more of it
            than the build of that name did, beyond chance.
    """

    min_clean_accuracy: float | None = None
    min_robust_accuracy: float | None = None
    max_flips: int | None = None
    baseline: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a gate that nothing could pass or fail."""
        shares = (("clean", self.min_clean_accuracy), ("robust", self.min_robust_accuracy))
        for name, share in shares:
            if share is not None and not 0 <= share <= 1:
                raise OptionError(f"a {name} accuracy is a share from 0 to 1, got {share}; write 0.95 for 95 %")
        if self.max_flips is not None and not self.max_flips >= 0:
            raise OptionError(f"the most flips allowed is a number from 0, got {self.max_flips}")

    @property
    def asked(self) -> bool:
        """Whether there is any."""
        return self != Gates()

    def read(self, bundle_sha256: str) -> Baseline:
        """Read the baseline, where one was asked for, before any work is done.

        Args:
            bundle_sha256: of the bundle; a baseline of another bundle is refused.

        Raises:
            FileError: it cannot be read.
            InputError: it is of another bundle.
        """
        return read_baseline(self.baseline, bundle_sha256) if self.baseline is not None else {}

    def check(self, builds: Sequence[BuildVerdict], before: Baseline) -> tuple[GateResult, ...]:
        """Hold every build against every gate asked for; one on which no witness counts passes none.

        Args:
            builds: in order.
            before: what `read` returned.

        Raises:
            InputError: the baseline has no build of that name, or other witnesses.
        """
        return tuple(result for build in builds for result in self._of(build, before, alone=len(builds) == 1))

    def _of(self, build: BuildVerdict, before: Baseline, *, alone: bool) -> Iterator[GateResult]:
        if self.min_clean_accuracy is not None:
            yield _least("min-clean-accuracy", "clean accuracy", build, build.clean, self.min_clean_accuracy)
        if self.min_robust_accuracy is not None:
            yield _least("min-robust-accuracy", "robust accuracy", build, build.robust, self.min_robust_accuracy)
        if self.max_flips is not None:
            yield _most(build, self.max_flips)
        if self.baseline is not None:
            yield _no_worse(build, _of_name(before, build.name, self.baseline, alone=alone))


def _least(gate: str, words: str, build: BuildVerdict, rate: Rate, limit: float) -> GateResult:
    measured = rate.text() if build.available else "unavailable"
    return GateResult(
        gate=gate,
        build=build.name,
        passed=build.available and rate.share is not None and rate.share >= limit,
        sentence=f"{build.name}: {words} {measured}, at least {limit:.4g} asked for",
        rate=rate,
        limit=limit,
    )


def _most(build: BuildVerdict, limit: int) -> GateResult:
    flipped = tuple(one.witness for one in build.judgements if one.verdict.counts and one.misread)
    measured = f"{len(flipped)} of {build.counted} witnesses misread" if build.available else "unavailable"
    return GateResult(
        gate="max-flips",
        build=build.name,
        passed=build.counted > 0 and len(flipped) <= limit,
        sentence=f"{build.name}: {measured}, at most {limit} allowed",
        rate=build.misread,
        limit=limit,
        witnesses=flipped,
    )


def _no_worse(build: BuildVerdict, before: Mapping[str, bool | None]) -> GateResult:
    now = {one.witness: one.misread if one.verdict in _DECIDED else None for one in build.judgements}
    if set(now) != set(before):
        raise InputError(f"the baseline of {build.name} has other witnesses than the bundle; verify the same bundle")
    met = [name for name in now if now[name] is not None and before[name] is not None]
    worse = tuple(name for name in met if now[name] and not before[name])
    better = sum(bool(before[name]) and not now[name] for name in met)
    p_value = mcnemar(len(worse), better)
    closed = not build.counted or (len(worse) > better and p_value < SIGNIFICANCE)
    said = f"{len(worse)} witnesses are misread that were not, {better} no longer (McNemar p {p_value:.2g})"
    return GateResult(
        gate="baseline",
        build=build.name,
        passed=not closed,
        sentence=f"{build.name}: {said if build.available else 'unavailable'}",
        rate=build.misread,
        p_value=p_value,
        witnesses=worse,
    )


def read_baseline(path: Path, bundle_sha256: str) -> Baseline:
    """Read what an earlier verification found: build -> witness -> misread, None where that was not decided.

    Raises:
        FileError: missing, or no document of `misread verify --json`.
        InputError: it is of another bundle.
    """
    document = read_json(path, kind=KIND)
    try:
        other = document.get("bundle_sha256", "")
        builds = {
            str(build["name"]): {
                str(one["witness"]): bool(one["misread"]) if one["verdict"] in _DECIDED else None
                for one in build["witnesses"]
            }
            for build in document["builds"]
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is no whole result of misread verify --json: {error} is missing") from error
    if bundle_sha256 and other and other != bundle_sha256:
        raise InputError(f"{path} was taken on another bundle; verify that one with --json again")
    return builds


def _of_name(before: Baseline, name: str, path: Path, *, alone: bool) -> Mapping[str, bool | None]:
    """Find the build in the baseline; one build on each side belong together whatever their names."""
    if name in before:
        return before[name]
    if alone and len(before) == 1:
        return next(iter(before.values()))
    raise InputError(f"{path} has no build {name!r}; it has {', '.join(before) or 'none'}; name the files alike")
