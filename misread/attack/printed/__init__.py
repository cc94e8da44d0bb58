"""From a picture of a sign to a bundle of changes made to be filmed, each beside its controls."""

from __future__ import annotations

from misread.attack.printed.options import PrintedOptions
from misread.attack.printed.run import PrintedResult, PrintedWitness, physical_to_bundle

__all__ = ["PrintedOptions", "PrintedResult", "PrintedWitness", "physical_to_bundle"]
