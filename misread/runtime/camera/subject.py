"""What is before the camera, as results speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.runtime.board import MAX_EXHIBITS, Arm, Exhibit
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from misread.bundle import Bundle, PictureRef, Witness
    from misread.wish import Wish


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An exhibit without its picture.

    Attributes:
        name: What reports call it.
        arm: The condition.
        label: What a right reading says; None when nobody said.
        target: What the attacker wanted; None where any wrong label will do.
        group: Subjects of one group are compared.
        prepared: The picture is what the input holds: what is seen of it is resized, and not cropped once more.

    """

    name: str
    arm: Arm
    label: str | None
    target: Wish | None = None
    group: str = "sign"
    prepared: bool = False


def subject_of(exhibit: Exhibit) -> Subject:
    """Leave the picture away."""
    label = None if exhibit.arm == "background" else exhibit.label
    return Subject(
        name=exhibit.name,
        arm=exhibit.arm,
        label=label,
        target=exhibit.target,
        group=exhibit.group,
        prepared=exhibit.prepared,
    )


def exhibits_of(bundle: Bundle, names: Sequence[str] = ()) -> tuple[Exhibit, ...]:
    """Hang up witnesses of a bundle: clean, changed and placebo of each; a clean picture they share hangs once.

    Args:
        bundle: Where they are.
        names: Ids of witnesses; empty takes as many as there are markers for.

    Raises:
        UnknownName: No witness has this id.
        OptionError: More witnesses were named than there are markers for, or the bundle has none.

    """
    chosen = [bundle.witness(name) for name in names] if names else list(bundle.witnesses)
    pictures: list[Exhibit] = []
    hung: dict[str, str] = {}
    for witness in chosen:
        new = list(_pictures(witness, hung))
        if len(pictures) + len(new) > MAX_EXHIBITS:
            if names:
                raise OptionError(f"the markers tell {MAX_EXHIBITS} pictures apart; name fewer witnesses")
            break
        for name, arm, reference in new:
            pictures.append(
                Exhibit(
                    index=len(pictures),
                    name=name,
                    arm=arm,
                    image=bundle.read(reference),
                    label=witness.label,
                    target=None if witness.goal == UNTARGETED else witness.goal,
                    group=hung.setdefault(witness.clean.sha256, witness.id),
                    prepared=witness.prepared,
                )
            )
    if not pictures:
        raise OptionError(f"the bundle {bundle.folder} holds no witness to show")
    return tuple(pictures)


def _pictures(witness: Witness, hung: dict[str, str]) -> Iterable[tuple[str, Arm, PictureRef]]:
    if witness.clean.sha256 not in hung:
        yield f"{witness.id} clean", "clean", witness.clean
    yield witness.id, "adversarial", witness.changed
    if witness.placebo is not None:
        yield f"{witness.id} placebo", "placebo", witness.placebo
