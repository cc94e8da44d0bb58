"""Stages for changes that other models misread too: they stand in front of any attack that takes gradients.

A new stage is one file and one entry in ``STAGES``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from misread.attack.transfer.bsr import Bsr
from misread.attack.transfer.diversity import Diversity
from misread.attack.transfer.momentum import Momentum
from misread.attack.transfer.scale import Scale
from misread.attack.transfer.translation import Translation
from misread.attack.transfer.wrap import Transfer
from misread.registry import by_name

if TYPE_CHECKING:
    from misread.attack.problem import Attack
    from misread.attack.transfer.stage import Stage

STAGES: Final[tuple[type[Stage], ...]] = (Bsr, Diversity, Momentum, Scale, Translation)


def through_stages(attack: Attack, names: str) -> Attack:
    """Put stages in front of an attack.

    Args:
        attack: One that takes gradients.
        names: Of ``STAGES``, with commas between them, as in ``di,ti,si``; empty for none.

    Returns:
        The attack itself where there are no names.

    Raises:
        UnknownName: no such stage.
        OptionError: one of them twice, or an attack that takes no gradients.
    """
    if not names.strip():
        return attack
    stages = tuple(by_name("transfer stage", STAGES, name.strip())() for name in names.split(","))
    return cast("Attack", Transfer(attack=attack, stages=stages))
