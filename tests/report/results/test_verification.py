from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from misread.errors import FileError, InputError
from misread.report import words
from misread.report.content import Said
from misread.report.html import render_report
from misread.report.json import verification_document
from misread.report.results import KINDS
from misread.report.results.builds import builds_view, listed
from misread.report.results.confusions import confusions
from misread.report.results.curve import curve
from misread.report.results.listing import OUTCOMES, SIDE_PX, listing
from misread.report.results.reread import verification_of
from misread.report.results.source import Source, read_source
from misread.report.results.verification import verification as part
from misread.runtime.verdict import Verdict
from misread.stats import mcnemar, wilson
from tests.report.results.planted import LABELS, PLANTED, made_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.runtime.verdict import Verification


def source_of(path: Path, *, bundle: Path | None = None) -> Source:
    return read_source(path, KINDS, bundle=bundle, pictured=2)


def test_what_was_written_comes_back(verification: Verification) -> None:
    document = verification_document(verification)
    again = verification_of(document)
    assert verification_document(again) == document


def test_a_number_that_was_not_finite_is_none_again(verification: Verification) -> None:
    document = verification_document(verification)
    document["builds"][0]["witnesses"][0]["changed"]["margin"] = None
    look = verification_of(document).builds[0].judgements[0].changed
    assert look is not None
    assert look.margin != look.margin


def test_the_curve_counts_the_attacked_pictures_less_those_lost(verification: Verification, bundle: Bundle) -> None:
    shown = curve(verification, bundle)
    assert shown is not None
    # Six witnesses of 1 to 6 levels out of 7 attacked pictures.
    fp32, int8 = (
        [(point.size, point.rate.hits, point.rate.total) for point in shown.points if point.reader == build.name]
        for build in verification.builds[:2]
    )
    assert fp32 == [("0", 7, 7), ("1", 6, 7), ("2", 5, 7), ("4", 3, 7), ("8", 1, 7)]
    # On int8 the one of 1 level is refuted, the one of 2 excluded.
    assert int8 == [("0", 6, 6), ("1", 6, 6), ("2", 6, 6), ("4", 4, 6), ("8", 2, 6)]
    assert shown.points[1].rate == wilson(6, 7)


def test_there_is_no_curve_of_a_norm_whose_size_no_witness_holds(verification: Verification, bundle: Bundle) -> None:
    document = verification_document(verification) | {"threat": {"norm": "l0"}}
    assert curve(verification_of(document), bundle) is None


def test_confusions_count_a_witness_once_and_name_the_smallest(verification: Verification, bundle: Bundle) -> None:
    (table,) = confusions(verification, bundle)
    both = f"fp32 {PLANTED}, int8"
    assert [row[:4] for row in table.rows] == [("Stop", "Yield", "3", both), (PLANTED, "Yield", "3", both)]
    assert [row[5] for row in table.rows] == [
        f"L2 {level / 255:.3f}, largest {level} of 255 (witness {name})" for level, name in ((1, "0000"), (2, "0001"))
    ]
    (without,) = confusions(verification, None)
    assert [row[5] for row in without.rows] == [words.NONE, words.NONE]


def test_builds_are_told_apart_by_patterns_pairs_and_gates(verification: Verification) -> None:
    tables = {table.title: table.rows for table in builds_view(verification).tables}
    assert tables["Which witness flips on which build"] == (
        ("4", "misread", "misread", "0002, 0003, 0004, 0005"),
        ("1", "misread", "read right", "0000"),
        ("1", "misread", "excluded", "0001"),
    )
    (pair,) = tables["Build against build"]
    assert pair[1:] == ("5", "4", "1: 0000", "0", f"{mcnemar(1, 0):.2g}")
    (gate,) = tables["Gates"]
    assert gate[2] == "CLOSED"
    counts = dict(zip((row[0] for row in tables["Verdicts per build"]), tables["Verdicts per build"], strict=True))
    assert counts["int8"][2:7] == ("4", "1", "0", "1", "0")
    assert counts["lost"][-1] == words.NONE


def test_long_lists_of_ids_are_cut_and_say_so() -> None:
    assert listed([str(number) for number in range(14)]).endswith("10, 11 and 2 more")


