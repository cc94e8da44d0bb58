from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import misread
from misread.attack.physical.channel import PROFILES as TRAINED
from misread.attack.physical.channel import Channel
from misread.attack.physical.channel.noise import Noise
from misread.card import ModelCard
from misread.runtime.channel import named_profile

ROOT = Path(misread.__file__).parent


def imported(folder: Path) -> Iterator[str]:
    """Every module named by an import statement under a folder."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                yield node.module or ""
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


def test_the_training_channel_and_the_testing_one_share_no_code() -> None:
    training = set(imported(ROOT / "attack" / "physical"))
    testing = set(imported(ROOT / "runtime" / "channel"))
    assert training
    assert testing
    assert not [name for name in training if name.startswith("misread.runtime") or name == "cv2"]
    assert not [name for name in testing if name.startswith("misread.attack")]


#: Stages whose names both channels have: exposure is exposure, and a surrogate stands opposite the real encoder.
SHARED = {"light", "codec"}
#: What training never draws, by place; each profile of the test has some of them.
UNTRAINED = {"display", "banding", "glare", "denoise", "video"}
PLACES = [trained.name for trained in TRAINED]


def drawn(place: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What both channels log of one place and seed: training, test."""
    (profile,) = (trained for trained in TRAINED if trained.name == place)
    channel = Channel(profile=profile, card=ModelCard(labels=("a", "b"), size_hw=(24, 24)))
    training = channel.draw((40, 40), 2, 1.0, torch.Generator().manual_seed(seed)).log()
    return training, named_profile(place).draw(np.random.default_rng(seed)).log()


def numbers(log: object) -> set[float]:
    """Every drawn number of a log that is not one by definition, rounded."""
    if isinstance(log, dict):
        return set().union(*(numbers(one) for one in log.values()))
    if isinstance(log, list):
        return set().union(*(numbers(one) for one in log))
    return {round(log, 6)} if isinstance(log, float) and log != round(log, 3) else set()


def test_both_channels_know_the_same_four_places() -> None:
    assert PLACES == ["webcam-indoor", "phone-print", "screen", "dashcam"]
    assert all(named_profile(place).name.startswith(place) for place in PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_the_test_has_an_effect_that_training_lacks_and_no_family_of_it(place: str) -> None:
    training, testing = (set(log["stages"]) for log in drawn(place, 0))
    assert testing & UNTRAINED
    assert not training & UNTRAINED
    assert training & testing <= SHARED


@pytest.mark.parametrize("place", PLACES)
def test_draws_of_one_seed_differ(place: str) -> None:
    for seed in range(3):
        training, testing = drawn(place, seed)
        assert len(numbers(training)) > 20
        assert len(numbers(testing)) > 4
        assert not numbers(training) & numbers(testing)


@pytest.mark.parametrize("place", PLACES)
def test_the_test_gets_darker_noise_than_training_ever_does(place: str) -> None:
    (noise,) = (s for trained in TRAINED if trained.name == place for s in trained.stages if isinstance(s, Noise))
    # Counts at white are the inverse of the variance at white.
    assert named_profile(place).electrons[0] < 1 / noise.shot.high
