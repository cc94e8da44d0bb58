"""Attacks that ask for answers only, no gradients: they run on any reader, so on the deployed build itself.

They are random searches, which no closed form holds to the last 2 % of a budget; hence a registry and a contract of
their own, tests/attack/query. A new one is one file and one entry in ``QUERY_ATTACKS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.attack.query.rays import Rays
from misread.attack.query.sparse import SparseRs
from misread.attack.query.square import Square
from misread.attack.query.surfree import Surfree

if TYPE_CHECKING:
    from misread.attack.problem import Attack

QUERY_ATTACKS: Final[tuple[type[Attack], ...]] = (Rays, SparseRs, Square, Surfree)
