"""What the commands print: aligned, within 80 columns, without a character that steers the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.bundle import Bundle, PictureRef, Witness
from misread.card import ModelCard
from misread.change import Change
from misread.errors import ModelRunError
from misread.report.text import attack_text, camera_text, diagnosis_text, export_text, verification_text
from misread.report.text.table import bar, facts, interval, percent, said, table, wrapped
from misread.runtime.camera.judge import Persistence, Thresholds
from misread.runtime.camera.result import CameraResult
from misread.runtime.camera.tally import Summary
from misread.runtime.doctor import Extra, Part, diagnose
from misread.runtime.judge import judge
from misread.runtime.ladder import AsFile
from misread.runtime.machine import CameraDevice
from misread.runtime.session import FunctionReader
from misread.runtime.source import Health
from misread.stats import Rate, wilson
from misread.text import columns
from tests.runtime.planted import CARD, Lighter, brightness, bundle_of, flat

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification

EVIL = "\x1b[2J\u202eevil"


def fits(text: str, width: int = 80) -> bool:
    return all(columns(line) <= width for line in text.splitlines())


def clean(text: str) -> bool:
    return "\x1b" not in text and "\u202e" not in text and text.endswith("\n") and not text.endswith("\n\n")


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
    bundle = bundle_of(tmp_path, [(flat(100), flat(150))] * 2, goals=("bright", "odd"))
    text = " ".join(verification_text(judge(bundle, [brightness()])).split())
    assert "dark, to be read as odd" in text
    assert "misread as anything, target or not: 2/2" in text


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


def test_a_diagnosis_says_what_to_type() -> None:
    found = replace(
        diagnose(),
        parts=(Part(name="cv2", version="", problem="cv2 cannot be imported; type: pip install x"),),
        extras=(Extra(name="attack", missing=("torch",), install="pip install 'misread[attack]'"),),
        cameras=(
            CameraDevice(path="/dev/video0", name=EVIL, readable=True),
            CameraDevice(path="/dev/video1", name="", readable=False),
        ),
        warnings=("two wheels",),
        window="",
        ffmpeg=False,
    )
    text = diagnosis_text(found)
    said_flat = " ".join(text.split())
    assert fits(text)
    assert clean(text)
    for part in (
        "lacks torch; type: pip install 'misread[attack]'",
        "/dev/video1 (no permission; join the group video)",
        "broken: cv2 cannot be imported; type: pip install x",
        "warning: two wheels",
        "this OpenCV is headless",
        "this OpenCV has no FFmpeg",
    ):
        assert part in said_flat
    assert text.endswith("the device floor does not work\n")


@pytest.mark.parametrize(("display", "said_of_it"), [(True, "window QT5 streams"), (False, "there is no display")])
def test_a_window_needs_a_display(display: bool, said_of_it: str) -> None:
    text = diagnosis_text(replace(diagnose(), window="QT5", display=display, extras=(), parts=()))
    assert said_of_it in " ".join(text.split())
    assert text.endswith("the device floor works\n")


@dataclass(frozen=True)
class File:
    path: Path
    sha256: str = "a" * 64
    size_bytes: int = 997_012
    opset: int = 20


@dataclass(frozen=True)
class Parity:
    agreement: Rate
    largest_absolute: float
    pictures: str = "shipped scenes"


@dataclass(frozen=True)
class Build:
    precision: str
    file: File
    parity: Parity


@dataclass(frozen=True)
class Export:
    origin: str
    card: ModelCard
    builds: tuple[Build, ...]
    calibration: int


@pytest.mark.parametrize(
    ("size", "shown"),
    [(999, "999 B"), (1500, "1.5 kB"), (997_012, "997.0 kB"), (14_000_000, "14.0 MB"), (2 * 10**9, "2.0 GB")],
)
def test_an_export_shows_its_files_and_their_parity(size: int, shown: str) -> None:
    card = ModelCard(labels=(EVIL, "b", "c", "d", "e"), size_hw=(48, 64), resize="crop", resize_px=72)
    build = Build("int8", File(Path("out/model_int8.onnx"), size_bytes=size), Parity(wilson(20, 21), 0.0625))
    text = export_text(Export("signs", card, (build,), 94))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert f"model_int8.onnx int8 {shown} 20 20/21 0.062 aaaaaaaa" in lines
    assert "input 48x64 rgb, crop from 72, bilinear" in lines
    assert "calibration 94 pictures" in lines
    assert lines[-1] == "wrote out/model_int8.onnx"
    assert fits(text)
    assert clean(text)


@dataclass(frozen=True)
class Attack:
    bundle: Bundle
    pictures: int = 10
    skipped: int = 1
    found: Rate = field(default_factory=lambda: wilson(8, 9))
    verified: dict[str, Rate] = field(default_factory=lambda: {"int8.onnx": wilson(7, 8)})
    zero_gradients: int = 0
    passes: float = 40.0
    gradients: float = 20.0
    seconds: float = 3.25


def witnesses(count: int, goal: str = "untargeted") -> Bundle:
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
            change=Change(values_changed=100 * (place + 1), values_total=6912, largest_level=2, l2=0.25),
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
    text = attack_text(Attack(witnesses(12, goal=EVIL), zero_gradients=3, verified=rates))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "threat norm linf, eps 0.03137" in lines
    assert "attack name minimal, settings (steps 40)" in lines
    assert "found 8/9 (88.9 %, 95 % CI 56.5-98.0)" in lines
    assert "on int8.onnx 7/8 (87.5 %, 95 % CI 52.9-97.8)" in lines
    assert "median 650 values changed, largest change 2 of 255 levels, L2 0.250" in " ".join(lines)
    assert r"0000 Stop → \x1b[2J\u202eevil 100 of 6,912 2 0.250" in lines
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
    assert "wrote 1 witness to b" in attack_text(Attack(witnesses(1)))


def summary(arm: str, hits: int, **changes: Any) -> Summary:
    values: dict[str, Any] = {
        "exhibit": f"stop-{arm}",
        "arm": arm,
        "group": "stop",
        "build": "int8.onnx",
        "crop": "raw",
        "label": "Stop",
        "target": None,
        "captured": 60,
        "measured": 50,
        "clips": 8,
        "misread": wilson(hits, 50),
        "targeted": None,
        "clips_misread": 8 if hits else 0,
        "longest_run": hits,
        "longest_label": EVIL if hits else None,
        "first_misread_s": 0.25 if hits else None,
        "first_right_s": 0.1,
        "labels": ((EVIL, hits), ("Stop", 50 - hits)),
    }
    return Summary(**values | changes)


def camera(*summaries: Summary, **changes: Any) -> CameraResult:
    verdict = Persistence(
        exhibit="stop-adversarial",
        build="int8.onnx",
        crop="raw",
        finding="persists",
        reason="the interval lies above 50 %",
        misread=wilson(45, 50),
    )
    values: dict[str, Any] = {
        "source": f"rtsp://{EVIL}",
        "claim": "raw",
        "frames": 120,
        "located": 100,
        "seconds": 4.0,
        "ended": "clips",
        "health": Health(dropped=3, properties=(("size", "640x480"),), notes=("the clock is ours",)),
        "thresholds": Thresholds(),
        "summaries": summaries,
        "verdicts": (verdict,),
        "key_frames": (),
        "folder": Path("run"),
    }
    return CameraResult(**values | changes)


def test_a_camera_run_shows_every_arm() -> None:
    unread = summary("background", 0, label=None, labels=(), measured=0, misread=wilson(0, 0))
    other = summary("clean", 1, crop="rectified")
    text = camera_text(camera(other, summary("clean", 0), summary("adversarial", 45), unread))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "stop-clean clean 0/50 0.0-7.1 0/8 - -" in lines
    assert any(line.startswith("stop-adversarial adversarial 45/50 78.6-95.7 8/8") for line in lines)
    assert "stop-background: found in none of 60 frames" in lines
    assert lines.index("int8.onnx, raw crop") < lines.index("int8.onnx, rectified crop")
    assert "lost 3 frames dropped for newer ones" in lines
    assert "note: the clock is ours" in lines
    assert "persists: stop-adversarial on int8.onnx: the interval lies above 50 %" in lines
    assert "hangs on control 95.0 %, placebo 5.0 %, persist 50.0 %, at least 5 frames" in lines
    assert "From the raw crop of 120 frames" in text
    assert fits(text)
    assert clean(text)


def test_a_camera_that_saw_nothing_says_so() -> None:
    text = camera_text(camera(verdicts=(), folder=None, health=Health(), ended="unheard-of"))
    assert "nothing to read was found" in " ".join(text.split())
    assert "files" not in text
    assert "unheard-of" in text


def test_columns_stand_below_each_other() -> None:
    lines = table(("name", "n"), [("停", "7"), ("a long name", "1234")], right={1})
    assert lines == ["  name            n", "  停              7", "  a long name  1234"]


def test_the_column_that_gives_is_shortened_and_no_other() -> None:
    lines = table(("a", "b"), [("x" * 20, "y" * 30)], width=40, gives=1)
    assert lines[1] == "  " + "x" * 20 + "  " + "y" * 8 + "…" + "y" * 7
    assert columns(table(("a", "b"), [("x" * 90, "y" * 30)], width=80)[1]) == 80


def test_columns_that_are_all_too_wide_all_give_way() -> None:
    (line,) = table(("",) * 3, [("x" * 60, "y" * 60, "z" * 60)], width=50)
    assert columns(line) == 50


def test_an_empty_head_leaves_its_line_out() -> None:
    assert table(("", ""), [("a", "b")]) == ["  a  b"]
    assert table(("a", "b"), []) == ["  a  b"]


def test_facts_without_a_value_are_left_out() -> None:
    assert facts([("one", "1"), ("none", ""), ("three", "3 " * 50)], width=20)[:3] == [
        "one    1",
        "three  3 3 3 3 3 3 3",
        "       3 3 3 3 3 3 3",
    ]
    assert facts([("a very long " + EVIL, "x")], width=30) == ["a ver…evil  x"]
    assert facts([]) == []


def test_text_without_words_is_one_line() -> None:
    assert wrapped("", first="note: ") == ["note:"]


def test_what_has_no_value_is_not_said() -> None:
    assert (
        said({"norm": "linf", "eps": 8 / 255, "mask": None, "inner": {"a": (1, 2.5)}})
        == "norm linf, eps 0.03137, inner (a 1 2.5)"
    )


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "-"), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.9999, ">99.9 %"), (0.0001, "<0.1 %"), (0.625, "62.5 %")],
)
def test_all_and_none_are_said_of_all_and_none_only(share: float | None, shown: str) -> None:
    assert percent(share) == shown


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(6, 40))
def test_a_bar_is_full_of_all_only_and_empty_of_none_only(share: float, width: int) -> None:
    drawn = bar(share, width)
    assert len(drawn) == width
    assert ("█" not in drawn) == (share == 0)
    assert ("░" not in drawn) == (share == 1)
    assert bar(None, width).strip() == ""


def test_no_interval_is_a_dash() -> None:
    assert interval(wilson(0, 0)) == "-"
    assert interval(wilson(9, 10)) == "59.6-98.2"
