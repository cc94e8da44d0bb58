"""Writing a physical witness into a bundle, beside the digital ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.attack.goal import achieved, goal_of
from misread.attack.space import FileView
from misread.pixels import to_unit
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from misread.attack.physical.make import PhysicalOutcome
    from misread.bundle import BundleWriter, Witness
    from misread.export.origin import Origin
    from misread.wish import Wish


def record_physical(
    writer: BundleWriter,
    origin: Origin,
    picture: NDArray[np.uint8],
    outcome: PhysicalOutcome,
    *,
    label: str,
    source: str,
    wish: Wish = UNTARGETED,
) -> Witness:
    """Add a physical witness with its placebo; it goes through the device's whole path, so it is not prepared.

    Args:
        writer: of the bundle.
        origin: what it was made on; its twin's reading of the file is recorded.
        picture: (h, w, 3) uint8, before.
        outcome: after.
        label: what the picture shows.
        source: name of the picture.
        wish: what counts as success; any other class by default.

    """
    view = FileView(origin.twin, origin.card, (picture.shape[0], picture.shape[1]))
    with torch.no_grad():
        logits = view(torch.from_numpy(to_unit(outcome.image[None])))
    wanted = goal_of(wish, origin.card).wanted(torch.tensor([origin.card.index(label)]), logits.shape[1])
    hit = bool(achieved(logits, wanted)[0])
    # The search settles every candidate, so there is no unrounded proposal that could read otherwise.
    return writer.add(
        clean=picture,
        changed=outcome.image,
        placebo=outcome.placebo,
        label=label,
        label_given=True,
        goal=wish.spelt(origin.card),
        prepared=False,
        torch_float=hit,
        torch_8bit=hit,
        source=source,
    )
