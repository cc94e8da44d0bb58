"""Changes that are made to be filmed: searched over random captures, with a control beside them."""

from __future__ import annotations

from misread.attack.physical.eot import EotPgd
from misread.attack.physical.make import PhysicalOptions, PhysicalOutcome, make_physical_witness
from misread.attack.physical.mask import alpha_mask, sign_mask
from misread.attack.physical.terms import Terms
from misread.attack.physical.threats import THREATS, Patch, Stickers, WholeSign

__all__ = [
    "THREATS", "EotPgd", "Patch", "PhysicalOptions", "PhysicalOutcome", "Stickers", "Terms", "WholeSign", "alpha_mask",
    "make_physical_witness", "sign_mask",
]  # fmt: skip
