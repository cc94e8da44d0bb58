"""Gates: each opens and closes where it should, says why, and refuses a baseline that is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import FileError, InputError, OptionError
from misread.report.json import dumps, verification_document
from misread.runtime.gates import Gates
from misread.runtime.judge import judge
from misread.runtime.paired import pairs_of
from misread.runtime.verdict import BuildVerdict, Judgement, Verdict, Verification
from misread.runtime.verify import VerifyOptions, verify
from misread.wish import UNTARGETED
from tests.runtime.planted import COLOURS, MEANS, brightness, bundle_of, flat

if TYPE_CHECKING:
    from collections.abc import Sequence

V, R, C, X, U = Verdict


def build(verdicts: Sequence[Verdict], *, name: str = "m.onnx", reason: str = "") -> BuildVerdict:
    judgements = tuple(
        Judgement(witness=f"{at:04d}", label="a", goal=UNTARGETED, verdict=verdict, misread=verdict is V)
        for at, verdict in enumerate(verdicts)
    )
    return BuildVerdict(name=name, judgements=judgements, reason=reason, exit_code=4 if reason else 0)


def written(path: Path, *builds: BuildVerdict, bundle_sha256: str = "") -> Path:
    """Write the document of a verification that found these builds."""
    found = Verification(
        bundle=Path("b"), witnesses=len(builds[0].judgements), builds=builds, ladder=(), bundle_sha256=bundle_sha256
    )
    path.write_text(dumps(verification_document(found)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("gates", "passes"),
    [
        (Gates(min_clean_accuracy=0.8), True),  # 4 of 5 read right
        (Gates(min_clean_accuracy=0.81), False),
        (Gates(min_robust_accuracy=0.5), True),  # two of four are surely not misread
        (Gates(min_robust_accuracy=0.51), False),
        (Gates(max_flips=1), True),
        (Gates(max_flips=0), False),
    ],
)
def test_a_gate_closes_just_past_its_limit(gates: Gates, passes: bool) -> None:
    (result,) = gates.check([build([V, R, R, C, X])], {})
    assert result.passed is passes


def test_a_gate_says_what_was_measured_and_what_was_asked_for() -> None:
    asked = Gates(min_robust_accuracy=0.9, max_flips=0)
    least, most = asked.check([build([V, R, R, C, X])], {})
    assert least.sentence == "m.onnx: robust accuracy 2/4 (50.0 %, 95 % CI 15.0-85.0), at least 0.9 asked for"
    assert most.sentence == "m.onnx: 1 of 4 witnesses misread, at most 0 allowed"
    assert most.witnesses == ("0000",)


@pytest.mark.parametrize("gates", [Gates(min_clean_accuracy=0), Gates(min_robust_accuracy=0), Gates(max_flips=9)])
def test_a_build_that_could_not_run_passes_no_gate(gates: Gates) -> None:
    (result,) = gates.check([build([U, U], reason="broken")], {})
    assert not result.passed
    assert "unavailable" in result.sentence


def test_a_build_on_which_nothing_counts_is_not_robust() -> None:
    least, most = Gates(min_robust_accuracy=0, max_flips=9).check([build([X, X])], {})
    assert (least.passed, most.passed) == (False, False)


@pytest.mark.parametrize(
    ("before", "now", "passes"),
    [
        ([R] * 6 + [V], [V] * 6 + [V], False),  # six more, none fewer: p = 0.031
        ([R] * 5 + [V], [V] * 5 + [V], True),  # five more: p = 0.063, chance
        ([V] * 6 + [V], [R] * 6 + [V], True),  # better beyond chance
        ([R] * 6, [C] * 6, True),  # what was not decided is not compared
    ],
)
def test_a_baseline_closes_only_beyond_chance(
    tmp_path: Path, before: list[Verdict], now: list[Verdict], passes: bool
) -> None:
    gates = Gates(baseline=written(tmp_path / "before.json", build(before)))
    (result,) = gates.check([build(now)], gates.read(""))
    assert result.passed is passes


def test_a_baseline_names_the_witnesses_that_are_worse(tmp_path: Path) -> None:
    gates = Gates(baseline=written(tmp_path / "before.json", build([R, V, R])))
    (result,) = gates.check([build([V, R, R])], gates.read(""))
    assert result.witnesses == ("0000",)
    assert result.sentence == "m.onnx: 1 witnesses are misread that were not, 1 no longer (McNemar p 1)"


def test_builds_are_found_by_name_and_a_lone_one_by_itself(tmp_path: Path) -> None:
    two = Gates(baseline=written(tmp_path / "two.json", build([V], name="a"), build([R], name="b")))
    results = two.check([build([R], name="b"), build([V], name="a")], two.read(""))
    assert [len(one.witnesses) for one in results] == [0, 0]
    one = Gates(baseline=written(tmp_path / "one.json", build([R], name="old.onnx")))
    assert one.check([build([V], name="new.onnx")], one.read(""))[0].witnesses == ("0000",)
    with pytest.raises(InputError, match="has no build 'c'; it has a, b; name the files alike"):
        two.check([build([R], name="c")], two.read(""))


def test_a_baseline_of_other_witnesses_or_another_bundle_is_refused(tmp_path: Path) -> None:
    gates = Gates(baseline=written(tmp_path / "before.json", build([R]), bundle_sha256="1" * 64))
    with pytest.raises(InputError, match="other witnesses"):
        gates.check([build([R, R])], gates.read(""))
    with pytest.raises(InputError, match="taken on another bundle"):
        gates.read("2" * 64)


def test_a_baseline_that_is_no_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(FileError, match="cannot read"):
        Gates(baseline=path).read("")
    path.write_text(json.dumps({"schema": 1, "kind": "misread-verification", "builds": [{"name": "m"}]}))
    with pytest.raises(FileError, match="'witnesses' is missing"):
        Gates(baseline=path).read("")


@pytest.mark.parametrize("share", [-0.1, 1.1, 95, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(OptionError, match=r"write 0\.95 for 95 %"):
        Gates(min_clean_accuracy=share)
    with pytest.raises(OptionError, match=r"write 0\.95 for 95 %"):
        Gates(min_robust_accuracy=share)


def test_fewer_than_no_flips_are_refused() -> None:
    with pytest.raises(OptionError, match="from 0, got -1"):
        Gates(max_flips=-1)


def test_with_gates_they_alone_decide(tmp_path: Path) -> None:
    model = tmp_path / "means.onnx"
    model.write_bytes(MEANS)
    red, green = (flat(200) * np.array(colour, np.uint8) for colour in ((1, 0, 0), (0, 1, 0)))
    bundle = bundle_of(tmp_path / "b", [(red, green), (red, red)], card=COLOURS, label="red").folder
    options = VerifyOptions(bundle=bundle, builds=(model,))
    plain = verify(options)
    assert (plain.exit_code, plain.gates) == (1, ())
    open_ = verify(replace(options, gates=Gates(max_flips=1)))
    assert open_.exit_code == 0
    assert open_.sentence == "passed: means.onnx: 1 of 2 witnesses misread, at most 1 allowed"
    closed = verify(replace(options, gates=Gates(max_flips=0)))
    assert closed.exit_code == 1
    assert closed.sentence == "failed: means.onnx: 1 of 2 witnesses misread, at most 0 allowed (--max-flips)"
    baseline = tmp_path / "before.json"
    baseline.write_text(dumps(verification_document(plain)))
    again = verify(replace(options, gates=Gates(baseline=baseline)))
    assert (again.exit_code, again.gates[0].p_value) == (0, 1.0)


def test_a_gate_on_no_build_that_ran_keeps_the_code_of_the_failure() -> None:
    lost = build([U], reason="broken")
    found = Verification(
        bundle=Path("b"), witnesses=1, builds=(lost,), ladder=(), gates=Gates(max_flips=9).check([lost], {})
    )
    assert (found.passed, found.exit_code) == (False, 4)


def test_two_builds_are_compared_where_both_decide(tmp_path: Path) -> None:
    pairs = [(flat(100), flat(200)), (flat(100), flat(110)), (flat(100), flat(129))]
    bundle = bundle_of(tmp_path / "b", pairs)
    result = judge(bundle, [brightness("calm"), brightness("jumpy", alone=5.0)])
    (pair,) = pairs_of(result.builds)
    # the third lies inside the noise of `jumpy`, so two are compared, and they agree
    assert (pair.first, pair.second, pair.witnesses, pair.both) == ("calm", "jumpy", 2, 1)
    assert (pair.first_only, pair.second_only, pair.p_value) == ((), (), 1.0)


def test_a_pair_names_who_is_misread_alone() -> None:
    first, second, third = build([V, V, R, X], name="a"), build([R, V, R, V], name="b"), build([U], reason="gone")
    (pair,) = pairs_of([first, second, third])
    assert (pair.first_only, pair.second_only, pair.both, pair.witnesses) == (("0000",), (), 1, 3)
