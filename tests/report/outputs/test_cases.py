"""Verdicts as test cases: red exactly where the command does not end with 0, and for the right reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misread.report.outputs.cases import Outcome, Suite, seen, suites_of
from misread.runtime.gates import Gates
from misread.runtime.replay import Disagreement, Replay
from misread.runtime.verdict import Verdict, Verification
from misread.wish import Wish
from tests.report.outputs.made import C, R, U, V, X, build, found, judged

P, F, E, S = Outcome
OUTCOMES = {V: P, R: F, C: F, X: S, U: E}


def outcomes(suite: Suite) -> list[Outcome]:
    return [case.outcome for case in suite.cases]


def test_without_gates_every_verdict_has_its_outcome() -> None:
    (suite,) = suites_of(found(build(list(OUTCOMES))), witnesses=True)
    assert outcomes(suite) == [F, *OUTCOMES.values()]
    assert [case.name for case in suite.cases[:2]] == ["m.onnx: verdict", "m.onnx: witness 0000 Stop"]
    assert suite.cases[0].message == "1 of 3 verified, 1 refuted, 1 contested, 1 unavailable, 1 excluded"


def test_with_gates_a_witness_fails_only_where_a_closed_one_names_it() -> None:
    open_, closed = (
        suites_of(found(build([V, R, C, X, U]), gates=Gates(max_flips=most)), witnesses=True)[0] for most in (1, 0)
    )
    assert outcomes(open_) == [P, P, P, P, P, S, S]
    assert outcomes(closed) == [P, F, F, P, P, S, S]
    assert closed.cases[1].kind == closed.cases[2].kind == "max-flips"
    assert closed.cases[1].message.endswith("(--max-flips; 1 witness: 0000)")
    assert closed.cases[2].message.endswith("when changed; it closes --max-flips")


def test_a_gate_that_is_closed_by_many_names_the_first_of_them() -> None:
    (suite,) = suites_of(found(build([V] * 12), gates=Gates(max_flips=0)))
    assert suite.cases[1].message.endswith(
        "12 witnesses: 0000, 0001, 0002, 0003, 0004, 0005, 0006, 0007, 0008, 0009 and 2 more)"
    )


@pytest.mark.parametrize("gates", [None, Gates(max_flips=9)])
def test_a_build_that_could_not_run_is_an_error(gates: Gates | None) -> None:
    (suite,) = suites_of(found(build([V], reason="no such file"), gates=gates))
    assert set(outcomes(suite)) == {E}
    assert suite.cases[0].message == "no such file"


def test_a_build_on_which_nothing_counts_says_so() -> None:
    (suite,) = suites_of(found(build([X])))
    assert suite.cases[0].message == "no witness counts; 0 of 0 verified, 1 excluded"


def test_what_no_build_says_is_a_case_of_its_own() -> None:
    (suite,) = suites_of(found())
    assert (suite.build, suite.red, suite.cases[0].name) == (None, True, "verification")


def test_a_replay_is_a_case_of_its_build() -> None:
    apart = Disagreement(witness="0003", host=Verdict.VERIFIED, device=Verdict.REFUTED)
    replays = (Replay(build="a"), Replay(build="b", disagreements=(apart,)), Replay(build="c", reason="broken"))
    builds = [build([V], name="a"), build([V], name="b"), build([U], name="c", reason="broken")]
    suites = suites_of(replace(found(*builds), replays=replays))
    cases = [suite.cases[1] for suite in suites]
    assert [case.name for case in cases] == ["a: replay", "b: replay", "c: replay"]
    assert [case.outcome for case in cases] == [Outcome.PASSED, Outcome.FAILED, Outcome.ERROR]
    assert cases[1].message == "b: 1 witness changed the verdict (0003)"


def test_a_witness_says_what_was_read() -> None:
    assert seen(judged(V, "0")) == "verified: Stop, read as Yield (confidence 0.750, margin -1.5) when changed"
    clean, changed = (
        "Yield (confidence 0.900, margin -2) when clean",
        "Stop (confidence 0.750, margin +1.5) when changed",
    )
    assert seen(judged(X, "0")) == f"excluded: Stop, read as {clean}, read as {changed}"
    assert seen(judged(U, "0")) == "unavailable: the planted fault"
    wanted = replace(judged(R, "0"), goal=Wish("any-of", ("Yield",)))
    assert "Stop, " + wanted.goal.words in seen(wanted)


verdicts = st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=6)
gates_asked = st.one_of(
    st.none(),
    st.builds(
        Gates,
        min_clean_accuracy=st.one_of(st.none(), st.floats(0, 1)),
        min_robust_accuracy=st.one_of(st.none(), st.floats(0, 1)),
        max_flips=st.one_of(st.none(), st.integers(0, 6)),
    ),
)


@st.composite
def verifications(draw: st.DrawFn) -> Verification:
    reasons = draw(st.lists(st.sampled_from(["", "", "gone"]), min_size=1, max_size=3))
    builds = [build(draw(verdicts), name=f"{at}.onnx", reason=reason) for at, reason in enumerate(reasons)]
    return found(*builds, gates=draw(gates_asked))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(verifications(), st.booleans())
def test_something_is_red_exactly_where_the_command_says_no(verification: Verification, witnesses: bool) -> None:
    suites = suites_of(verification, witnesses=witnesses)
    assert any(suite.red for suite in suites) == (verification.exit_code != 0)
    names = [case.name for suite in suites for case in suite.cases]
    assert len(names) == len(set(names))
