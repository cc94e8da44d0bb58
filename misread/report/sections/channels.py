"""Training channel, test channel and captured frames, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.results.channels import CAPTURED, FOOTAGE, SEARCHED, TEST, TRAINING
from misread.report.sections.parts import section, table

if TYPE_CHECKING:
    from misread.report.content import ReportContent
    from misread.stats import Rate

ABOUT: Final = (
    "Share of frames misread. A change is searched in the training channel, read by PyTorch; the test channel shares "
    "no code with it and has effects that it lacks; footage is of real signs, with the change blended in; captured is "
    "what a device, a stream or a file brought. A rate that falls from one to the next says how much the change hangs "
    "on the channel it was made in."
)
_CHANNELS: Final = (TRAINING, TEST, CAPTURED)
_ALL: Final = (TRAINING, TEST, FOOTAGE, CAPTURED)


def channels(content: ReportContent) -> Markup | None:
    """Return the table, where at least two channels were measured."""
    measured = {one.channel for one in content.channels}
    if len(measured) < 2:
        return None
    shown = _ALL if FOOTAGE in measured else _CHANNELS
    read = [(one.exhibit, one.reader) for one in content.channels if one.channel != TRAINING]
    exhibits = {exhibit for exhibit, _ in read}
    alone = [(one.exhibit, one.reader) for one in content.channels if one.exhibit not in exhibits]
    rows = [
        (exhibit, reader, *(_cell(content, exhibit, reader, channel) for channel in shown))
        for exhibit, reader in dict.fromkeys((*read, *alone))
    ]
    head = ("Exhibit", "Build", *(name.capitalize() for name in shown))
    return section("channels", "From channel to channel", tag("p", ABOUT), table("Misread by channel", head, rows))


def _cell(content: ReportContent, exhibit: str, reader: str, channel: str) -> Markup:
    # The search knows one reader, whose rate stands beside that of every build.
    asked = SEARCHED if channel == TRAINING else reader
    rates = [
        one.rate for one in content.channels if (one.exhibit, one.reader, one.channel) == (exhibit, asked, channel)
    ]
    # The same bundle may be told of by several results.
    told = [_rate(rate) for rate in dict.fromkeys(rates)]
    return join(told, ", ") if told else Markup(words.NONE)


def _rate(rate: Rate) -> Markup:
    return join([tag("b", words.hits(rate)), tag("span", words.interval(rate), class_="detail")], " ")
