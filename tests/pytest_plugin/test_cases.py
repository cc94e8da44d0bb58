"""The assertions on one witness, verdict by verdict: each holds, fails or skips where it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from misread.pytest_plugin.cases import WitnessCase
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Verdict
from misread.wish import UNTARGETED
from tests.runtime.planted import CARD, bundle_of, flat

if TYPE_CHECKING:
    from pathlib import Path

V, R, C, X, U = Verdict
HOLDS: Final = "holds"
LOOK: Final = Look(label="bright\x1b[2J", confidence=0.9, margin=-1.5)


def case(folder: Path, verdict: Verdict, *, misread: bool, look: Look | None = LOOK) -> WitnessCase:
    bundle = bundle_of(folder, [(flat(0), flat(7))], card=CARD)
    one = Judgement(
        witness="0000",
        label="dark",
        goal=UNTARGETED,
        verdict=verdict,
        clean=look,
        changed=look,
        misread=misread,
        reason="" if look else "planted",
    )
    build = BuildVerdict(name="m.onnx", judgements=(one,))
    return WitnessCase(bundle=bundle, witness=bundle.witnesses[0], build=build, judgement=one)


def ended(assertion: str, given: WitnessCase) -> str:
    try:
        getattr(given, assertion)()
    except AssertionError:
        return "fails"
    except pytest.skip.Exception:
        return "skips"
    return HOLDS


@pytest.mark.parametrize(
    ("verdict", "misread", "resists", "verified"),
    [
        (V, True, "fails", HOLDS),
        (R, False, HOLDS, "fails"),
        (R, True, "fails", "fails"),  # misread, though not as the goal says
        (C, False, "fails", "fails"),  # inside the noise nothing is sure
        (X, False, "skips", "skips"),
        (U, False, "fails", "fails"),
    ],
)
def test_each_verdict(tmp_path: Path, verdict: Verdict, misread: bool, resists: str, verified: str) -> None:
    given = case(tmp_path, verdict, misread=misread)
    assert (ended("assert_resists", given), ended("assert_verified", given)) == (resists, verified)


def test_it_says_what_was_read_and_lets_no_label_steer_a_terminal(tmp_path: Path) -> None:
    given = case(tmp_path, V, misread=True)
    assert "changed by at most 7 of 255 levels" in given.sentence
    assert "\x1b" not in given.sentence + str(given.properties) + repr(given)
    assert repr(given) == "<witness 0000 on m.onnx>"


def test_it_says_why_nothing_was_read(tmp_path: Path) -> None:
    given = case(tmp_path, U, misread=False, look=None)
    assert given.sentence == "witness 0000 on m.onnx is unavailable: planted"
    assert "read_clean" not in given.properties
