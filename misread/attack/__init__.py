"""Attacks: they propose images in torch, and one function settles and measures them.

A new attack is one file and one line in ``ATTACKS``; the contract tests pick it up from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.gradient.fgsm import Fgsm
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.gradient.pgd import Pgd
from misread.attack.minimal.fab import Fab
from misread.attack.minimal.nearest import Nearest

if TYPE_CHECKING:
    from misread.attack.problem import Attack

ATTACKS: Final[tuple[type[Attack], ...]] = (Apgd, ApgdTargeted, Fab, Fgsm, MiFgsm, Nearest, Pgd)
