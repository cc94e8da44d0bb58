from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.bundle import Bundle, BundleWriter
from misread.card import ModelCard
from misread.report.verification import compared, fingerprint_records, rung_views, witness_view
from misread.runtime.fingerprint import Fingerprint
from misread.runtime.noise import NoiseFloor
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Step, Verdict, Verification
from misread.stats import wilson
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from pathlib import Path

CARD = ModelCard(labels=("Stop", "Give way"), size_hw=(8, 8))
RAN = Fingerprint(
    model_sha256="a" * 64,
    card_sha256="b" * 64,
    onnxruntime="1.2.3",
    providers=("CPUExecutionProvider",),
    nodes=(("CPUExecutionProvider", 7),),
    threads=2,
    level="all",
    cpu="a processor",
    features=("avx2", "vnni"),
    machine="x86_64",
    system="Linux",
    python="3.11",
    numpy="2",
    opencv="4",
)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    writer = BundleWriter(tmp_path)
    clean = np.full((8, 8, 3), 100, np.uint8)
    changed = clean.copy()
    changed[0, 0, 0] = 103
    writer.add(
        clean=clean,
        changed=changed,
        label="Stop",
        label_given=True,
        goal=UNTARGETED,
        prepared=True,
        torch_float=True,
        torch_8bit=True,
        source="drawn",
    )
    return writer.finish(card=CARD, origin="test", threat={}, attack={}, counts={})


def _verification(folder: Path) -> Verification:
    look = Look(label="Stop", confidence=0.9, margin=2.0)
    wrong = Look(label="Give way", confidence=0.6, margin=-1.0)
    judgement = Judgement(
        witness="0000", label="Stop", goal=UNTARGETED, verdict=Verdict.VERIFIED, clean=look, changed=wrong
    )
    lost = Judgement(witness="0000", label="Stop", goal=UNTARGETED, verdict=Verdict.UNAVAILABLE, reason="gone")
    noise = NoiseFloor(logit=0.01, margin=0.02, pictures=1, measured_over=())
    return Verification(
        bundle=folder,
        witnesses=1,
        builds=(
            BuildVerdict(name="fp32", judgements=(judgement,), fingerprint=RAN, noise=noise),
            BuildVerdict(name="int8", judgements=(lost,), reason="gone"),
        ),
        ladder=(
            Step(reader="torch", rung="torch-float", title="torch, float", survived=wilson(1, 1)),
            Step(reader="fp32", rung="file", title="from file", survived=wilson(1, 1)),
            Step(reader="fp32", rung="jpeg-90", title="JPEG, quality 90", survived=wilson(0, 1)),
            Step(reader="int8", rung="file", title="from file", survived=wilson(0, 0)),
        ),
    )


def test_readers_of_one_rung_stand_side_by_side_in_the_order_of_the_ladder(tmp_path: Path) -> None:
    views = rung_views(_verification(tmp_path), {"file": "the PNG itself"})
    assert [(view.name, view.detail) for view in views] == [
        ("torch, float", ""),
        ("from file", "the PNG itself"),
        ("JPEG, quality 90", ""),
    ]
    assert [(point.reader, point.rate.hits) for point in views[1].survivals] == [("fp32", 1), ("int8", 0)]


def test_a_witness_shows_what_each_build_that_ran_reads(bundle: Bundle) -> None:
    view = witness_view(_verification(bundle.folder), bundle, bundle.witnesses[0], name="w", note="")
    clean, changed, difference = view.pictures
    assert [(read.reader, read.label, read.misread) for read in clean.reads] == [("fp32", "Stop", False)]
    assert [(read.reader, read.label, read.misread) for read in changed.reads] == [("fp32", "Give way", True)]
    assert difference.image[0, 0].tolist() == [127 + 3 * 40, 127, 127]
    assert "40 times" in difference.caption
    assert view.change.values_changed == 1


def test_a_difference_too_large_to_amplify_says_so() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert compared(black, white, (), (), label="x")[2].caption == "Signed; mid-grey is no change."


def test_builds_that_ran_leave_a_fingerprint(tmp_path: Path) -> None:
    ((name, values),) = fingerprint_records(_verification(tmp_path))
    assert name == "Fingerprint of fp32"
    assert values["nodes"] == "CPUExecutionProvider, 7"
    assert values["noise floor of the margin"] == "0.02"
