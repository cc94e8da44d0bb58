"""The pictures of the documentation: what they must show is in them, and they are small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from misread.runtime.channel import PROFILES, STAGES

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES: Final = 400_000

pytestmark = pytest.mark.skipif(not IMAGES.is_dir(), reason="the tests run away from the tree")
contact = pytest.importorskip("examples.contact_sheet", reason="Pillow is not installed; the test extra brings it")


def test_every_stage_has_a_tile_that_applies_it() -> None:
    from examples.draw_channels import PROGRAMME

    assert [kind for kind, _, _ in PROGRAMME] == list(STAGES)
    assert [kind.name for kind, _, stages in PROGRAMME if kind not in map(type, stages)] == []


def test_every_stage_and_profile_changes_what_is_filmed(monkeypatch: pytest.MonkeyPatch) -> None:
    from examples import draw_channels

    groups = []
    monkeypatch.setattr(draw_channels, "contact_sheet", lambda shown, columns: groups.extend(shown))
    draw_channels.sheet()
    (_, (seen, *stages)), (_, profiles) = groups
    assert [tile.title for tile in profiles] == [profile.name for profile in PROFILES]
    assert len({tile.image.tobytes() for tile in (seen, *stages, *profiles)}) == 1 + len(STAGES) + len(PROFILES)


def test_tiles_stand_in_rows_whole_with_their_titles_below() -> None:
    tiles = [contact.Tile(image=np.full((20, 30, 3), 60 * n + 40, np.uint8), title="title") for n in range(3)]
    sheet = contact.contact_sheet((("", tiles),), 2)
    places = []
    for tile in tiles:
        block = np.lib.stride_tricks.sliding_window_view(sheet, tile.image.shape)[:, :, 0]
        places.append(np.argwhere((block == tile.image).all(axis=(2, 3, 4))).tolist())
    (first,), (second,), (third,) = places
    assert first[0] == second[0]
    assert first[1] + 30 < second[1]
    assert first[1] == third[1]
    for (top, left), below in ((first, third[0]), (second, third[0]), (third, len(sheet))):
        assert below - (top + 20) > contact.TITLE_PX
        assert sheet[top + 20 : below, left : left + 30].min() < 100


@pytest.mark.parametrize("name", sorted(path.name for path in IMAGES.glob("*")))
def test_every_picture_is_small_and_shown_with_words_for_it(name: str) -> None:
    pages = (IMAGES.parents[1] / "README.md", *IMAGES.parent.rglob("*.md"))
    assert (IMAGES / name).stat().st_size < MAX_BYTES
    shown = re.compile(rf"!\[[^\]]{{20,}}\]\((docs/|\.\./)?images/{re.escape(name)}\)")
    assert any(shown.search(page.read_text(encoding="utf-8")) for page in pages)
