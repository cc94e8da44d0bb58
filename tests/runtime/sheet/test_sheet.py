"""The print pack, looked at as a reader of PDF paints it and as a camera reads it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pypdfium2
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import BundleWriter, read_bundle
from misread.errors import InputError, OptionError, UnknownName
from misread.runtime.board import CORNER_DICTIONARY, EDGE_DICTIONARY, Layout, read_marker
from misread.runtime.camera import exhibits_of
from misread.runtime.camera.locate import Fiducials
from misread.runtime.sheet import PATCHES, Plan, SheetOptions, patch_corners, write_sheet
from misread.runtime.sheet.instructions import instructions
from misread.runtime.sheet.mark import Words
from misread.wish import UNTARGETED
from tests.runtime.planted import COLOURS

if TYPE_CHECKING:
    from misread.pixels import UInt8

DPI = 300  # of what the pictures are drawn for; below, pdfium puts their edges up to 0.3 mm off
PX_PER_MM = DPI / 25.4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One witness with its placebo: three sheets."""
    folder = tmp_path_factory.mktemp("pack") / "bundle"
    writer = BundleWriter(folder)
    rng = np.random.default_rng(0)
    clean, changed, placebo = rng.integers(0, 256, (3, 8, 8, 3), np.uint8)
    writer.add(
        clean=clean,
        changed=changed,
        placebo=placebo,
        goal=UNTARGETED,
        label="red",
        label_given=True,
        prepared=True,
        torch_float=True,
        torch_8bit=True,
        source="red.png",
    )
    writer.finish(card=COLOURS, origin="test", threat={}, attack={}, counts={})
    return folder


@pytest.fixture(scope="module")
def printer() -> None:
    pytest.importorskip("fpdf", reason="fpdf2 comes with misread[sheet]")


@pytest.fixture(scope="module")
def pages(printer: None, bundle: Path) -> list[UInt8]:
    out = bundle.parent / "sheet.pdf"
    write_sheet(SheetOptions(bundle=bundle, out=out))
    return rendered(out)


def rendered(path: Path) -> list[UInt8]:
    document = pypdfium2.PdfDocument(path)
    try:
        images = [page.render(scale=DPI / 72, rev_byteorder=True).to_numpy()[..., :3].copy() for page in document]
    finally:
        document.close()
    return images


def run_of_black(page: UInt8, row: int) -> int:
    dark = np.flatnonzero(page[row].max(axis=1) < 128)
    return int(dark[-1] - dark[0] + 1)


def test_one_page_of_instructions_and_one_for_each_arm(pages: list[UInt8]) -> None:
    assert len(pages) == 4
    for page in pages:
        assert np.abs(np.array(page.shape[:2]) / PX_PER_MM - (297, 210)).max() < 0.3


def test_the_bar_is_100_mm_on_every_page(pages: list[UInt8]) -> None:
    _, top, _, height = Plan().bar
    for page, at in zip(pages, (297 - 30, top, top, top), strict=True):
        assert run_of_black(page, round((at + height / 2) * PX_PER_MM)) / PX_PER_MM == pytest.approx(100, abs=0.3)


def test_markers_are_where_the_plan_says_and_name_their_exhibit(pages: list[UInt8]) -> None:
    left, top, side, _ = Plan().board
    for index, page in enumerate(pages[1:]):
        places, seen = Layout().markers(index), 0
        settings = cv2.aruco.DetectorParameters()
        settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_CONTOUR
        for dictionary in (CORNER_DICTIONARY, EDGE_DICTIONARY):
            detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary), settings)
            corners, ids, _ = detector.detectMarkers(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY))
            for marker, points in zip(ids.ravel(), corners, strict=True):
                mark = (dictionary, int(marker))
                assert read_marker(mark) == index
                in_mm = (points[0] + 0.5) / PX_PER_MM
                assert np.abs(in_mm - (places[mark] * side + (left, top))).max() < 0.3
                seen += 1
        assert seen == 12


