"""The self-test passes here, and fails where an attack is broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from typer.testing import CliRunner

from misread.attack.gradient import pgd
from misread.attack.selftest import closed, trends
from misread.attack.selftest.check import Check, SelfTest
from misread.attack.selftest.run import selftest
from misread.cli import app
from misread.report.text.selftest import selftest_text

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem


@pytest.mark.slow
def test_every_check_passes_and_the_table_names_each() -> None:
    result = selftest()
    assert result.passed, selftest_text(result)
    assert result.exit_code == 0
    text = selftest_text(result)
    assert all(check.name.split(",")[0] in text for check in result.checks)
    assert len(result.checks) >= 20


def test_a_weak_attack_fails_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps too short to cross the ball miss images that are 2 % inside it."""
    whole = pgd.Pgd.propose

    def short(self: pgd.Pgd, problem: Problem) -> Tensor:
        return whole(pgd.Pgd(steps=self.steps, step=0.01), problem)

    monkeypatch.setattr(pgd.Pgd, "propose", short)
    failed = {check.name for check in closed.closed_form_checks(images=16) if not check.passed}
    assert {"pgd, linf", "pgd, l2"} <= failed
    assert not any(name.startswith("apgd") for name in failed)


def test_an_attack_that_ignores_its_budget_fails_the_trend(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: pgd.Pgd, problem: Problem) -> Tensor:
        return problem.images.clone()

    monkeypatch.setattr(pgd.Pgd, "propose", nothing)
    monkeypatch.setattr(trends, "_signs", _two_bright)
    assert [check.passed for check in trends.trend_checks()] == [False] * 4


def _two_bright() -> tuple[torch.nn.Module, Tensor, Tensor]:
    images = torch.full((2, 1, 4, 4), 128 / 255)
    layer = torch.nn.Linear(16, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([torch.ones(16), -torch.ones(16)]))
        layer.bias.copy_(torch.tensor([0.0, 15.9]))
    return torch.nn.Sequential(torch.nn.Flatten(), layer), images, torch.zeros(2, dtype=torch.int64)


def test_a_failed_check_says_what_was_expected_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = SelfTest(
        checks=(
            Check(name="pgd, linf", expected="3 of 3", got="2", passed=False),
            Check(name="fgsm, linf", expected="3 of 3", got="3", passed=True),
        ),
        seconds=1.0,
    )
    assert "pgd, linf: expected 3 of 3; got 2" in selftest_text(failed)
    assert "1 of 2 checks failed" in selftest_text(failed)
    monkeypatch.setattr("misread.attack.selftest.run.selftest", lambda **_: failed)
    said = CliRunner().invoke(app, ["selftest", "--json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["passed"] is False
