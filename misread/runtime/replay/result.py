"""What a replay found, per build: how far the numbers lie apart, and whether that changed anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.runtime.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Differing:
    """A field of the fingerprint in which host and device differ; its values as text."""

    field: str
    host: str
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A witness that the device does not see as the host did.

    Attributes:
        witness: its id.
        host: the verdict that follows from what the host recorded.
        device: the verdict here.
        labels: (picture, label on the host, label here) of each picture whose label changed.
    """

    witness: str
    host: Verdict
    device: Verdict
    labels: tuple[tuple[str, str, str], ...] = ()

    @property
    def verdict_changed(self) -> bool:
        """Whether the verdict itself is another."""
        return self.host is not self.device


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """One packed build: the host's record against this device.

    Attributes:
        build: its name.
        pictures: how many both have read.
        largest: largest difference of one logit.
        median: median over the pictures of each picture's largest difference.
        margin: largest change of a difference between two logits that may decide, as in `Jitter`.
        noise: the larger of the two noise floors of a margin, the host's and the device's.
        disagreements: witnesses of another verdict or label, in order.
        differing: fields of the fingerprint that differ.
        reason: why nothing was compared, where the build could not run here.
    """

    build: str
    pictures: int = 0
    largest: float = 0.0
    median: float = 0.0
    margin: float = 0.0
    noise: float = 0.0
    disagreements: tuple[Disagreement, ...] = ()
    differing: tuple[Differing, ...] = ()
    reason: str = ""

    @property
    def within_noise(self) -> bool:
        """Whether the difference is no larger than what the build does by itself."""
        return self.margin <= self.noise

    @property
    def agrees(self) -> bool:
        """Every witness has the verdict, and every picture the label, that it had on the host."""
        return not self.reason and not self.disagreements

    @property
    def sentence(self) -> str:
        """Say whether they agree, and where not. Foreign names stand in it as they are: escape it before printing."""
        if self.reason:
            return f"{self.build} could not be replayed"
        changed = [one.witness for one in self.disagreements if one.verdict_changed]
        relabelled = [one.witness for one in self.disagreements if not one.verdict_changed]
        parts = [
            f"{len(names)} {'witness' if len(names) == 1 else 'witnesses'} {what} ({_few(names)})"
            for names, what in ((changed, "changed the verdict"), (relabelled, "changed a label alone"))
            if names
        ]
        return f"{self.build}: {', '.join(parts)}" if parts else f"{self.build} says what it said on the host"


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
