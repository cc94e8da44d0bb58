from __future__ import annotations

from misread.report.markup import Markup, join, tag, text


def test_plain_strings_are_escaped_and_markup_is_not_escaped_twice() -> None:
    assert tag("p", "a < b & 'c'", tag("b", "x")) == "<p>a &lt; b &amp; &#x27;c&#x27;<b>x</b></p>"


def test_attributes_are_escaped_and_none_false_true_mean_absent_absent_bare() -> None:
    written = tag("img", alt='"><script>', class_="c", width=4, hidden=None, open=False, inert=True, stroke_width=0.5)
    assert written == '<img alt="&quot;&gt;&lt;script&gt;" class="c" width="4" inert stroke-width="0.5"/>'


def test_join_escapes_the_separator_too() -> None:
    assert join(["a", Markup("<br/>")], "&") == "a&amp;<br/>"


def test_writing_direction_and_control_characters_cannot_disguise_a_name() -> None:
    assert text("a\u202eb\x1b[31mc\td\n") == "a\ufffdb\ufffd[31mc\td\n"
