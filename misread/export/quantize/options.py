"""How static int8 is made: the choices that a user has, as one object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, Self, get_args

from misread.errors import UnknownName
from misread.export.quantize.target import Target, target_named, this_machine
from misread.registry import unknown

Method = Literal["minmax", "percentile", "entropy"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticOptions:
    """Choices of static int8. None leaves a choice to misread: its default, and with a budget whatever suits best.

    Attributes:
        method: how ranges are learnt: `minmax` takes the smallest and the largest value seen, `percentile` cuts the
            outermost 0.01 %, `entropy` cuts where the fewest bits of information are lost.
        per_channel: a scale for each output channel of a weight, not one for all.
        symmetric: whether 0 is the middle of every activation's range; None takes what the target wants.
        target: of `TARGETS`; None is this machine.
    """

    method: Method | None = None
    per_channel: bool | None = None
    symmetric: bool | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        if self.method is not None and self.method not in METHODS:
            raise UnknownName(unknown("calibration method", self.method, METHODS))
        if self.target is not None:
            target_named(self.target)

    @property
    def processor(self) -> Target:
        """The target that is meant."""
        return target_named(self.target) if self.target else this_machine()

    def settled(self) -> Self:
        """Return these options with every choice made by its default."""
        return replace(
            self,
            method=self.method or METHODS[0],
            per_channel=self.per_channel is not False,
            symmetric=self.processor.symmetric if self.symmetric is None else self.symmetric,
            target=self.processor.name,
        )

    def candidates(self) -> Iterator[Self]:
        """Yield every settled form of these options, the default first, one scale for all channels last."""
        methods = METHODS if self.method is None else (self.method,)
        scales = (True, False) if self.per_channel is None else (self.per_channel,)
        for per_channel, method in product(scales, methods):
            yield replace(self, method=method, per_channel=per_channel).settled()

    def text(self) -> str:
        """Say settled options in words: `minmax, per channel, x86-vnni`."""
        said = self.settled()
        scales = "per channel" if said.per_channel else "per tensor"
        return ", ".join([str(said.method), scales, *(["symmetric"] if said.symmetric else []), str(said.target)])
