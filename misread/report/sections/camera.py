"""The camera: gate and verdict, share misread per arm, every clip on a line of time, the film strips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.pictures import film_uri
from misread.report.plots import Point, Row, clip_plot, interval_plot
from misread.report.sections.parts import reading, section, table, titled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.report.content import ArmView, CameraView, FilmFrame, GridCell, GridView, ReportContent

SERIES: Final = {"clean": 0, "adversarial": 1, "placebo": 2, "background": 3}


def camera(content: ReportContent) -> Markup | None:
    """Return all camera runs."""
    if not content.cameras:
        return None
    return section("camera", "Before the camera", *(_run(view) for view in content.cameras))


def _run(view: CameraView) -> Markup:
    rows = [_row(arm) for arm in view.arms]
    spoken = "; ".join(f"{arm.title}: {words.hits(arm.rate)} frames misread" for arm in view.arms)
    plot = interval_plot(rows, title="Share of frames misread per arm", description=spoken)
    return tag(
        "article",
        tag("p", view.source, " The build that reads is ", tag("b", view.reader), "."),
        tag("p", view.note) if view.note else "",
        _verdict(view),
        tag("figure", plot, tag("figcaption", "Share of frames misread; whiskers are 95 % intervals over clips.")),
        _table(view),
        *(_grid(grid) for grid in view.grids),
        *(titled(one) for one in view.tables),
        *(_arm(arm) for arm in view.arms if arm.film),
    )


def _verdict(view: CameraView) -> Markup:
    gate = tag("span", "✓ " if view.gate_passed else "✗ ", view.gate, class_="right" if view.gate_passed else "misread")
    cells = (("Control gate", gate), ("Verdict", tag("b", view.verdict)))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in cells), class_="size")


def _row(arm: ArmView) -> Row:
    detail = words.plural(len(arm.clips), "clip")
    return Row(name=arm.title, detail=detail, points=(Point(series=SERIES.get(arm.arm, 4), rate=arm.rate),))


def _table(view: CameraView) -> Markup:
    rows = [
        (
            arm.title,
            words.hits(arm.rate),
            words.share(arm.rate.share) if arm.rate.share is not None else words.NONE,
            words.interval(arm.rate),
            str(len(arm.clips)),
            words.plural(arm.longest_run, "frame"),
            words.seconds(arm.first_misread_s) if arm.first_misread_s is not None else _no_wait(arm),
            arm.most_read,
        )
        for arm in view.arms
    ]
    head = ("Arm", "Misread", "Share", "95 % interval", "Clips", "Longest run", "First misread", "Most often read as")
    return table("Frames misread per arm", head, rows)


def _no_wait(arm: ArmView) -> str:
    return "not in half the clips" if arm.rate.hits else "never"


def _grid(grid: GridView) -> Markup:
    sides = [_side(grid, name, cells) for name, cells in zip(("Control", "Changed"), grid.cells, strict=True)]
    key = "The darker the more frames are misread; grey where too few were filmed to say anything, empty where none."
    return join([tag("h3", grid.title), tag("p", key, class_="detail"), tag("div", *sides, class_="grids")])


def _side(grid: GridView, name: str, cells: Sequence[Sequence[GridCell | None]]) -> Markup:
    head = tag("tr", tag("th", "", scope="col"), *(tag("th", column, scope="col") for column in grid.columns))
    rows = [
        tag("tr", tag("th", row, scope="row"), *(_cell(cell) for cell in line))
        for row, line in zip(grid.rows, cells, strict=True)
    ]
    content = tag("table", tag("caption", name), tag("thead", head), tag("tbody", *rows), class_="heat")
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=f"{grid.title}, {name}")


def _cell(cell: GridCell | None) -> Markup:
    if cell is None or cell.rate.share is None:
        return tag("td", words.NONE, class_="few")
    share = "" if not cell.enough else tag("b", f"{100 * cell.rate.share:.0f}{words.NBSP}%")
    heat = f"heat{round(5 * cell.rate.share)}" if cell.enough else "few"
    return tag("td", share, " ", tag("span", words.hits(cell.rate), class_="detail"), class_=heat)


def _arm(arm: ArmView) -> Markup:
    key = join(
        [
            tag("span", "misread", class_="key misread"),
            tag("span", "read right", class_="key right"),
            tag("span", "not measured", class_="key lost"),
        ],
        " ",
    )
    lines = clip_plot(arm.clips, title=f"{arm.title}: frames of each clip over time, {words.hits(arm.rate)} misread")
    film = tag("ol", *(tag("li", _frame(frame)) for frame in arm.film), class_="film") if arm.film else ""
    note = tag("p", arm.note, class_="detail") if arm.note else ""
    caption = tag("figcaption", "One line per clip, time to the right: ", key)
    return tag("div", tag("h3", arm.title), note, film, tag("figure", lines, caption), class_="arm")


def _frame(frame: FilmFrame) -> Markup:
    height, width = frame.image.shape[:2]
    where = f"clip {frame.clip + 1}, {words.seconds(frame.time_s)}"
    image = tag("img", src=film_uri(frame.image), alt=f"Camera frame, {where}", width=width, height=height)
    return join([image, reading(frame.read, with_reader=False), tag("span", where, class_="detail")])
