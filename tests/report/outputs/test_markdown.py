"""The summary of a CI page, read by an independent parser: foreign names stay words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from misread.report.outputs.markdown import LONGEST_NAME, MOST_CONFUSIONS, escaped, markdown
from misread.runtime.gates import Gates
from misread.runtime.verdict import BuildVerdict
from misread.text import printable, shorten
from tests.report.outputs.made import FOREIGN, RUN, C, R, V, X, build, found, judged

markdown_it: Any = pytest.importorskip("markdown_it")
PARSER = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tables(text: str) -> list[list[list[str]]]:
    """Return every table as rows of cells, as a reader of the page sees them."""
    found: list[list[list[str]]] = []
    tokens = PARSER.parse(text)
    for at, token in enumerate(tokens):
        match token.type:
            case "table_open":
                found.append([])
            case "tr_open":
                found[-1].append([])
            case "td_open" | "th_open":
                found[-1][-1].append(words(tokens[at + 1]))
            case _:
                pass
    return found


def words(inline: Any) -> str:
    return "".join(child.content for child in inline.children if child.type in {"text", "text_special"})


def test_a_page_has_the_builds_the_gates_the_confusions_and_the_ladder() -> None:
    text = markdown(found(build([V, R, C, X]), gates=Gates(max_flips=0)), RUN)
    builds, gates, confusions, ladder = tables(text)
    assert builds[0] == ["build", "clean", "verified", "95 % CI", "not misread", "refuted", "contested", "excluded"]
    assert builds[1] == ["m.onnx", "3/4", "1/3", "6.1-79.2", "1/3", "1", "1", "1"]
    assert gates[1] == ["closed", "--max-flips", "m.onnx: 1 of 3 witnesses misread, at most 0 allowed"]
    assert confusions[1] == ["Stop", "Yield", "m.onnx", "1", "75.0 %"]
    assert ladder[1:] == [["as the file is", "1/3 (33.3 %)"], ["JPEG 75", "0/3 (0.0 %)"]]
    assert text.startswith("### ❌ misread verify: failed\n\nfailed: m.onnx: 1 of 3 witnesses misread")
    assert "Bundle bundle (4 witnesses, sha256 cdcdcdcdcdcd, made on signs)" in text


def test_a_page_that_passes_says_so() -> None:
    assert markdown(found(build([V])), RUN).startswith("### ✅ misread verify: passed\n")


def test_two_builds_are_held_against_each_other() -> None:
    _, pairs, *_ = tables(markdown(found(build([V, R], name="a"), build([R, R], name="b")), RUN))
    assert pairs[1] == ["a", "b", "2", "0", "1", "0", "1"]


def test_a_build_that_could_not_run_says_why() -> None:
    text = markdown(found(build([V], reason="no such file")), RUN)
    assert text.startswith("### ❌ misread verify: no build could run")
    assert "\n- Could not run: m.onnx: no such file\n" in text
    assert tables(text) == []
    both = markdown(found(build([V], name="a"), build([V], reason="gone")), RUN)
    assert "|\n\n- Could not run: m.onnx: gone\n" in both


def test_the_most_frequent_confusions_come_first_and_the_rest_is_counted() -> None:
    judgements = tuple(judged(V, f"{at:04d}", other=f"other {at % 12}") for at in range(13))
    text = markdown(found(BuildVerdict(name="m.onnx", judgements=judgements)), RUN)
    confusions = tables(text)[1]
    assert confusions[1][1:4] == ["other 0", "m.onnx", "2"]
    assert len(confusions) == 1 + MOST_CONFUSIONS
    assert "… and 2 confusions more." in text


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
@example(FOREIGN)
@example("- a\n# b")
@example("https://example.org www.example.org :+1: $x$ ![a](b) <!-- -->")
def test_any_name_is_read_as_it_is_written(name: str) -> None:
    read = tables(f"| x |\n| --- |\n| {escaped(name)} |\n")[0][1][0]
    assert read == shorten(printable(name), LONGEST_NAME).strip()


def test_a_strangers_names_break_no_table_and_call_nobody() -> None:
    gates = Gates(max_flips=0)
    plain = markdown(
        found(build([V, R, C, X], name="n", label="l"), build([V] * 4, name="m", reason="r"), gates=gates), RUN
    )
    foreign = markdown(
        found(
            build([V, R, C, X], name=FOREIGN, label=FOREIGN),
            build([V] * 4, name=f"m{FOREIGN}", reason=FOREIGN),
            gates=gates,
            origin=FOREIGN,
        ),
        RUN,
    )
    shapes = [[[len(row) for row in table] for table in tables(text)] for text in (plain, foreign)]
    assert shapes[0] == shapes[1]
    assert "@team" not in foreign
    rendered = PARSER.render(foreign)
    assert not [tag for tag in ("<script", "<a ", "<img", "<code", "<em") if tag in rendered]