def test_the_board_has_its_side(printer: None, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.pdf"
    write_sheet(SheetOptions(bundle=bundle, out=out, paper="letter", board_mm=120))
    page = rendered(out)[1]
    assert page.shape[1] / PX_PER_MM == pytest.approx(215.9, abs=0.3)
    row = round((18 + 2) * PX_PER_MM)  # through the margin above the markers
    paper = np.flatnonzero((page[row] == 245).all(axis=1))
    assert (paper[-1] - paper[0] + 1) / PX_PER_MM == pytest.approx(120, abs=0.3)
    assert paper[0] / PX_PER_MM == pytest.approx((215.9 - 120) / 2, abs=0.3)


def test_pages_differ_in_picture_markers_and_code_only(pages: list[UInt8]) -> None:
    left, top, side, _ = Plan().board
    same = np.ones(pages[1].shape[:2], bool)
    places = [Layout().picture_corners(), *Layout().markers(0).values()]
    boxes = [(place[[0, 2]] * side + (left, top)).ravel() for place in places]
    boxes.append(np.array([left, top - 9, left + side, top - 3]))  # the code
    for box in boxes:
        x, y, right, bottom = np.rint(box * PX_PER_MM).astype(int)
        same[y - 2 : bottom + 2, x - 2 : right + 2] = False
    for page in pages[2:]:
        assert (page[same] == pages[1][same]).all()
        assert (page != pages[1]).any()
    assert same.mean() > 0.5


def test_patches_have_their_colours(pages: list[UInt8]) -> None:
    left, top, side, _ = Plan().board
    for page in pages[1:]:
        for number, colour in enumerate(PATCHES):
            x, y = ((patch_corners(number).mean(axis=0) * side + (left, top)) * PX_PER_MM).astype(int)
            assert np.abs(page[y, x].astype(int) - colour).max() <= 1


def test_what_a_camera_cuts_out_is_the_picture_alone(pages: list[UInt8], bundle: Path) -> None:
    shown = exhibits_of(read_bundle(bundle))
    for exhibit, page in zip(shown, pages[1:], strict=True):
        target = Fiducials({each.index: each.aspect for each in shown}).locate(page)
        assert target is not None
        assert target.exhibit == exhibit.index
        crop = target.crops(page)["rectified"]
        small = cv2.resize(crop, (8, 8), interpolation=cv2.INTER_AREA).astype(int)
        apart = [np.abs(small - other.image).mean() for other in shown]
        assert apart[exhibit.index] < 25
        assert sorted(apart)[1] > 60
        for dictionary in (CORNER_DICTIONARY, EDGE_DICTIONARY):
            detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary))
            assert len(detector.detectMarkers(cv2.cvtColor(target.crops(page)["raw"], cv2.COLOR_RGB2GRAY))[0]) == 0


def test_the_code_names_bundle_and_number_but_no_arm(printer: None, bundle: Path) -> None:
    out = bundle.parent / "again.pdf"
    result = write_sheet(SheetOptions(bundle=bundle, out=out))
    document = pypdfium2.PdfDocument(out)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    assert "misread camera -m MODEL.onnx --bundle bundle" in texts[0]
    for index, text in enumerate(texts[1:]):
        assert result.bundle_sha256[:12] in text
        assert f"{index:02d}" in text
        assert not any(arm in text for arm in ("clean", "adversarial", "placebo"))


