"""What `misread verify` prints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.errors import ModelRunError
from misread.report.text import verification_text
from misread.runtime.judge import judge
from misread.runtime.ladder import AsFile
from misread.runtime.replay import Differing, Disagreement, Replay
from misread.runtime.session import FunctionReader
from misread.runtime.verdict import FilmedWitness, Verdict
from misread.stats import wilson
from misread.wish import Wish
from tests.runtime.planted import CARD, Lighter, brightness, bundle_of, flat

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification

from tests.report.text.hostile import EVIL, clean, fits


def broken(prepared: Any) -> Any:
    raise ModelRunError(f"the planted fault {EVIL} " + "and its many words " * 20)


@pytest.fixture
def verification(tmp_path: Path) -> Verification:
    pairs = [(flat(100), flat(150)), (flat(100), flat(120)), (flat(200), flat(250)), (flat(60), flat(130))]
    bundle = bundle_of(tmp_path, pairs, placebo=flat(128))
    readers = [
        brightness("fp32.onnx"),
        brightness("int8.onnx", alone=10),
        FunctionReader(CARD, broken, name="bad.onnx"),
    ]
    return judge(bundle, readers, rungs=(AsFile(), Lighter(-10)))


def test_a_verification_reads_like_this(verification: Verification) -> None:
    text = verification_text(verification)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "fp32.onnx 3/4 2/3 20.8-93.9 1 0 1" in lines
    assert "int8.onnx 3/4 1/3 6.1-79.2 1 1 1" in lines
    assert "torch float ██████████ 4/4 100.0 % 51.0-100.0 0 0" in lines
    assert "lighter-10 ███░░░░░░░ 1/3 33.3 % 6.1-79.2 1 1" in lines
    assert "0003 dark" in lines
    assert "int8.onnx contested bright 99 % margin -5" in lines
    assert "fp32.onnx excluded clean: bright >99 % margin -145" in lines
    assert any(line.startswith("int8.onnx: noise of a margin 10 logits, by batch 1 (8 pictures)") for line in lines)
    assert any(line.startswith("fp32.onnx: placebo of the same size misread: 3/3") for line in lines)
    assert any(line.startswith("bad.onnx: unavailable, the planted fault") for line in lines)
    assert lines[-1].endswith("bad.onnx: unavailable")
    assert " ".join(lines).endswith(
        "not verified: fp32.onnx: 2 of 3 verified, 1 refuted, 1 excluded; "
        "int8.onnx: 1 of 3 verified, 1 refuted, 1 contested, 1 excluded; bad.onnx: unavailable"
    )


def test_it_says_what_the_witnesses_were_chosen_from(verification: Verification) -> None:
    counts = {"pictures": 9, "skipped": 2, "attempted": 7, "proposed": 6, "found": 4}
    chosen = replace(verification, counts=counts, labels_given=1)
    text = " ".join(verification_text(chosen).split())
    assert (
        "4 of 7 attacked pictures became witnesses, 2 more were misread only before rounding to 8 bits; "
        "2 were misread already"
    ) in text
    assert "nobody labelled 3 of 4 witnesses: their label is the model's own reading" in text
    assert "attacked pictures" not in verification_text(verification)
    assert "nobody labelled" not in verification_text(replace(verification, labels_given=4))


def test_a_targeted_bundle_says_its_goals(tmp_path: Path) -> None:
    goals = (Wish.of(["bright", "odd"]), Wish.of(["odd"]), Wish.of(away_from=["bright"]))
    bundle = bundle_of(tmp_path, [(flat(100), flat(150))] * 3, goals=goals)
    text = " ".join(verification_text(judge(bundle, [brightness()])).split())
    for words in ("bright or odd", "odd", "none of bright"):
        assert f"dark, to be read as {words} brightness" in text
    assert "misread as anything, target or not: 3/3" in text
    assert text.count("margin -45, goal +45") == 1
    assert text.count("margin -45, goal -1.02e+03") == 2  # away from bright, odd is all that is left


@pytest.mark.parametrize("width", [80, 100, 132])
def test_a_verification_fits_its_width_and_obeys_nobody(verification: Verification, width: int) -> None:
    named = tuple(
        replace(build, name=f"{EVIL}-{place}-" + "long" * 9) for place, build in enumerate(verification.builds)
    )
    hostile = replace(verification, builds=named, origin=EVIL, threat={"norm": EVIL}, bundle=Path(EVIL))
    text = verification_text(hostile, width=width)
    assert fits(text, width)
    assert clean(text)
    assert r"\x1b[2J" in text


def test_only_so_many_witnesses_are_listed(verification: Verification) -> None:
    assert "… and 3 more; --json lists all" in verification_text(verification, witnesses=1)
    assert "WITNESSES" not in verification_text(verification, witnesses=0)
    assert "more; --json" not in verification_text(verification, witnesses=4)


def test_no_build_that_ran_leaves_no_tables(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [(flat(100), flat(150))])
    text = verification_text(judge(bundle, [FunctionReader(CARD, broken, name="bad.onnx")]))
    assert "WITNESSES" not in text
    assert "unavailable: no build could run" in " ".join(text.split())
    assert fits(text)


def test_it_says_which_witnesses_flip_on_which_build(tmp_path: Path) -> None:
    """The second build needs more light; the last picture has a size that neither takes."""
    bundle = bundle_of(tmp_path, [(flat(100), flat(150))] * 14 + [(flat(50, (4, 4)), flat(200, (4, 4)))])

    def later(prepared: Any) -> Any:
        means = prepared.mean(axis=(1, 2, 3)) - 170
        return np.stack([-means, means, np.full_like(means, -1000)], axis=1)

    text = verification_text(judge(bundle, [brightness("a.onnx"), FunctionReader(CARD, later, name="b.onnx")]))
    said = " ".join(text.split())
    named = ", ".join(f"{number:04d}" for number in range(12))
    assert f"on a.onnx and not on b.onnx: {named} and 2 more" in said
    assert "on b.onnx and not on a.onnx" not in said
    assert "b.onnx: unavailable 0014; the picture was prepared at 4x4 and this build takes 8x8" in said


@pytest.mark.parametrize("width", [80, 100])
def test_replays_and_films_of_strangers_fit_and_obey_nobody(verification: Verification, width: int) -> None:
    apart = Disagreement(
        witness=EVIL, host=Verdict.VERIFIED, device=Verdict.REFUTED, labels=(("changed", EVIL, "x" * 200),)
    )
    replay = Replay(
        build=EVIL * 3,
        pictures=2,
        largest=1.5,
        disagreements=(apart,) * 12,
        differing=(Differing(field="cpu", host=EVIL, device="y" * 200),),
    )
    film = FilmedWitness(witness=EVIL, build=EVIL, finding="persists", reason=EVIL, misread=wilson(9, 10))
    lost = replace(replay, reason=EVIL, disagreements=())
    text = verification_text(replace(verification, replays=(replay, lost), filmed=(film,)), width=width)
    assert fits(text, width)
    assert clean(text)
    assert "2 more witnesses are seen differently; --json lists all" in " ".join(text.split())
    assert "DISAGREES" in text
    assert "not compared" in text
    assert "12 witnesses changed the verdict" in " ".join(text.split())
