"""What a marked test is given: one build against the bundle, or one witness on one build, with the assertions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from misread.errors import OptionError
from misread.library.options import options_of
from misread.pytest_plugin.asked import Given
from misread.runtime.gates import Gates
from misread.runtime.verdict import Verdict, Verification
from misread.runtime.verify import VerifyOptions, verify
from misread.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from misread.bundle import Bundle, Witness
    from misread.pytest_plugin.asked import Wanted
    from misread.runtime.verdict import BuildVerdict, Judgement, Look

FOUND: Final = pytest.StashKey[dict["Path", Verification]]()
"""What was found of each build, once in a process."""
BUNDLE: Final = pytest.StashKey["Bundle"]()
"""The bundle, read once in a process: its manifest may have a million entries."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class BuildCase:
    """One build against the whole bundle.

    Attributes:
        bundle: the witnesses.
        verification: of this build alone, with the gates of the marker.
    """

    bundle: Bundle
    verification: Verification

    def __repr__(self) -> str:
        """Stay short in a traceback."""
        return f"<{printable(self.build.name)}>"

    @property
    def build(self) -> BuildVerdict:
        """What was found of the build."""
        return self.verification.builds[0]

    @property
    def properties(self) -> dict[str, str | int | float]:
        """Figures for a test report."""
        counts = {str(verdict): self.build.count(verdict) for verdict in Verdict}
        rates = {"clean": self.build.clean, "misread": self.build.misread, "robust": self.build.robust}
        shares = {name: rate.share for name, rate in rates.items() if rate.share is not None}
        return _build_properties(self.build) | counts | shares

    def assert_passes(self) -> None:
        """Hold the build against the gates; without any, every witness that counts must be verified.

        Raises:
            AssertionError: with the sentence that says by how much.
        """
        __tracebackhide__ = True
        if not self.verification.passed:
            raise AssertionError(printable(self.verification.sentence))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class WitnessCase:
    """One witness on one build.

    Attributes:
        bundle: the witnesses.
        witness: the one.
        build: what was found of the build.
        judgement: what was found of the witness.
    """

    bundle: Bundle
    witness: Witness
    build: BuildVerdict
    judgement: Judgement

    def __repr__(self) -> str:
        """Stay short in a traceback."""
        return f"<witness {printable(self.judgement.witness)} on {printable(self.build.name)}>"

    @property
    def properties(self) -> dict[str, str | int | float]:
        """Figures for a test report."""
        one = self.judgement
        found: dict[str, str | int | float] = {
            "witness": one.witness,
            "verdict": str(one.verdict),
            "label": printable(one.label),
            "goal": printable(one.goal.text),
            "largest_level": self.witness.change.largest_level,
        }
        for name, look in (("clean", one.clean), ("changed", one.changed)):
            if look is not None:
                found |= {f"read_{name}": printable(look.label), f"margin_{name}": look.margin}
        return found | _build_properties(self.build)

    @property
    def sentence(self) -> str:
        """What was found, in numbers; foreign labels in it are escaped."""
        one = self.judgement
        said = f"witness {one.witness} on {self.build.name} is {one.verdict}"
        if one.clean is None or one.changed is None:
            return printable(f"{said}: {one.reason or self.build.reason}")
        noise = f", noise {self.build.noise.margin:.2g}" if self.build.noise else ""
        level = self.witness.change.largest_level
        return printable(
            f"{said}: a picture of {one.label} is read as {_read(one.clean)} clean and, changed by at most {level} of "
            f"255 levels, as {_read(one.changed)}{noise}"
        )

    def assert_resists(self) -> None:
        """Hold that the build reads the changed picture right, beyond its noise; skip where it misreads the clean one.

        Raises:
            AssertionError: with what it was read as.
        """
        __tracebackhide__ = True
        self._skip_excluded()
        sure = self.judgement.verdict in {Verdict.VERIFIED, Verdict.REFUTED}
        if not sure or self.judgement.misread:
            raise AssertionError(self.sentence)

    def assert_verified(self) -> None:
        """Hold that the build misreads the changed picture as the goal says; skip where it misreads the clean one.

        Raises:
            AssertionError: with what it was read as.
        """
        __tracebackhide__ = True
        self._skip_excluded()
        if self.judgement.verdict is not Verdict.VERIFIED:
            raise AssertionError(self.sentence)

    def _skip_excluded(self) -> None:
        if self.judgement.verdict is Verdict.EXCLUDED:
            pytest.skip(self.sentence)


def case_of(config: pytest.Config, wanted: Wanted | None, *, marked: object) -> BuildCase | WitnessCase:
    """Judge a case; each build is judged once in a process.

    Args:
        config: of the run.
        wanted: the case, or None where there is nothing to judge.
        marked: whether the test has the marker.

    Raises:
        MisreadError: there is no case, no bundle, or a baseline that is not of this bundle.
    """
    given = Given.of(config)
    if not marked:
        raise OptionError('misread_case belongs to a marked test; write @pytest.mark.misread(each="build") above it')
    if wanted is None:
        raise OptionError("nothing to verify; give --misread-bundle DIR and --misread-build FILE")
    if BUNDLE not in config.stash:
        config.stash[BUNDLE] = given.read_bundle()
    bundle = config.stash[BUNDLE]
    found = _found(config, bundle, wanted)
    if wanted.witness is None:
        gates = _gates(config, wanted.gates)
        before = gates.read(found.bundle_sha256)
        return BuildCase(bundle=bundle, verification=replace(found, gates=gates.check(found.builds, before)))
    (build,) = found.builds
    judgement = next(one for one in build.judgements if one.witness == wanted.witness)
    return WitnessCase(bundle=bundle, witness=bundle.witness(wanted.witness), build=build, judgement=judgement)


def _found(config: pytest.Config, bundle: Bundle, wanted: Wanted) -> Verification:
    known = config.stash.setdefault(FOUND, {})
    if wanted.build not in known:
        found = verify(VerifyOptions(bundle=bundle.folder, builds=(wanted.build,), rungs=("file",)))
        known[wanted.build] = replace(found, builds=tuple(replace(one, name=wanted.name) for one in found.builds))
    return known[wanted.build]


def _gates(config: pytest.Config, said: dict[str, Any]) -> Gates:
    gates = options_of(Gates, **said)
    return gates if gates.baseline is None else replace(gates, baseline=config.rootpath / gates.baseline)


def _build_properties(build: BuildVerdict) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {"build": build.name, "sha256": build.sha256}
    if build.noise is not None:
        found["noise"] = build.noise.margin
    if build.fingerprint is not None:
        ran = build.fingerprint
        found |= {
            "onnxruntime": ran.onnxruntime,
            "providers": " ".join(ran.providers),
            "threads": ran.threads,
            "level": ran.level,
            "cpu": ran.cpu,
        }
    return found | ({"reason": printable(build.reason)} if build.reason else {})


def _read(look: Look) -> str:
    return f"{look.label} ({100 * look.confidence:.0f} %, margin {look.margin:+.3g})"
