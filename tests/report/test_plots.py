from __future__ import annotations

import xml.etree.ElementTree as ET

from misread.report.plots import Point, Row, clip_plot, interval_plot, legend
from misread.stats import wilson


def _drawn(rate_hits: int, total: int) -> ET.Element:
    row = Row(name="JPEG <75>", detail="", points=(Point(series=1, rate=wilson(rate_hits, total)),))
    return ET.fromstring(interval_plot([row], title="T", description="D"))  # noqa: S314  our own output


def test_mark_and_whiskers_stand_where_the_rate_is() -> None:
    plot = _drawn(9, 10)
    mark = next(element for element in plot.iter("svg") if "mark" in element.get("class", ""))
    assert mark.get("x") == "90.00%"
    whisker = next(element for element in plot.iter("line") if "whisker" in element.get("class", ""))
    assert (whisker.get("x1"), whisker.get("x2")) == ("59.58%", "98.21%")


def test_a_plot_speaks_and_names_its_rows() -> None:
    plot = _drawn(9, 10)
    assert plot.get("role") == "img"
    assert [plot.findtext("title"), plot.findtext("desc")] == ["T", "D"]
    assert "JPEG <75>" in "".join(plot.itertext())


def test_nothing_to_count_is_said_instead_of_drawn() -> None:
    plot = _drawn(0, 0)
    assert "nothing to count" in "".join(plot.itertext())
    assert not [element for element in plot.iter("svg") if "mark" in element.get("class", "")]


def test_clips_merge_equal_frames_into_runs() -> None:
    plot = ET.fromstring(clip_plot([(True, True, False, None), (False,)], title="T"))  # noqa: S314  our own output
    bars = [(bar.get("class"), bar.get("x"), bar.get("width"), bar.get("y")) for bar in plot.iter("rect")]
    assert bars == [
        ("misread", "0.000%", "50.000%", "0"),
        ("right", "50.000%", "25.000%", "0"),
        ("lost", "75.000%", "25.000%", "0"),
        ("right", "0.000%", "25.000%", "9"),
    ]


def test_no_clips_draw_nothing() -> None:
    assert "rect" not in clip_plot([], title="T")


def test_every_series_has_its_own_mark() -> None:
    key = ET.fromstring(legend([f"s{index}" for index in range(6)]))  # noqa: S314  our own output
    shapes = [ET.tostring(entry.findall(".//svg")[-1][0]) for entry in key]
    assert len(set(shapes)) == 6
