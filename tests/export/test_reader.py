"""A twin as a reader: the same words as a build, the same pictures, the same logits."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from misread.assets import scenes  # noqa: E402
from misread.errors import ModelRunError  # noqa: E402
from misread.export.origin import load_origin  # noqa: E402
from misread.export.reader import BATCH, TwinReader, open_twin  # noqa: E402
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


def test_a_reader_that_was_opened_by_its_text_opens_again() -> None:
    reader = open_twin("signs")
    assert reader.card_sources == load_origin("signs").card_sources
    assert reader.reopen is not None
    again = pickle.loads(pickle.dumps(reader.reopen))()  # noqa: S301  our own
    pictures = np.random.default_rng(1).integers(0, 256, (2, *reader.card.size_hw, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again.read_prepared(pictures).logits, reader.read_prepared(pictures).logits)
    assert TwinReader.of(load_origin("signs")).reopen is None


def test_the_hash_is_that_of_the_weights() -> None:
    reader, other = open_twin("signs"), open_twin("signs")
    assert len(reader.sha256) == 64
    assert reader.sha256 == other.sha256
    assert isinstance(other.twin, torch.nn.Module)
    next(iter(other.twin.parameters()))[0] += 1
    assert reader.sha256 != other.sha256
    assert TwinReader(lambda x: x, reader.card, name="double").sha256 == ""