def test_the_same_bundle_gives_the_same_bytes(printer: None, bundle: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_sheet(SheetOptions(bundle=bundle, out=tmp_path / f"{name}.pdf", board_mm=60))
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert set(re.findall(rb"D:(\d{8})", (tmp_path / "a.pdf").read_bytes())) == {b"20000101"}  # not that of writing


def test_pictures_for_screens_need_no_fpdf(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    result = write_sheet(SheetOptions(bundle=bundle, png=tmp_path / "screens", board_px=360))
    files = sorted((tmp_path / "screens").iterdir())
    assert [file.name for file in files] == [f"page-{number:02d}.png" for number in range(result.sheets + 1)]
    page = cv2.imread(str(files[2]))
    assert page is not None
    assert page.shape == (594, 420, 3)
    target = Fiducials({1: 1.0}).locate(np.asarray(page[..., ::-1], np.uint8))
    assert target is not None
    assert target.size_px == pytest.approx(0.6 * 360, abs=1)
    missing = CliRunner().invoke(cli.app, ["sheet", str(bundle), "-o", str(tmp_path / "s.pdf")])
    assert missing.exit_code == 3
    assert "pip install 'misread[sheet]'" in missing.output
    assert not (tmp_path / "s.pdf").exists()


def test_a_bundle_with_an_odd_name_is_not_put_into_a_command() -> None:
    for folder in ("a\x1b[2J", "b" * 40):
        page = instructions(Plan(), bundle="0" * 64, folder=folder, sheets=3)
        said = " ".join(mark.text for mark in page.marks if isinstance(mark, Words))
        assert folder not in said
        assert "--bundle BUNDLE" in said


@pytest.mark.parametrize(("paper", "most"), [("a4", 190), ("letter", 195), ("a3", 277)])
def test_boards_fit_their_paper(paper: str, most: int) -> None:
    plan = Plan(paper=paper, board_mm=most)
    _, top, _, height = plan.bar
    assert top + height + 10 < plan.height
    with pytest.raises(OptionError, match=f"to {most} mm"):
        Plan(paper=paper, board_mm=most + 1)


def test_nonsense_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"-o sheet\.pdf"):
        SheetOptions(bundle=bundle)
    with pytest.raises(OptionError, match="240 to 4000"):
        SheetOptions(bundle=bundle, png=tmp_path, board_px=100)
    with pytest.raises(UnknownName, match="letter"):
        Plan(paper="lettre")
    with pytest.raises(OptionError, match="60 to 190"):
        Plan(board_mm=float("nan"))
    with pytest.raises(InputError, match="--overwrite"):
        write_sheet(SheetOptions(bundle=bundle, png=tmp_path))


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work."""


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-o", "s.pdf"], {"out": Path("s.pdf")}),
        (
            ["--png", "p", "--witness", "w", "--paper", "a3", "--board-mm", "200", "--board-px", "900", "--overwrite"],
            {
                "png": Path("p"),
                "witness": ("w",),
                "paper": "a3",
                "board_mm": 200.0,
                "board_px": 900,
                "overwrite": True,
            },
        ),
    ],
)
def test_arguments_become_options(monkeypatch: pytest.MonkeyPatch, argv: list[str], expected: dict[str, Any]) -> None:
    given: list[SheetOptions] = []

    def call(options: SheetOptions) -> None:
        given.append(options)
        raise Called

    monkeypatch.setattr("misread.runtime.sheet.write_sheet", call)
    assert isinstance(CliRunner().invoke(cli.app, ["sheet", "b", *argv]).exception, Called)
    assert given == [SheetOptions(bundle=Path("b"), **expected)]


def test_it_says_what_it_wrote(bundle: Path, tmp_path: Path) -> None:
    outcome = CliRunner().invoke(cli.app, ["sheet", str(bundle), "--png", str(tmp_path / "p"), "--board-px", "240"])
    assert outcome.exit_code == 0
    assert f"wrote {tmp_path / 'p'}: instructions and 3 sheets" in outcome.output
    argv = ["sheet", str(bundle), "--png", str(tmp_path / "q"), "--board-px", "240", "--json"]
    told = json.loads(CliRunner().invoke(cli.app, argv).stdout)
    assert (told["kind"], told["sheets"], told["written"]) == ("misread-sheet", 3, [str(tmp_path / "q")])
