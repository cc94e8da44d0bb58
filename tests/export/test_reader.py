"""A twin as a reader: the same words as a build, the same pictures, the same logits."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from misread.assets import scenes  # noqa: E402
from misread.errors import ModelRunError  # noqa: E402
from misread.export.origin import load_origin  # noqa: E402
from misread.export.reader import BATCH, TwinReader  # noqa: E402
from misread.pixels import fit, read_image, to_unit  # noqa: E402


def test_reads_what_the_twin_says_of_the_prepared_pictures() -> None:
    origin = load_origin("signs")
    reader = TwinReader.of(origin)
    images = [read_image(scene.path) for scene in scenes()]
    assert len(images) > BATCH  # more than one pass
    reading = reader.read(images)
    prepared = np.stack([fit(image, origin.card) for image in images])
    with torch.no_grad():
        expected = origin.twin(torch.from_numpy(to_unit(prepared))).numpy()
    np.testing.assert_allclose(reading.logits, expected, rtol=1e-4, atol=1e-4)
    assert reading.labels[0] == "Stop"
    assert reader.name == "signs"


def test_nothing_gives_nothing() -> None:
    reader = TwinReader.of(load_origin("signs"))
    assert reader.read([]).logits.shape == (0, 43)


def test_logits_that_are_not_finite_are_refused() -> None:
    card = load_origin("signs").card
    reader = TwinReader(lambda x: torch.full((len(x), 43), torch.nan), card, name="broken")
    with pytest.raises(ModelRunError, match="broken returned logits that are not finite"):
        reader.read_prepared(np.zeros((1, *card.size_hw, 3), np.uint8))
