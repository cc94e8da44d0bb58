"""Roughness and printable colours: closed forms, gradients by differences, and what the weights do to a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from misread.attack.physical.eot import EotPgd
from misread.attack.physical.terms import PRINTABLE, Terms, colours_of, nonprintability, roughness, total_variation
from misread.attack.physical.threats import Patch
from misread.errors import InputError, OptionError
from tests.attack.physical.toy import generator, problem

ALL = torch.ones(8, 8, dtype=torch.bool)


def chequers(low: float, high: float, size: int = 8) -> torch.Tensor:
    place = torch.arange(size)
    board = ((place[:, None] + place) % 2).float()
    return (low + (high - low) * board).expand(3, size, size).clone()


def test_total_variation_is_the_mean_step_between_neighbours() -> None:
    assert total_variation(chequers(0.2, 0.7), ALL) == pytest.approx(0.5)
    assert total_variation(torch.full((3, 8, 8), 0.3), ALL) == 0
    ramp = (torch.arange(8) / 10).expand(3, 8, 8)  # steps across only: half of all pairs
    assert total_variation(ramp, ALL) == pytest.approx(0.05)


def test_only_pairs_inside_the_mask_count() -> None:
    picture = torch.zeros(3, 8, 8)
    picture[:, 2:6, 2:6] = 1.0
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[2:6, 2:6] = True
    assert total_variation(picture, mask) == 0
    mask[2:6, 1] = True  # four pairs with a step of 1 join 24 + 3 without
    assert total_variation(picture, mask) == pytest.approx(4 / (12 + 12 + 4 + 3))
    alone = torch.zeros(8, 8, dtype=torch.bool)
    alone[3, 3] = True
    assert total_variation(picture, alone) == 0


def test_a_small_change_is_rough_by_itself_and_a_cover_by_its_picture() -> None:
    given = problem()
    same = given.picture.clone()
    assert roughness(given, same) == 0
    assert roughness(replace(given, covers=True), same) == total_variation(given.picture, given.mask) > 0


def test_a_printable_colour_costs_nothing_and_others_their_distance() -> None:
    colours = torch.tensor(PRINTABLE).T.reshape(3, 9, 3)
    everywhere = torch.ones(9, 3, dtype=torch.bool)
    assert nonprintability(colours, everywhere) == pytest.approx(0, abs=1e-6)
    white = torch.ones(3, 8, 8)
    assert nonprintability(white, ALL) == pytest.approx(3**0.5 * (1 - 0.77), abs=1e-6)
    assert nonprintability(white, ALL, ((1.0, 1.0, 0.6),)) == pytest.approx(0.4, abs=1e-6)


def test_gradients_are_those_of_differences_and_live_with_many_colours() -> None:
    """The product of Sharif et al. has no gradient left among 64 colours; this one is of unit length at every pixel."""
    palette = colours_of(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    picture = torch.rand(3, 8, 8, generator=generator(), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: nonprintability(x, ALL, palette), (picture,))
    assert torch.autograd.gradcheck(lambda x: total_variation(x, ALL), (picture,))
    (slope,) = torch.autograd.grad(nonprintability(picture, ALL, palette), picture)
    assert (64 * slope.square().sum(0).sqrt()).sub(1).abs().max() < 1e-6


def test_at_a_printable_colour_the_gradient_is_0_and_finite() -> None:
    exact = torch.tensor(PRINTABLE[5]).reshape(3, 1, 1).repeat(1, 8, 8).requires_grad_()
    (slope,) = torch.autograd.grad(nonprintability(exact, ALL), exact)
    assert torch.equal(slope, torch.zeros_like(slope))


@pytest.mark.parametrize("term", ["tv", "nonprintability"])
def test_a_weight_lowers_what_it_weighs(term: str) -> None:
    def found(terms: Terms) -> float:
        attack = EotPgd(steps=24, draws=4, clips=2, select_every=24, rule="adam", terms=terms)
        given = Patch().placed(replace(problem(), threat=Patch().bound), lambda _, x: x)
        image = attack.search(given, generator()).image
        return float(roughness(given, image) if term == "tv" else nonprintability(image, given.mask))

    weighed = Terms(tv=50.0) if term == "tv" else Terms(printable=50.0)
    assert found(weighed) < 0.8 * found(Terms())


def test_without_weights_nothing_is_computed() -> None:
    assert Terms().none
    given = problem()
    assert not Terms().gradient(given, given.picture).any()


@pytest.mark.parametrize(
    "given", [{"tv": -1.0}, {"printable": float("nan")}, {"palette": ()}, {"palette": ((0.1, 0.2, 1.5),)}]
)
def test_terms_without_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Terms(**given)  # type: ignore[arg-type]


def test_a_chart_becomes_its_colours() -> None:
    chart = np.repeat(np.repeat(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), 5, axis=0), 4, axis=1)
    assert colours_of(chart) == pytest.approx(np.arange(192).reshape(64, 3) / 255)
    with pytest.raises(InputError, match="8x8 pixels, got 9x7"):
        colours_of(np.zeros((7, 9, 3), np.uint8))
