from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from misread.attack.goal import Targeted
from misread.attack.physical import EotPgd, PhysicalOptions, PhysicalOutcome, make_physical_witness
from misread.attack.physical.make import named_profile
from misread.attack.threat import Threat
from misread.errors import InputError, ModelError, OptionError, UnknownName
from tests.attack.physical.toy import CARD, PROFILE, Chequers, problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTIONS = PhysicalOptions(
    attack=EotPgd(steps=20, draws=8, select_every=5, select_clips=3), profile=PROFILE, held_clips=8, held_frames=6
)
GIVEN = problem()
PICTURE: NDArray[np.uint8] = (GIVEN.picture * 255).round().byte().permute(1, 2, 0).numpy()
MASK: NDArray[np.bool_] = GIVEN.mask.numpy()


def made(model: Any = None, **changes: Any) -> PhysicalOutcome:
    given: dict[str, Any] = {"picture": PICTURE, "mask": MASK, "truth": 0, "options": OPTIONS}
    given |= {"threat": Threat(eps=32 / 255), **changes}
    picture, mask, truth = given.pop("picture"), given.pop("mask"), given.pop("truth")
    return make_physical_witness(Chequers() if model is None else model, CARD, picture, mask, truth, **given)


def test_a_witness_survives_held_out_clips_and_its_placebo_does_not() -> None:
    outcome = made()
    assert (outcome.success.total, outcome.control.total, outcome.placebo_misread.total) == (48, 48, 48)
    assert (outcome.success.share or 0) > 0.9
    assert (outcome.control.share or 0) > 0.9
    assert (outcome.placebo_misread.share or 0) < 0.3
    assert outcome.success.low is not None, "eight clips give an interval"


def test_what_is_reported_is_what_the_picture_holds() -> None:
    outcome = made()
    levels = outcome.image.astype(int) - PICTURE
    assert outcome.largest_level == np.abs(levels).max() == 32
    assert outcome.values_changed == np.count_nonzero(levels)
    assert not levels[~MASK].any()
    assert outcome.image.dtype == outcome.placebo.dtype == np.uint8
    assert (outcome.profile, outcome.profile_version) == (PROFILE.name, PROFILE.version)
    assert len(outcome.held_out) == 8


def test_held_out_draws_are_none_of_the_search() -> None:
    outcome = made(options=replace(OPTIONS, held_frames=4))  # as many frames as the search's own clips have
    seen = {str(entry["stages"]) for entry in (*outcome.search.log, *outcome.search.selection_log)}
    assert not any(str(clip["stages"]) in seen for clip in outcome.held_out)


def test_the_seed_decides() -> None:
    short = replace(OPTIONS, attack=EotPgd(steps=4, draws=4), held_clips=3)
    first, again, other = (made(options=replace(short, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.image, again.image)
    assert first.success == again.success
    assert not np.array_equal(first.image, other.image)


class Moody(Chequers):
    """Remembers in which modes it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: set[tuple[bool, bool]] = set()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.modes.add((self.training, self.pattern.requires_grad))
        return super().forward(x)


def test_the_model_is_asked_frozen_and_left_as_found_with_the_global_generator() -> None:
    model = Moody().train()
    before = torch.get_rng_state()
    made(model, options=replace(OPTIONS, attack=EotPgd(steps=2, draws=4), held_clips=2))
    assert model.modes == {(False, False)}
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(before, torch.get_rng_state())


def test_a_target_counts_alone_but_any_misreading_spoils_a_placebo() -> None:
    """A reader that never says 0: everything is misread, nothing as the target."""

    class Blind(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[0.0, 1.0, -9.0]]) + 0 * x.mean((1, 2, 3))[:, None]

    outcome = made(Blind(), goal=Targeted(2))
    assert (outcome.success.share, outcome.placebo_misread.share, outcome.mirrored_misread.share) == (0, 1, 1)
    assert outcome.control.share == 0


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"picture": PICTURE[..., :1]}, InputError, "uint8 RGB"),
        ({"picture": PICTURE.astype(np.float32)}, InputError, "uint8 RGB"),
        ({"mask": MASK[:-1]}, InputError, "mask .* of its size"),
        ({"mask": np.zeros_like(MASK)}, InputError, "at least one pixel"),
        ({"mask": MASK.astype(np.uint8)}, InputError, "must be bool"),
        ({"truth": 3}, InputError, "label 3 does not exist: the model has 3 classes"),
        ({"threat": Threat(norm="l2", eps=1.0)}, OptionError, "bounded by linf"),
        ({"threat": Threat()}, OptionError, "bounded by linf"),
        ({"model": torch.nn.Flatten(0)}, ModelError, "expected logits"),
        ({"model": lambda images: None}, ModelError, "got NoneType"),
        ({"options": replace(OPTIONS, profile="webcam-indor")}, UnknownName, "webcam-indoor"),
    ],
)
def test_refuses_what_cannot_be_attacked(changes: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        made(**changes)


def test_refuses_pixels_that_are_no_picture() -> None:
    with pytest.raises(InputError, match="must be finite"):
        replace(GIVEN, picture=torch.full_like(GIVEN.picture, float("nan")))


def test_refuses_a_measurement_of_nothing() -> None:
    with pytest.raises(OptionError, match="held-out clips"):
        PhysicalOptions(held_clips=0)
    with pytest.raises(OptionError, match="seed"):
        PhysicalOptions(seed=-1)


def test_profiles_go_by_name() -> None:
    assert named_profile("webcam-indoor").name == "webcam-indoor"
