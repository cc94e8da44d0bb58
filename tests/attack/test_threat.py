from __future__ import annotations

import math

import pytest

from misread.attack.base import Norm, Targeted, Threat, Untargeted
from misread.errors import OptionError, UnknownName


def test_eps_of_8_is_refused_with_what_to_type() -> None:
    with pytest.raises(OptionError) as refusal:
        Threat(eps=8.0)
    assert str(refusal.value) == "eps is a fraction of full scale in (0, 1], got 8.0; write 8/255, not 8"


@pytest.mark.parametrize("eps", [math.nan, 0.0, -0.1, math.inf])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_sizes_that_mean_nothing_are_refused(norm: Norm, eps: float) -> None:
    with pytest.raises(OptionError, match="got"):
        Threat(norm=norm, eps=eps)


def test_l2_may_exceed_1() -> None:
    assert Threat(norm="l2", eps=2.5).radius == 2.5


def test_less_than_a_level_is_refused_on_the_grid_only() -> None:
    with pytest.raises(OptionError, match="less than one of 255 levels"):
        Threat(eps=0.9 / 255)
    assert Threat(eps=0.9 / 255, levels=None).radius == 0.9 / 255


def test_unknown_norm_is_suggested() -> None:
    with pytest.raises(UnknownName, match="linf"):
        Threat(norm="lin")  # type: ignore[arg-type]


@pytest.mark.parametrize(("eps", "cap"), [(8 / 255, 8), (0.3, 76), (1.0, 255), (1 / 255, 1), (8.5 / 255, 8)])
def test_cap_is_whole_levels(eps: float, cap: int) -> None:
    assert Threat(eps=eps).cap == cap
    assert Threat(eps=eps).radius == cap / 255


def test_open_size_has_no_bound() -> None:
    assert Threat().radius == math.inf
    assert Threat().cap == 255


def test_a_negative_target_is_refused() -> None:
    with pytest.raises(OptionError, match="got -1"):
        Targeted(-1)
    assert (Targeted(3).name, Untargeted().name) == ("target 3", "untargeted")


@pytest.mark.parametrize("eps", [0, 0.5, 2.5, float("inf"), float("nan"), -3])
def test_l0_counts_whole_pixels(eps: float) -> None:
    with pytest.raises(OptionError, match="number of pixels, whole and from 1"):
        Threat(norm="l0", eps=eps)


def test_l1_is_a_length() -> None:
    assert Threat(norm="l1", eps=7.6).radius == 7.6
    with pytest.raises(OptionError, match="less than one of 255 levels"):
        Threat(norm="l1", eps=0.003)
    with pytest.raises(OptionError, match="eps for l1 is a length"):
        Threat(norm="l1", eps=-1)