def test_the_list_has_every_witness_with_its_outcome(verification: Verification, bundle: Bundle) -> None:
    shown = listing(verification, bundle)
    assert [row.outcome for row in shown.rows] == [OUTCOMES[1], OUTCOMES[1], *[OUTCOMES[0]] * 4]
    assert all(len(row.cells) == len(row.keys) == len(shown.head) for row in shown.rows)
    assert [row.keys[shown.head.index("Largest change, levels")] for row in shown.rows] == [1, 2, 3, 4, 5, 6]
    assert all(row.image is not None and row.image.shape[0] <= SIDE_PX for row in shown.rows)
    bare = listing(verification, None)
    assert "L2" not in bare.head
    assert bare.rows[0].image is None


def test_what_no_build_decided_is_said_so(verification: Verification) -> None:
    document = verification_document(verification)
    for build in document["builds"][:2]:
        build["witnesses"][5]["verdict"] = str(Verdict.CONTESTED)
        build["witnesses"][4]["verdict"], build["witnesses"][4]["misread"] = str(Verdict.REFUTED), False
    outcomes = [row.outcome for row in listing(verification_of(document), None).rows]
    assert outcomes[4:] == [OUTCOMES[2], OUTCOMES[3]]


def test_the_sentence_and_the_warnings_say_what_happened(verdicts: Path) -> None:
    content = part(source_of(verdicts))
    assert content.headline == (
        f"Changes of at most 6 of 255 levels make fp32 {PLANTED} misread 6 of 6 pictures and int8 misread 4 of 5 "
        "pictures; lost could not be asked."
    )
    assert content.said[0].passed is False
    assert any("lost could not be asked" in warning for warning in content.warnings)
    assert any("noise of int8" in warning for warning in content.warnings)
    assert any("Nobody labelled 1 witness" in warning for warning in content.warnings)
    assert [view.name for view in content.witnesses] == ["Witness 0000: Stop", f"Witness 0001: {LABELS[1]}"]


def test_a_replay_and_what_was_filmed_are_told(verdicts: Path) -> None:
    document = json.loads(verdicts.read_text())
    rate = {"hits": 70, "total": 72, "share": 70 / 72, "low": 0.5, "high": 1.0}
    filmed = {"witness": "0000", "build": "int8", "finding": "does-not-persist", "reason": "why", "misread": rate}
    document |= {"replays": [{"sentence": "this device disagrees", "agrees": False}], "filmed": [filmed]}
    document["builds"][1]["notes"] = ["a rung would repeat another"]
    verdicts.write_text(json.dumps(document))
    content = part(source_of(verdicts))
    assert content.said[1] == Said(sentence="this device disagrees", passed=False)
    assert content.builds[1].tables[0].rows == (("0000", "int8", "does not persist", "70/72", "why"),)
    assert content.warnings[-1] == "int8: a rung would repeat another."


def test_a_result_without_a_build_that_ran_says_so(verdicts: Path) -> None:
    document = json.loads(verdicts.read_text())
    document["builds"] = document["builds"][2:]
    verdicts.write_text(json.dumps(document))
    content = part(source_of(verdicts))
    assert content.headline == "Nothing is known; lost could not be asked."
    assert not content.curves
    assert not content.confusions
    assert not content.listings[0].rows
    assert 'id="all"' not in render_report(content)


def test_pictures_are_found_beside_a_result_that_moved(verdicts: Path, bundle: Bundle, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    moved = verdicts.rename(there / "v.json")
    bundle.folder.rename(there / "bundle")
    assert len(part(source_of(moved)).witnesses) == 2
    (there / "bundle").rename(there / "other")
    content = part(source_of(moved))
    assert content.witnesses == ()
    assert "name it with --bundle" in content.warnings[0]
    assert len(part(source_of(moved, bundle=there / "other")).witnesses) == 2


def test_pictures_of_another_bundle_are_never_shown(verdicts: Path, bundle: Bundle, tmp_path: Path) -> None:
    other = made_bundle(tmp_path / "other", 3)
    with pytest.raises(InputError, match="is not the bundle that"):
        part(source_of(verdicts, bundle=other.folder))
    shutil.rmtree(bundle.folder)
    other.folder.rename(bundle.folder)
    content = part(source_of(verdicts))
    assert content.witnesses == ()
    assert "was changed since" in content.warnings[0]
    with pytest.raises(FileError):
        part(source_of(verdicts, bundle=tmp_path / "nowhere"))
