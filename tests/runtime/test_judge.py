"""Verdicts against readers in closed form: every verdict value, the paired control, the order of the kills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.bundle import Bundle
from misread.card import ModelCard
from misread.errors import OptionError
from misread.runtime.judge import judge
from misread.runtime.ladder import RUNGS, AsFile
from misread.runtime.session import MAX_BATCH, FunctionReader
from misread.runtime.verdict import Verdict
from misread.wish import Wish
from tests.runtime.planted import CARD, Lighter, brightness, bundle_of, flat, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE = (AsFile(),)
BRIGHT = Wish.of(["bright"])


def test_each_witness_gets_the_verdict_that_its_pictures_deserve(tmp_path: Path) -> None:
    pairs = [(flat(100), flat(150)), (flat(100), flat(120)), (flat(200), flat(250))]
    (build,) = judge(bundle_of(tmp_path, pairs), [brightness()], rungs=FILE).builds
    assert [j.verdict for j in build.judgements] == [Verdict.VERIFIED, Verdict.REFUTED, Verdict.EXCLUDED]
    assert (build.clean.hits, build.clean.total) == (2, 3)
    assert (build.verified.hits, build.verified.total) == (1, 2)
    first = build.judgements[0]
    assert first.clean is not None
    assert first.changed is not None
    assert (first.clean.label, first.changed.label) == ("dark", "bright")
    assert (first.clean.margin, first.changed.margin) == (55.0, -45.0)
    assert first.changed.confidence == pytest.approx(1.0)
    assert not build.passed


@pytest.mark.parametrize(
    ("jitter", "verdict"), [(0.8, "verified"), (1.2, "contested"), (-1.2, "contested"), (0.0, "verified")]
)
def test_a_flip_inside_the_builds_own_jitter_is_contested(tmp_path: Path, jitter: float, verdict: str) -> None:
    # The changed picture is read as bright by a margin of 2 * (128 - 127.5) = 1 logit.
    result = judge(bundle_of(tmp_path, [(flat(100), flat(128))]), [brightness(alone=jitter)], rungs=FILE)
    noise = result.builds[0].noise
    assert noise is not None
    assert noise.margin == pytest.approx(abs(jitter), abs=1e-5)
    assert verdicts(result) == [verdict]
    assert result.exit_code == (0 if verdict == "verified" else 1)


def test_a_clean_reading_inside_the_jitter_proves_nothing_either(tmp_path: Path) -> None:
    result = judge(bundle_of(tmp_path, [(flat(127), flat(250))]), [brightness(alone=-1.5)], rungs=FILE)
    assert verdicts(result) == ["contested"]
    assert not result.builds[0].judgements[0].misread


def test_a_tie_decides_nothing_even_without_noise(tmp_path: Path) -> None:
    tie = FunctionReader(CARD, lambda prepared: (prepared.mean(axis=(1, 2, 3)) < 100)[:, None] * np.eye(3)[:1] * 9.0)
    assert verdicts(judge(bundle_of(tmp_path, [(flat(50), flat(150))]), [tie], rungs=FILE)) == ["contested"]


def test_a_targeted_witness_counts_only_when_read_as_its_target(tmp_path: Path) -> None:
    pairs = [(flat(100), flat(150))] * 2
    bundle = bundle_of(tmp_path, pairs, goals=(BRIGHT, Wish.of(["odd"])))
    (build,) = judge(bundle, [brightness()], rungs=FILE).builds
    assert [j.verdict for j in build.judgements] == [Verdict.VERIFIED, Verdict.REFUTED]
    assert [j.misread for j in build.judgements] == [True, True]
    assert (build.verified.hits, build.misread.hits, build.misread.total) == (1, 2, 2)


def test_the_margin_that_decides_a_targeted_witness_is_the_targets(tmp_path: Path) -> None:
    # Far from dark, and bright by a hair over odd.
    reader = FunctionReader(
        CARD,
        lambda p: np.where(p.mean(axis=(1, 2, 3))[:, None] < 128, [[9.0, 0, 0]], [[0, 9.0, 8.9 - 0.2 * (len(p) == 1)]]),
    )
    result = judge(bundle_of(tmp_path, [(flat(100), flat(150))], goals=(BRIGHT,)), [reader], rungs=FILE)
    assert verdicts(result) == ["contested"]
    assert result.builds[0].judgements[0].misread


def test_a_build_that_breaks_is_unavailable_and_the_others_go_on(tmp_path: Path) -> None:
    pairs = [(flat(100), flat(150 + place)) for place in range(40)]
    readers = [brightness("breaks late", fails_above=180), brightness("works")]
    result = judge(bundle_of(tmp_path, pairs), readers, rungs=FILE)
    broken, works = result.builds
    assert broken.reason == "the planted fault"
    assert broken.count(Verdict.UNAVAILABLE) == 40
    assert (broken.clean.total, broken.verified.total) == (0, 0)
    assert works.passed
    assert result.exit_code == 1
    assert "breaks late: unavailable" in result.sentence
    assert {step.reader for step in result.ladder} == {"torch", "works"}


def test_no_build_that_runs_is_a_runtime_failure(tmp_path: Path) -> None:
    result = judge(bundle_of(tmp_path, [(flat(100), flat(150))]), [brightness(fails_above=0)], rungs=FILE)
    assert (result.exit_code, result.passed) == (4, False)
    assert result.sentence == "unavailable: no build could run; brightness: the planted fault"


def test_a_build_that_breaks_only_when_asked_again_is_unavailable(tmp_path: Path) -> None:
    calls = []

    def tires(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        calls.append(len(prepared))
        return brightness(fails_above=256 if len(calls) == 1 else 0).read_prepared(prepared).logits

    result = judge(bundle_of(tmp_path, [(flat(100), flat(150))]), [FunctionReader(CARD, tires)], rungs=FILE)
    assert verdicts(result) == ["unavailable"]
    assert result.exit_code == 4


def test_a_logit_that_is_no_number_is_unavailable_not_verified(tmp_path: Path) -> None:
    def broken(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = brightness().read_prepared(prepared).logits.copy()
        logits[prepared.mean(axis=(1, 2, 3)) > 200] = np.nan
        return logits

    pairs = [(flat(100), flat(150)), (flat(100), flat(250))]
    result = judge(bundle_of(tmp_path, pairs), [FunctionReader(CARD, broken)], rungs=FILE)
    assert verdicts(result) == ["verified", "unavailable"]
    assert (result.exit_code, result.sentence) == (1, "not verified: function: 1 of 1 verified, 1 unavailable")


def test_the_control_is_paired_with_its_rung(tmp_path: Path) -> None:
    # Lighter by 40, the clean copy of the first is misread as well: it proves nothing there, and counts before.
    bundle = bundle_of(tmp_path, [(flat(100), flat(150)), (flat(50), flat(150))])
    result = judge(bundle, [brightness()], rungs=(AsFile(), Lighter(40)))
    file, lighter = result.ladder[2:]
    assert (file.survived.hits, file.survived.total, file.excluded) == (2, 2, 0)
    assert (lighter.survived.hits, lighter.survived.total, lighter.excluded) == (1, 1, 1)
    assert lighter.killed == ()
    assert result.passed, "the verdict is taken from the file"


def test_a_witness_is_killed_once_by_the_first_rung_it_does_not_survive(tmp_path: Path) -> None:
    levels = (130, 140, 160, 200, 200, 200)
    torch = ((True, True),) * 4 + ((False, False), (True, False))
    bundle = bundle_of(tmp_path, [(flat(60), flat(level)) for level in levels], torch=torch)
    result = judge(bundle, [brightness()], rungs=(AsFile(), Lighter(-5), Lighter(-20), Lighter(-4)))
    killed = [(step.rung, step.killed) for step in result.ladder]
    assert killed == [
        ("torch-float", ("0004",)),
        ("torch-8bit", ("0005",)),
        ("file", ()),
        ("lighter-5", ("0000",)),
        ("lighter-20", ("0001",)),
        ("lighter-4", ()),
    ]
    assert [step.survived.hits for step in result.ladder] == [5, 4, 6, 5, 4, 5]
    assert [step.survived.total for step in result.ladder] == [6] * 6


def test_each_builds_ladder_counts_its_own_dead(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [(flat(60), flat(140))])
    blind = FunctionReader(CARD, lambda prepared: np.tile([[1.0, 0, 0]], (len(prepared), 1)), name="blind")
    result = judge(bundle, [blind, brightness()], rungs=FILE)
    assert [(step.reader, step.killed) for step in result.ladder[2:]] == [("blind", ("0000",)), ("brightness", ())]


def test_the_placebo_is_read_beside_the_change(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [(flat(100), flat(150)), (flat(100), flat(120))], placebo=flat(128))
    (build,) = judge(bundle, [brightness()]).builds
    assert (build.placebo.hits, build.placebo.total) == (2, 2)
    assert build.judgements[0].placebo is not None
    (build,) = judge(bundle_of(tmp_path / "calm", [(flat(100), flat(150))], placebo=flat(101)), [brightness()]).builds
    assert (build.placebo.hits, build.placebo.total) == (0, 1)


def test_a_build_of_another_size_cannot_read_prepared_pictures(tmp_path: Path) -> None:
    small = ModelCard(labels=CARD.labels, size_hw=(4, 4))
    bundle = bundle_of(tmp_path / "prepared", [(flat(100), flat(150))])
    result = judge(bundle, [brightness(card=small), brightness("fits")])
    assert verdicts(result) == ["unavailable"]
    assert "prepared at 8x8 and this build takes 4x4" in result.builds[0].reason
    assert result.builds[0].exit_code == 2
    assert verdicts(result, 1) == ["verified"]


def test_pictures_at_their_own_size_go_through_every_builds_own_path(tmp_path: Path) -> None:
    cards = [CARD, ModelCard(labels=CARD.labels, size_hw=(4, 4))]
    bundle = bundle_of(tmp_path, [(flat(100, (30, 20)), flat(190, (30, 20)))], prepared=False)
    result = judge(bundle, [brightness(str(place), card=card) for place, card in enumerate(cards)])
    assert result.passed
    assert [step.survived.hits for step in result.ladder] == [1] * (2 + 2 * (len(RUNGS) - 1)), (
        "one rung says why it is left out"
    )


def test_labels_that_a_build_does_not_know_leave_it_unavailable(tmp_path: Path) -> None:
    other = ModelCard(labels=("night", "day", "odd"), size_hw=(8, 8))
    (build,) = judge(bundle_of(tmp_path, [(flat(100), flat(150))]), [brightness(card=other)], rungs=FILE).builds
    assert build.count(Verdict.UNAVAILABLE) == 1
    assert build.reason.startswith("unknown label 'dark'")


def test_labels_in_other_letters_are_the_same(tmp_path: Path) -> None:
    loud = ModelCard(labels=("DARK", "BRIGHT", "ODD"), size_hw=(8, 8))
    result = judge(bundle_of(tmp_path, [(flat(100), flat(150))], goals=(BRIGHT,)), [brightness(card=loud)], rungs=FILE)
    assert verdicts(result) == ["verified"]


def test_a_long_bundle_streams_in_small_batches_and_opens_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    opened: list[str] = []
    read: Any = Bundle.read

    def counting(self: Bundle, picture: Any) -> Any:
        opened.append(picture.path)
        return read(self, picture)

    def logits(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        sizes.append(len(prepared))
        return brightness().read_prepared(prepared).logits

    bundle = bundle_of(tmp_path, [(flat(100), flat(150))] * 50)
    monkeypatch.setattr(Bundle, "read", counting)
    seen: list[tuple[str, int, int]] = []
    result = judge(bundle, [FunctionReader(CARD, logits)], noise_witnesses=1, progress=lambda *step: seen.append(step))
    assert result.passed
    assert max(sizes) <= MAX_BATCH
    assert len(opened) == 2 * 50 + 2
    assert [step for step in seen if step[0] == "reading witnesses"][-1] == ("reading witnesses", 50, 50)


def test_an_empty_bundle_passes_nothing(tmp_path: Path) -> None:
    result = judge(bundle_of(tmp_path, []), [brightness()])
    assert (result.passed, result.exit_code) == (False, 1)
    assert result.sentence == "not verified: brightness: 0 of 0 verified"


def test_all_excluded_passes_nothing(tmp_path: Path) -> None:
    result = judge(bundle_of(tmp_path, [(flat(200), flat(100))]), [brightness()], rungs=FILE)
    assert (result.exit_code, result.sentence) == (1, "not verified: brightness: 0 of 0 verified, 1 excluded")


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_readers_need_names_of_their_own(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match="a build or more, each of another name"):
        judge(bundle_of(tmp_path, [(flat(100), flat(150))]), [brightness(name) for name in names])


@pytest.mark.parametrize("rungs", [(), (AsFile(), AsFile())])
def test_rungs_need_names_of_their_own(tmp_path: Path, rungs: tuple[AsFile, ...]) -> None:
    with pytest.raises(OptionError, match="a rung or more, each of another name"):
        judge(bundle_of(tmp_path, [(flat(100), flat(150))]), [brightness()], rungs=rungs)


def test_who_fell_on_the_host_is_not_killed_again_on_the_build(tmp_path: Path) -> None:
    torch = ((False, False), (True, False), (True, True))
    bundle = bundle_of(tmp_path, [(flat(60), flat(100))] * 3, torch=torch)
    result = judge(bundle, [brightness()], rungs=FILE)
    assert [step.killed for step in result.ladder] == [("0000",), ("0001",), ("0002",)]


def test_a_contested_witness_has_not_survived_and_stays_in_the_denominator(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [(flat(60), flat(128)), (flat(60), flat(200))])
    (step,) = judge(bundle, [brightness(alone=9)], rungs=FILE).ladder[2:]
    assert (step.survived.hits, step.survived.total, step.contested, step.killed) == (1, 2, 1, ("0000",))


def test_a_prepared_picture_is_neither_resized_nor_cropped_again(tmp_path: Path) -> None:
    # Dark as a whole, bright in the middle, which is all that a second crop would leave.
    card = ModelCard(labels=CARD.labels, size_hw=(8, 8), resize="crop", resize_px=16)
    clean = flat(50)
    clean[2:6, 2:6] = 250
    bundle = bundle_of(tmp_path, [(clean, flat(200))], card=card)
    assert verdicts(judge(bundle, [brightness(card=card)], rungs=FILE)) == ["verified"]


def test_builds_that_pad_differently_are_fed_differently(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [(flat(60, (16, 8)), flat(200, (16, 8)))], prepared=False)
    cards = [ModelCard(labels=CARD.labels, size_hw=(8, 8), resize="letterbox", pad_level=level) for level in (114, 0)]
    result = judge(bundle, [brightness(str(card.pad_level), card=card) for card in cards], rungs=FILE)
    assert [verdicts(result, build) for build in range(2)] == [["verified"], ["refuted"]]  # means of 157 and of 100
