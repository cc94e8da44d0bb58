"""Writing a physical witness into a bundle, beside the digital ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.attack.goal import Untargeted, achieved
from misread.attack.space import FileView
from misread.bundle import UNTARGETED
from misread.pixels import to_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from misread.attack.goal import Goal
    from misread.attack.physical.make import PhysicalOutcome
    from misread.bundle import BundleWriter, Witness
    from misread.export.origin import Origin


def record_physical(
    writer: BundleWriter,
    origin: Origin,
    picture: NDArray[np.uint8],
    outcome: PhysicalOutcome,
    *,
    label: str,
    source: str,
    goal: Goal | None = None,
    target: str | None = None,
) -> Witness:
    """Add a physical witness with its placebo; it goes through the device's whole path, so it is not prepared.

    Args:
        writer: of the bundle.
        origin: what it was made on; its twin's reading of the file is recorded.
        picture: (h, w, 3) uint8, before.
        outcome: after.
        label: what the picture shows.
        source: name of the picture.
        goal: what counts as success; any other class by default.
        target: label of the goal, where it has one.

    """
    view = FileView(origin.twin, origin.card, (picture.shape[0], picture.shape[1]))
    with torch.no_grad():
        logits = view(torch.from_numpy(to_unit(outcome.image[None])))
    wanted = (goal or Untargeted()).wanted(torch.tensor([origin.card.index(label)]), logits.shape[1])
    hit = bool(achieved(logits, wanted)[0])
    # The search settles every candidate, so there is no unrounded proposal that could read otherwise.
    return writer.add(
        clean=picture,
        changed=outcome.image,
        placebo=outcome.placebo,
        label=label,
        label_given=True,
        goal=target or UNTARGETED,
        prepared=False,
        torch_float=hit,
        torch_8bit=hit,
        source=source,
    )
