"""The text of a comparison: what is said of sides, flips, noise, paths and layers, and that foreign names stay tame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from misread.report.text.compare import FLIPS, LAYERS, compare_text
from misread.runtime.compare import Comparison, Flip, Percentiles, Side
from misread.runtime.compare.drift import Drift, Layer
from misread.runtime.compare.path import Change, Effect, PathFinding, Residual, Tried
from misread.runtime.noise import floor_of, jitter
from misread.stats import wilson
from tests.report.text.hostile import EVIL, clean, fits

NONE = Residual(mean=0.0, rms=0.0, most=0.0, max=0.0)
SOME = Residual(mean=24.1, rms=30.0, most=100.0, max=211.0)
AGREE = PathFinding(
    what="the ways to A and to B", pictures=16, before=NONE, left=NONE, explained=True, effects=(), tolerance=(0.6, 1.6)
)
BGR = Change(stage="colour", expected="rgb", found="bgr")


def side(name: str, **more: object) -> Side:
    import numpy as np

    floor = floor_of([jitter("batch 1", np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32))], pictures=1)
    given = {
        "sha256": "ab" * 32,
        "card_sha256": "cd" * 32,
        "fingerprint": None,
        "card_from": ("flags",),
        "labels": 3,
        "accuracy": None,
        "unshared": 0,
        "noise": floor,
    }
    return Side(name=name, **{**given, **more})  # type: ignore[arg-type]


def comparison(**more: object) -> Comparison:
    flips = tuple(
        Flip(name=f"{at}.png", label_a="Stop", label_b="Yield", margin_a=0.5, margin_b=1.25) for at in range(15)
    )
    given = {
        "data": Path("pictures"),
        "pictures": 100,
        "shared_labels": 3,
        "agreement": wilson(85, 100),
        "in_noise": 0,
        "min_agreement": 0.95,
        "flips": flips,
        "space": "logits",
        "difference": Percentiles(p50=0.1, p90=0.2, p99=0.3, max=0.4),
        "relative": Percentiles(p50=0.01, p90=0.02, p99=0.03, max=0.04),
        "a": side("a.onnx", accuracy=wilson(90, 100)),
        "b": side("b.onnx"),
        "paths": (AGREE,),
    }
    return Comparison(**{**given, **more})  # type: ignore[arg-type]


def said(found: Comparison) -> str:
    return " ".join(compare_text(found).split())


def test_what_is_found_is_said() -> None:
    text = said(comparison())
    assert "a.onnx, right on 90/100" in text
    assert "sha256 abababababababab…, card cdcdcdcdcdcdcdcd… from flags" in text
    assert "agreement 85/100 (85.0 %" in text
    assert f"and {15 - FLIPS} more; --json lists them" in text
    assert "A and B agree too seldom" in text
    assert "largest difference of logits 0.1 0.2 0.3 0.4" in text
    assert "as a share of A's range, % 1 2 3 4" in text
    assert "A batch 1 1 0 0" in text


def test_a_culprit_is_named_with_its_size() -> None:
    path = replace(AGREE, before=SOME, effects=(Effect(change=BGR, levels=SOME),))
    text = said(comparison(paths=(path,)))
    assert "stage A B mean max colour order rgb bgr 24.10 211" in text
    assert "stage card fed mean max" in said(comparison(paths=(replace(path, sides=("card", "fed")),)))
    assert "differ in colour order: bgr instead of rgb" in text


def test_what_is_no_mistake_is_excused() -> None:
    path = replace(AGREE, effects=(Effect(change=BGR, levels=SOME, named=False, why="each its own"),))
    text = said(comparison(paths=(path,), in_noise=2))
    assert "* colour order is no mistake: each its own" in text
    assert "the ways to A and to B agree (16 pictures)" in text
    assert "2 more within the noise" in text


def test_what_is_unexplained_says_what_was_tried() -> None:
    path = replace(
        AGREE, before=SOME, left=SOME, explained=False, tried=(Tried(text="as if", rms=7.5),), remark="a decoder?"
    )
    text = said(comparison(paths=(replace(path, unseen=("colour order: grey",)),)))
    assert "no known cause explains it; the nearest, as if, leaves 7.5 levels" in text
    assert "tried levels left as if 7.5" in text
    assert "a decoder?" in text
    assert "cannot be told from these pictures: colour order: grey" in text


def test_alternatives_are_said() -> None:
    path = replace(AGREE, effects=(Effect(change=BGR, levels=SOME),), alternatives=("std: 2 instead of 1",))
    assert "colour order: bgr instead of rgb or std: 2 instead of 1" in said(comparison(paths=(path,)))


def layer(name: str, decibels: float | None) -> Layer:
    return Layer(name=name, other=name, operator="Conv", weight=f"{name}.w", snr_db=decibels, matched="name")


def test_layers_are_listed_worst_first() -> None:
    layers = (layer("one", None), layer("two", 60.0), layer("three", 12.0), layer("four", 11.0))
    text = said(comparison(drift=Drift(layers=layers, pictures=8, unmatched=2)))
    assert "the drift jumps at Conv three, weight three.w: 12.0 dB" in text
    assert (
        "four Conv four.w 11.0 name three Conv three.w 12.0 name two Conv two.w 60.0 name one Conv one.w exact" in text
    )
    assert "2 layers of A were not found in B" in text
    many = tuple(layer(str(at), 50.0) for at in range(LAYERS + 3))
    assert "and 3 more" in said(comparison(drift=Drift(layers=many, pictures=8, unmatched=0)))


def test_labels_that_one_side_lacks_are_counted() -> None:
    text = said(comparison(b=side("b.onnx", labels=4, unshared=7)))
    assert "3 shared, of 3 in A and 4 in B; B reads 7 pictures as none of them" in text


def test_foreign_names_stay_tame() -> None:
    flip = Flip(name=EVIL, label_a=EVIL, label_b="b", margin_a=1.0, margin_b=1.0)
    drift = Drift(layers=(layer(EVIL, 3.0),), pictures=1, unmatched=0)
    text = compare_text(comparison(flips=(flip,), a=side(EVIL), drift=drift))
    assert clean(text)
    assert fits(text)
