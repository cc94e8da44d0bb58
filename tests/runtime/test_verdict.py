"""The rule of verdicts, the rates, and the sentence, without any reader."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.runtime.noise import NoiseFloor
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Verdict, Verification, decide
from misread.wish import UNTARGETED, Wish

TO_B = Wish.of(["b"])
TO_B_OR_C = Wish.of(["b", "c"])
FROM_B = Wish.of(away_from=["b"])


def look(label: str, margin: float, goal_margin: float | None = None) -> Look:
    return Look(label=label, confidence=0.5, margin=margin, goal_margin=goal_margin)


def floor(margin: float) -> NoiseFloor:
    return NoiseFloor(logit=margin, margin=margin, pictures=1, measured_over=())


def judged(*verdicts: Verdict, misread: int = 0) -> tuple[Judgement, ...]:
    return tuple(
        Judgement(witness=f"{place:04d}", label="a", goal=UNTARGETED, verdict=verdict, misread=place < misread)
        for place, verdict in enumerate(verdicts)
    )


def verification(*builds: BuildVerdict) -> Verification:
    return Verification(bundle=Path("b"), witnesses=len(builds[0].judgements), builds=builds, ladder=())


V, R, C, X, U = Verdict


@pytest.mark.parametrize(
    ("clean", "changed", "goal", "noise", "verdict", "misread"),
    [
        (look("a", 2), look("b", -1), UNTARGETED, 0.5, V, True),
        (look("a", 2), look("a", 1), UNTARGETED, 0.5, R, False),
        (look("a", 2), look("b", -0.5), UNTARGETED, 0.5, C, False),
        (look("a", 2), look("a", 0.4), UNTARGETED, 0.5, C, False),
        (look("a", 0.4), look("b", -1), UNTARGETED, 0.5, C, False),
        (look("b", -2), look("c", -1), UNTARGETED, 0.5, X, False),
        (look("b", -0.1), look("c", -1), UNTARGETED, 0.5, X, False),
        (look("a", 2), look("b", -1, 1), TO_B, 0.5, V, True),
        (look("a", 2), look("b", -1, 0.4), TO_B, 0.5, C, True),
        (look("a", 2), look("c", -1, -1), TO_B, 0.5, R, True),
        (look("a", 2), look("c", -0.4, -1), TO_B, 0.5, R, False),
        (look("a", 2), look("a", 1, -1), TO_B, 0.5, R, False),
        (look("a", 2), look("c", -1, 1), TO_B_OR_C, 0.5, V, True),
        (look("a", 2), look("d", -1, -1), TO_B_OR_C, 0.5, R, True),
        (look("a", 2), look("a", 1, -1), Wish.of(["a", "b"]), 0.5, R, False),
        (look("a", 2), look("c", -1, 1), FROM_B, 0.5, V, True),
        (look("a", 2), look("c", -1, 0.4), FROM_B, 0.5, C, True),
        (look("a", 2), look("b", -1, -1), FROM_B, 0.5, R, True),
        (look("a", 2), look("a", 1, -1), FROM_B, 0.5, R, False),
        (look("a", 2), look("b", math.nan), UNTARGETED, 0.5, U, False),
        (look("a", math.nan), look("b", -1), UNTARGETED, 0.5, U, False),
        (look("a", 2), look("b", -1, math.nan), TO_B, 0.5, U, False),
        (look("a", math.inf), look("b", -math.inf), UNTARGETED, 0.5, V, True),
        (look("a", 2), look("b", -1), UNTARGETED, None, V, True),
        (look("a", 2), look("b", 0), UNTARGETED, None, C, False),
    ],
)
def test_the_rule(  # noqa: PLR0917  one parameter per column of the table
    clean: Look, changed: Look, goal: Wish, noise: float | None, verdict: Verdict, misread: bool
) -> None:
    found = decide(clean, changed, label="a", goal=goal, noise=None if noise is None else floor(noise))
    assert found == (verdict, misread)


@settings(deadline=None)
@given(clean=st.floats(-9, 9), changed=st.floats(-9, 9), noise=st.floats(0, 9))
def test_nothing_inside_the_noise_is_verified_and_more_noise_verifies_nothing_new(
    clean: float, changed: float, noise: float
) -> None:
    pair = (look("a" if clean > 0 else "b", clean), look("a" if changed > 0 else "b", changed))
    loud, _ = decide(*pair, label="a", goal=UNTARGETED, noise=floor(noise))
    still, _ = decide(*pair, label="a", goal=UNTARGETED, noise=None)
    assert (loud is V) == (clean > noise and -changed > noise)
    assert loud is not V or still is V


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, table I,
# method 3 (score without continuity correction): 1/29 and 0/20, to four decimals.
@pytest.mark.parametrize(("hits", "total", "low", "high"), [(1, 29, 0.0061, 0.1718), (0, 20, 0.0, 0.1611)])
def test_the_interval_is_the_published_one(hits: int, total: int, low: float, high: float) -> None:
    build = BuildVerdict(name="m", judgements=judged(*[V] * hits, *[R] * (total - hits), X, X, U))
    assert (build.verified.hits, build.verified.total) == (hits, total)
    assert build.verified.low == pytest.approx(low, abs=6e-5)
    assert build.verified.high == pytest.approx(high, abs=6e-5)


def test_contested_stays_in_the_denominator_and_excluded_leaves_it() -> None:
    build = BuildVerdict(name="m", judgements=judged(V, R, C, X, U, misread=2))
    assert (build.counted, build.verified.total, build.verified.hits) == (3, 3, 1)
    assert (build.clean.hits, build.clean.total) == (3, 4)
    assert (build.misread.hits, build.misread.total) == (2, 3)


@pytest.mark.parametrize(
    ("verdicts", "code"), [((V, V), 0), ((V, X), 0), ((V, R), 1), ((V, C), 1), ((X, X), 1), ((V, U), 1)]
)
def test_every_witness_that_counts_must_be_verified_and_one_must_count(
    verdicts: tuple[Verdict, ...], code: int
) -> None:
    assert verification(BuildVerdict(name="m", judgements=judged(*verdicts))).exit_code == code


@pytest.mark.parametrize(("codes", "code"), [((4,), 4), ((2,), 2), ((2, 4), 4), ((2, 2), 2), ((0, 4), 1), ((0, 2), 1)])
def test_the_exit_code_tells_wrong_input_from_a_failing_machine(codes: tuple[int, ...], code: int) -> None:
    builds = [
        BuildVerdict(name=str(place), judgements=judged(U if one else V), reason="why" if one else "", exit_code=one)
        for place, one in enumerate(codes)
    ]
    assert verification(*builds).exit_code == code


def test_the_sentence_says_how_many_on_which_build() -> None:
    good = BuildVerdict(name="fp32.onnx", judgements=judged(V, V, V, X))
    bad = BuildVerdict(name="int8.onnx", judgements=judged(V, R, C, X))
    assert (
        verification(good, bad).sentence
        == "not verified: int8.onnx: 1 of 3 verified, 1 refuted, 1 contested, 1 excluded"
    )
    assert verification(good).sentence == "verified: 3 of 3 on fp32.onnx (1 excluded, misread when clean)"


def test_no_build_at_all_passes_nothing() -> None:
    empty = Verification(bundle=Path("b"), witnesses=0, builds=(), ladder=())
    assert (empty.passed, empty.exit_code) == (False, 1)
