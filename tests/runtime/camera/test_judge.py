"""Verdicts: control first, then the interval, then the placebo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from misread.errors import OptionError
from misread.runtime.camera.judge import Finding, Thresholds, judge
from tests.runtime.camera.planted import subject, summary

if TYPE_CHECKING:
    from misread.runtime.camera.tally import Summary

GOOD = ["ssss"] * 8
BAD = ["4444"] * 8
HALF = ["44ss"] * 8
SOME = ["4444", "444s", "44ss"] * 2


def shown(adversarial: list[str], clean: list[str], placebo: list[str] | None = None) -> list[Summary]:
    summaries = [summary(subject("bad", "adversarial"), *adversarial)] if adversarial else []
    summaries += [summary(subject("good", "clean"), *clean)] if clean else []
    return summaries + ([summary(subject("noise", "placebo"), *placebo)] if placebo else [])


@pytest.mark.parametrize(
    ("adversarial", "clean", "placebo", "finding", "reason"),
    [
        (BAD, GOOD, GOOD, "persists", "placebo misread in 0.0 %"),
        (BAD, GOOD, None, "persists", "no placebo was shown"),
        (GOOD, GOOD, GOOD, "does-not-persist", "below 50 %"),
        (HALF, GOOD, GOOD, "inconclusive", "so near to it that filming more will not settle it"),
        (SOME, GOOD, GOOD, "inconclusive", "1 more clip like these would settle it"),
        (BAD[:4], GOOD, GOOD, "inconclusive", "at least 5 are needed; 3 more clips like these would settle it"),
        (BAD, HALF, GOOD, "invalid-control", "right in 50.0 % of 32 frames, 95 %"),
        (GOOD, HALF, GOOD, "invalid-control", "right in 50.0 %"),  # whatever the changed arm did
        (BAD, GOOD, BAD, "inconclusive", "placebo was misread too, in 100.0 %"),
        (GOOD, GOOD, BAD, "does-not-persist", "below"),  # a fooled placebo forbids `persists` only
        (BAD, [], GOOD, "not-measured", "clean control was read in 0 frames"),
        (BAD, ["ss"], GOOD, "not-measured", "clean control was read in 2 frames"),
        (["44"], GOOD, GOOD, "not-measured", "only 2 frames"),
    ],
)
def test_findings(
    adversarial: list[str], clean: list[str], placebo: list[str] | None, finding: Finding, reason: str
) -> None:
    (verdict,) = judge(shown(adversarial, clean, placebo), Thresholds())
    assert verdict.finding == finding
    assert reason in verdict.reason


def test_as_many_clips_more_as_said_settle_it() -> None:
    (verdict,) = judge(shown(SOME, GOOD, GOOD), Thresholds(persist=0.6))
    assert verdict.more_clips is not None
    repeats = -(-(len(SOME) + verdict.more_clips) // len(SOME))
    (again,) = judge(shown(SOME * repeats, GOOD, GOOD), Thresholds(persist=0.6))
    assert (again.finding, again.more_clips) == ("persists", None)
    (fooled,) = judge(shown(BAD, GOOD, BAD), Thresholds())
    assert fooled.more_clips is None  # more clips would not mend a placebo


def test_the_gate_is_met_exactly_at_its_threshold() -> None:
    nineteen_of_twenty = ["sssss", "sssss", "sssss", "ssss4"]
    assert judge(shown(BAD, nineteen_of_twenty), Thresholds())[0].finding == "persists"
    assert judge(shown(BAD, nineteen_of_twenty), Thresholds(control=0.96))[0].finding == "invalid-control"


def test_only_exhibits_of_the_group_and_build_are_compared() -> None:
    from dataclasses import replace

    bad, good = shown(BAD, GOOD)
    assert judge([bad, replace(good, group="other")], Thresholds())[0].finding == "not-measured"
    assert judge([bad, replace(good, build="other")], Thresholds())[0].finding == "not-measured"
    assert judge([bad, replace(good, crop="rectified")], Thresholds())[0].finding == "not-measured"


@pytest.mark.parametrize(
    "options", [{"control": 1.1}, {"placebo": float("nan")}, {"persist": 0.0}, {"persist": 1.0}, {"min_frames": 0}]
)
def test_thresholds_without_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Thresholds(**options)  # type: ignore[arg-type]
