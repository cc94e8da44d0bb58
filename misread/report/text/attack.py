"""What `misread attack` prints."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Protocol

from misread.change import similarity_text
from misread.report.text.table import WIDTH, facts, said, table, wrapped
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.bundle import Bundle
    from misread.stats import Rate


class AttackLike(Protocol):
    """What is shown of an attack; `misread.attack.run.AttackResult` is one."""

    @property
    def bundle(self) -> Bundle:
        """The witnesses."""

    @property
    def pictures(self) -> int:
        """Pictures taken."""

    @property
    def unattempted(self) -> int:
        """Pictures not reached before the time was up."""

    @property
    def skipped(self) -> int:
        """Pictures misread already."""

    @property
    def found(self) -> Rate:
        """Of the others, those with a misread copy."""

    @property
    def verified(self) -> Mapping[str, Rate]:
        """Per build, the share of the witnesses that it misreads."""

    @property
    def zero_gradients(self) -> int:
        """Pictures whose gradient vanished."""

    @property
    def passes(self) -> float:
        """Mean of forward passes per picture."""

    @property
    def gradients(self) -> float:
        """Mean of gradient passes per picture."""

    @property
    def each(self) -> Sequence[SpentLike]:
        """Every picture that was attacked or skipped."""

    @property
    def curve(self) -> Sequence[PointLike]:
        """Share of misread pictures by size of the change."""

    @property
    def seconds(self) -> float:
        """Wall-clock time."""

    @property
    def card_from(self) -> Sequence[str]:
        """Who said how the model is fed."""

    @property
    def builds_from(self) -> Mapping[str, Sequence[str]]:
        """The same of each build."""


class PointLike(Protocol):
    """One point of that curve; `misread.attack.curve.Point` is one."""

    @property
    def eps(self) -> float:
        """Size."""

    @property
    def misread(self) -> Rate:
        """Share of the attacked pictures."""


class SpentLike(Protocol):
    """What is shown of one picture; `misread.attack.tally.Spent` is one."""

    @property
    def found(self) -> bool:
        """It has a misread copy."""

    @property
    def forwards(self) -> int:
        """Passes, or queries."""


def attack_text(result: AttackLike, *, witnesses: int = 10, width: int = WIDTH) -> str:
    """Return an attack as plain text: what was found, how small the changes are, where the witnesses lie.

    Args:
        result: what came of it.
        witnesses: how many are listed one by one; the bundle's manifest has all.
        width: of the screen, in columns.
    """
    bundle = result.bundle
    pairs = [
        ("origin", bundle.origin),
        ("card", _cards(result)),
        ("threat", said(bundle.threat)),
        ("attack", said(bundle.attack)),
        ("pictures", _pictures(result)),
        ("found", result.found.text()),
        *((f"on {name}", rate.text()) for name, rate in result.verified.items()),
        ("median", _median(bundle)),
        ("by size", _curve(result)),
        ("spent", _spent(result)),
        ("warning", _warning(result)),
    ]
    blocks = [facts(pairs, width=width), _witnesses(bundle, witnesses, width), wrapped(_last(result), width=width)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _cards(result: AttackLike) -> str:
    builds = [f"{name} from {', '.join(who)}" for name, who in result.builds_from.items() if who]
    return "; ".join([*([f"from {', '.join(result.card_from)}"] if result.card_from else []), *builds])


def _pictures(result: AttackLike) -> str:
    said = f"{result.pictures}, of which {result.skipped} are misread already"
    return said + (f" and {result.unattempted} were not reached in time" if result.unattempted else "")


def _spent(result: AttackLike) -> str:
    if result.gradients or not result.passes:
        return f"{result.passes:.0f} passes, {result.gradients:.0f} gradients a picture, {result.seconds:.1f} s"
    found = [spent.forwards for spent in result.each if spent.found]
    until = f", {median(found):.0f} until found (median)" if found else ""
    return f"{result.passes:.0f} queries a picture{until}, no gradients, {result.seconds:.1f} s"


def _median(bundle: Bundle) -> str:
    changes = [witness.change for witness in bundle.witnesses]
    if not changes:
        return ""
    values, levels, l2 = (
        median(values) for values in zip(*((c.values_changed, c.largest_level, c.l2) for c in changes), strict=True)
    )
    said = f"{values:,.0f} values changed, largest change {levels:g} of 255 levels, L2 {l2:.3f}"
    alike = [change.ssim for change in changes if change.ssim is not None]
    return f"{said}, SSIM {similarity_text(median(alike))}" if alike else said


def _curve(result: AttackLike) -> str:
    whole = result.bundle.threat["norm"] == "linf"
    sizes = [f"{point.eps * 255:.0f}/255" if whole else f"{point.eps:g}" for point in result.curve]
    shares = [point.misread.hits for point in result.curve]
    said = ", ".join(f"{size}: {hits}" for size, hits in zip(sizes, shares, strict=True))
    return f"{said} of {result.curve[0].misread.total}" if said else ""


def _warning(result: AttackLike) -> str:
    if not result.zero_gradients:
        return ""
    return (
        f"the gradient vanished on {result.zero_gradients} pictures; the model saturates or hides its gradient, "
        "and what was not found may still exist"
    )


def _witnesses(bundle: Bundle, limit: int, width: int) -> list[str]:
    rows = [
        (
            witness.id,
            witness.label + ("" if witness.goal == UNTARGETED else f" → {witness.goal.text}"),
            f"{witness.change.values_changed:,} of {witness.change.values_total:,}",
            str(witness.change.largest_level),
            f"{witness.change.l2:.3f}",
            witness.change.similarity,
        )
        for witness in bundle.witnesses[: max(limit, 0)]
    ]
    if not rows:
        return []
    head = ("witness", "label", "values changed", "levels", "L2", "SSIM")
    lines = table(head, rows, right=range(2, len(head)), width=width, gives=1)
    left = len(bundle.witnesses) - len(rows)
    return [*lines, f"  … and {left} more in the manifest"] if left else lines


def _last(result: AttackLike) -> str:
    count = len(result.bundle.witnesses)
    if not count:
        return f"no witness was found; {result.bundle.folder} says so"
    witnesses = "1 witness" if count == 1 else f"{count} witnesses"
    bundle = result.bundle
    folder, origin = bundle.folder, bundle.origin
    build = origin if origin.lower().endswith(".onnx") else "MODEL.onnx"
    if bundle.builds:
        packed = "1 build" if len(bundle.builds) == 1 else f"{len(bundle.builds)} builds"
        return f"wrote {witnesses} and {packed} to {folder}; replay them on the device with: misread verify {folder}"
    return f"wrote {witnesses} to {folder}; prove them on a build with: misread verify {folder} -m {build}"
