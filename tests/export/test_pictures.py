from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.assets import SIGN_LABELS
from misread.card import ModelCard
from misread.errors import FileError, InputError, OptionError
from misread.export import pictures as module
from misread.export.pictures import (
    SHIPPED,
    Pictures,
    from_folder,
    is_noise,
    labelled,
    refuse_unreal,
    shipped,
    split,
)
from misread.pixels import fit, read_image, write_png
from tests.export.nets import blobs, tiny_card

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pictures(prepared: NDArray[np.uint8]) -> Pictures:
    return Pictures(prepared=prepared, names=tuple(f"{row}.png" for row in range(len(prepared))), source="data/")


def test_a_folder_is_read_through_the_card(pictures_folder: Path) -> None:
    found = from_folder(pictures_folder, tiny_card(), limit=1000, generator=rng())
    assert len(found) == 40
    assert found.names[0] == "a/01.png"
    expected = fit(read_image(pictures_folder / "a" / "01.png"), tiny_card())
    assert np.array_equal(found.prepared[0], expected)


def test_the_draw_is_seeded_and_without_repetition(pictures_folder: Path) -> None:
    first = from_folder(pictures_folder, tiny_card(), limit=10, generator=rng(1))
    assert first.names == from_folder(pictures_folder, tiny_card(), limit=10, generator=rng(1)).names
    assert first.names != from_folder(pictures_folder, tiny_card(), limit=10, generator=rng(2)).names
    assert len(set(first.names)) == 10


def test_a_folder_without_pictures_or_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see", encoding="utf-8")
    with pytest.raises(FileError, match="no pictures in"):
        from_folder(tmp_path, tiny_card(), limit=10, generator=rng())
    with pytest.raises(FileError, match="no such folder"):
        from_folder(tmp_path / "notes.txt", tiny_card(), limit=10, generator=rng())


def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(FileError, match=r"a\.png"):
        from_folder(tmp_path, tiny_card(), limit=10, generator=rng())


def test_a_split_shares_nothing_copies_included() -> None:
    drawn = blobs(10)
    left, right = split(pictures(np.concatenate([drawn, drawn])), share=0.25, generator=rng())
    assert len(left) == 15
    assert {p.tobytes() for p in left.prepared}.isdisjoint(p.tobytes() for p in right.prepared)


def test_real_pictures_pass() -> None:
    refuse_unreal(pictures(blobs(8)))
    refuse_unreal(shipped(ModelCard(labels=SIGN_LABELS, size_hw=(48, 48))))


@pytest.mark.parametrize(
    ("prepared", "words"),
    [
        (blobs(7), "holds 7 different pictures"),
        (np.repeat(blobs(1), 50, axis=0), "holds 1 different pictures"),
        (
            rng().integers(0, 256, (20, 32, 32, 3), dtype=np.uint8),
            "of 20 pictures in data/ 20 are noise and 0 are blank",
        ),
        (np.stack([np.full((32, 32, 3), level, np.uint8) for level in range(20)]), "0 are noise and 20 are blank"),
    ],
)
def test_what_is_no_set_of_real_pictures_is_refused(prepared: NDArray[np.uint8], words: str) -> None:
    with pytest.raises(InputError, match=words):
        refuse_unreal(pictures(prepared))


def test_noise_is_told_from_photographs(shared_data: Path) -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(224, 224))
    photos = from_folder(shared_data / "imagenet" / "photos", card, limit=40, generator=rng())
    assert not any(is_noise(photo) for photo in photos.prepared)
    assert is_noise(rng().normal(128, 30, (48, 48, 3)).clip(0, 255).astype(np.uint8))


def test_the_shipped_pictures_hold_scenes_and_signs() -> None:
    found = shipped(tiny_card())
    assert found.source == SHIPPED
    assert found.prepared.shape[1:] == (16, 16, 3)
    assert len(found) >= 50
    assert len({picture.tobytes() for picture in found.prepared}) == len(found)


def test_a_small_picture_reads_like_any_other(tmp_path: Path) -> None:
    write_png(tmp_path / "small.png", blobs(1, size_hw=(4, 4))[0])
    assert from_folder(tmp_path, tiny_card(), limit=1, generator=rng()).prepared.shape == (1, 16, 16, 3)


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    for number, picture in enumerate(blobs(12)):
        write_png(tmp_path / "classes" / ("red" if number < 4 else "2") / f"{number:02}.png", picture)
    return tmp_path / "classes"


def test_labelled_pictures_are_prepared_and_in_order(class_folders: Path) -> None:
    found = labelled(class_folders, tiny_card())
    assert (len(found), found.found, found.shared) == (12, 12, 0)
    assert found.pictures.names[:2] == ("2/04.png", "2/05.png")
    assert found.truth.tolist() == [2] * 8 + [0] * 4
    assert np.array_equal(found.pictures.prepared[8], fit(read_image(class_folders / "red" / "00.png"), tiny_card()))


def test_a_limit_spreads_and_memory_is_one_too(class_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = labelled(class_folders, tiny_card(), limit=3)
    assert (few.truth.tolist(), few.found) == ([2, 2, 0], 12)
    monkeypatch.setattr(module, "MAX_LABELLED_BYTES", 6 * 16 * 16 * 3)
    assert len(labelled(class_folders, tiny_card(), limit=10)) == 6
    with pytest.raises(OptionError, match="from 1, got 0"):
        labelled(class_folders, tiny_card(), limit=0)


def test_pictures_without_labels_cannot_be_counted_right(pictures_folder: Path) -> None:
    with pytest.raises(InputError, match=r"01\.png in \S+ has none; give class folders, a CSV, JSONL or npz"):
        labelled(pictures_folder / "a", tiny_card())


def test_labelled_pictures_keep_their_labels_when_some_go(class_folders: Path) -> None:
    found = labelled(class_folders, tiny_card())
    learnt = found.pictures.take([0, 9, 11])
    rest = found.without(learnt)
    assert (len(rest), rest.shared, rest.found) == (9, 3, 12)
    assert rest.truth.tolist() == [2] * 7 + [0] * 2
    assert len(found.without(pictures(blobs(5, seed=99, size_hw=(16, 16))))) == 12
    with pytest.raises(InputError, match="measure on others"):
        found.without(found.pictures)
