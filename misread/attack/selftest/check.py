"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What was asked, what came, and whether that is right.

    Attributes:
        name: What is checked.
        expected: In words.
        got: In words.
        passed: Whether they agree.
    """

    name: str
    expected: str
    got: str
    passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfTest:
    """All checks.

    Attributes:
        checks: In order.
        seconds: Wall-clock time.
    """

    checks: tuple[Check, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0, or 1 where a check failed."""
        return 0 if self.passed else 1

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        wrong = sum(not check.passed for check in self.checks)
        return f"all {len(self.checks)} checks passed" if not wrong else f"{wrong} of {len(self.checks)} checks failed"
