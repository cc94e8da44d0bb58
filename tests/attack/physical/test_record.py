from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.attack.physical.record import record_physical
from misread.bundle import BundleWriter
from misread.export.origin import Origin
from tests.attack.physical.test_make import PICTURE, made
from tests.attack.physical.toy import CARD, Chequers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("changes", [True, False])
def test_the_twins_own_reading_of_the_file_is_recorded(tmp_path: Path, changes: bool) -> None:
    outcome = made()
    if not changes:
        outcome = replace(outcome, image=PICTURE.copy())
    twin: Any = Chequers()
    origin = Origin(name="toy", twin=twin, card=CARD, weights_sha256=None)
    writer = BundleWriter(tmp_path)
    witness = record_physical(writer, origin, PICTURE, outcome, label=CARD.labels[0], source="toy.png")
    assert (witness.torch_float, witness.torch_8bit, witness.prepared) == (changes, changes, False)
    bundle = writer.finish(card=CARD, origin="toy", threat={}, attack={}, counts={})
    assert np.array_equal(bundle.read(witness.changed), outcome.image)
    assert witness.placebo is not None
    assert np.array_equal(bundle.read(witness.placebo), outcome.placebo)
