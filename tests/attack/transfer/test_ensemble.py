"""Several classifiers as one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from misread.attack.base import Threat, execute
from misread.attack.gradient.pgd import Pgd
from misread.attack.transfer.ensemble import Ensemble
from misread.errors import OptionError, UnknownName


def _member(scale: float, shift: float) -> nn.Module:
    """Reads `bright` where the mean, shifted, is above a half."""
    layer = nn.Linear(4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0] * 4, [scale / 4] * 4]))
        layer.bias.copy_(torch.tensor([0.0, scale * (shift - 0.5)]))
    return nn.Sequential(nn.Flatten(), layer)


LABELS = (("dark", "bright"), ("dark", "bright"))


def test_the_mean_of_logits_and_of_log_probabilities() -> None:
    x = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    members = [_member(3, 0.0), _member(50, 0.2)]
    both = [member(x) for member in members]
    torch.testing.assert_close(Ensemble(members, LABELS)(x), (both[0] + both[1]) / 2)
    logs = [logits - logits.exp().sum(1, keepdim=True).log() for logits in both]
    torch.testing.assert_close(Ensemble(members, LABELS, mean="log-probabilities")(x), (logs[0] + logs[1]) / 2)


def test_what_the_ensemble_misreads_is_between_its_members_and_they_are_left_alone() -> None:
    """The members turn at 0.5 and at 0.7, equally steep: their mean turns at 0.6, 153 levels."""
    ensemble = Ensemble([_member(3, 0.0), _member(3, -0.2)], LABELS).train()
    images = torch.full((1, 1, 2, 2), 100 / 255)
    for levels, found in ((52, 0), (54, 1)):
        outcome = execute(
            Pgd(),
            ensemble,
            images,
            torch.zeros(1, dtype=torch.int64),
            threat=Threat(eps=levels / 255),
            generator=torch.Generator().manual_seed(0),
        )
        assert outcome.found == found
    assert all(module.training for module in ensemble.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in ensemble.parameters())


@pytest.mark.parametrize(
    ("models", "labels", "said"),
    [
        (0, (), "at least one member and labels for each, got 0 and 0"),
        (2, LABELS[:1], "at least one member and labels for each, got 2 and 1"),
        (2, (("dark", "bright"), ("dark",)), "the first has 2, member 2 has 1; leave that one out"),
        (2, (("dark", "bright"), ("bright", "dark")), r"output 0 is dark and, of member 2, bright"),
        (2, (("dark", "a\x1b[2J"), ("dark", "b")), r"output 1 is a\\x1b\[2J and"),
    ],
)
def test_members_that_do_not_fit_are_refused(models: int, labels: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Ensemble([_member(1, 0) for _ in range(models)], labels)


def test_an_unknown_mean_is_refused() -> None:
    with pytest.raises((OptionError, UnknownName), match="unknown mean 'logit'; did you mean 'logits'"):
        Ensemble([_member(1, 0)], LABELS[:1], mean="logit")  # type: ignore[arg-type]
