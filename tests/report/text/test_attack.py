"""What `misread attack` prints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from misread.bundle import Bundle, PictureRef, Witness
from misread.change import Change
from misread.report.text import attack_text
from misread.stats import Rate, wilson
from misread.wish import UNTARGETED, Wish
from tests.report.text.hostile import EVIL, clean, fits
from tests.runtime.planted import CARD


@dataclass(frozen=True)
class Spent:
    found: bool
    forwards: int


@dataclass(frozen=True)
class Point:
    eps: float
    misread: Rate


@dataclass(frozen=True)
class Attack:
    bundle: Bundle
    pictures: int = 10
    unattempted: int = 0
    skipped: int = 1
    found: Rate = field(default_factory=lambda: wilson(8, 9))
    verified: dict[str, Rate] = field(default_factory=lambda: {"int8.onnx": wilson(7, 8)})
    zero_gradients: int = 0
    passes: float = 40.0
    gradients: float = 20.0
    curve: tuple[Point, ...] = ()
    each: tuple[Spent, ...] = ()
    seconds: float = 3.25
    card_from: tuple[str, ...] = ("timm metadata", "flags")
    builds_from: dict[str, tuple[str, ...]] = field(default_factory=lambda: {EVIL: ("misread card",), "f": ()})


def witnesses(count: int, goal: Wish = UNTARGETED, ssim: float | None = 0.98765) -> Bundle:
    picture = PictureRef(path="images/x.png", sha256="0" * 64)
    made = tuple(
        Witness(
            id=f"{place:04d}",
            label="Stop",
            goal=goal,
            clean=picture,
            changed=picture,
            prepared=True,
            torch_float=True,
            torch_8bit=True,
            change=Change(values_changed=100 * (place + 1), values_total=6912, largest_level=2, l2=0.25, ssim=ssim),
            source=EVIL,
        )
        for place in range(count)
    )
    return Bundle(
        folder=Path("b"),
        card=CARD,
        origin="signs",
        created="",
        threat={"norm": "linf", "eps": 8 / 255, "mask": None},
        attack={"name": "minimal", "settings": {"steps": 40}},
        counts={},
        witnesses=made,
    )


def test_an_attack_says_how_little_it_took() -> None:
    rates = {"int8.onnx": wilson(7, 8), EVIL + "long" * 30: wilson(1, 8)}
    text = attack_text(Attack(witnesses(12, goal=Wish.of([EVIL])), zero_gradients=3, verified=rates))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "threat norm linf, eps 0.03137" in lines
    assert "attack name minimal, settings (steps 40)" in lines
    assert r"card from timm metadata, flags; \x1b[2J\u202eevil from misread card" in " ".join(lines)
    assert "found 8/9 (88.9 %, 95 % CI 56.5-98.0)" in lines
    assert "on int8.onnx 7/8 (87.5 %, 95 % CI 52.9-97.8)" in lines
    assert "median 650 values changed, largest change 2 of 255 levels, L2 0.250, SSIM 0.9877" in " ".join(lines)
    assert r"0000 Stop → \x1b[2J\u202eevil 100 of 6,912 2 0.250 0.9877" in lines
    assert "… and 2 more in the manifest" in lines
    assert "warning the gradient vanished on 3 pictures;" in " ".join(lines)
    assert " ".join(lines).endswith(
        "wrote 12 witnesses to b; prove them on a build with: misread verify b -m MODEL.onnx"
    )
    assert fits(text)
    assert clean(text)


def test_an_attack_that_found_nothing_says_so() -> None:
    text = attack_text(Attack(witnesses(0), found=wilson(0, 9), verified={}))
    assert "no witness was found" in text
    assert "median" not in text
    old = attack_text(Attack(witnesses(2, ssim=None)))
    assert "L2 0.250\n" in old
    assert "0.250     -\n" in old
    assert "wrote 1 witness to b" in attack_text(Attack(witnesses(1)))


def test_an_attack_that_only_asks_says_how_often() -> None:
    each = tuple(Spent(found=found, forwards=count) for found, count in ((True, 10), (True, 30), (False, 5000)))
    text = " ".join(attack_text(Attack(witnesses(2), passes=1680.0, gradients=0.0, each=each)).split())
    assert "spent 1680 queries a picture, 20 until found (median), no gradients, 3.2 s" in text
    assert "until found" not in attack_text(Attack(witnesses(0), passes=5000.0, gradients=0.0, each=each[2:]))


def test_a_file_is_the_build_to_prove_it_on() -> None:
    of_file = replace(witnesses(1), origin="models/int8.onnx")
    assert "misread verify b -m models/int8.onnx" in " ".join(attack_text(Attack(of_file)).split())


def test_pictures_out_of_reach_are_said() -> None:
    text = " ".join(attack_text(Attack(witnesses(1), unattempted=4)).split())
    assert "10, of which 1 are misread already and 4 were not reached in time" in text
    assert "reached" not in attack_text(Attack(witnesses(1)))


def test_the_shares_by_size_are_said() -> None:
    curve = (Point(1 / 255, wilson(2, 9)), Point(8 / 255, wilson(7, 9)))
    assert "by size 1/255: 2, 8/255: 7 of 9" in " ".join(attack_text(Attack(witnesses(2), curve=curve)).split())
    lengths = replace(witnesses(2), threat={"norm": "l2", "eps": None})
    assert "by size 0.5: 2 of 9" in " ".join(attack_text(Attack(lengths, curve=(Point(0.5, wilson(2, 9)),))).split())
    assert "by size" not in attack_text(Attack(witnesses(2)))
