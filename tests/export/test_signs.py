from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from examples.signs_measure import (
    STOP,
    Pictures,
    guesses,
    photographs,
    shipped_scenes,
    stop_tracks,
    street_boxes,
)
from misread.assets import SIGN_LABELS, weights_path
from misread.assets.draw import draw_sign
from misread.errors import MissingExtra
from misread.export.signs import SIGNS_CLASSES, SIGNS_SIZE_HW, SignNet, load_signs
from misread.pixels import to_unit


@pytest.fixture(scope="module")
def net() -> SignNet:
    return load_signs()


def right(net: SignNet, pictures: Pictures) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    correct: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = guesses(net, pictures) == pictures.labels
    return correct


@pytest.mark.slow
def test_photographs_that_it_never_saw(net: SignNet, shared_data: Path) -> None:
    pictures = photographs(shared_data)
    assert len(pictures.labels) == 4000
    correct = right(net, pictures)
    assert correct.mean() >= 0.98
    assert correct[pictures.labels == STOP].mean() >= 0.99


def test_stop_signs_in_streets(net: SignNet, shared_data: Path) -> None:
    correct = right(net, street_boxes(shared_data))
    assert len(correct) == 18
    assert correct.mean() >= 0.9


def test_stop_signs_coming_nearer(net: SignNet, shared_data: Path) -> None:
    assert right(net, stop_tracks(shared_data)).mean() >= 0.99


def test_every_shipped_scene(net: SignNet) -> None:
    pictures = shipped_scenes()
    wrong = [name for name, fine in zip(pictures.names, right(net, pictures), strict=True) if not fine]
    assert wrong == []


@pytest.mark.parametrize("grey", [90, 160, 255])
def test_every_drawn_sign_on_a_plain_board(net: SignNet, grey: int) -> None:
    signs = np.stack([draw_sign(label, 48) for label in SIGN_LABELS]).astype(float)
    cover = signs[..., 3:] / 255
    boards = np.rint(signs[..., :3] * cover + grey * (1 - cover)).astype(np.uint8)
    pictures = Pictures(prepared=boards, labels=np.arange(len(boards)), names=SIGN_LABELS)
    wrong = [SIGN_LABELS[index] for index in np.flatnonzero(~right(net, pictures))]
    assert wrong == []


def test_a_shuffled_label_list_would_be_noticed(net: SignNet) -> None:
    pictures = shipped_scenes()
    moved = Pictures(prepared=pictures.prepared, labels=(pictures.labels + 1) % SIGNS_CLASSES, names=pictures.names)
    assert not right(net, moved).any()


def test_small_and_plain(net: SignNet) -> None:
    assert sum(parameter.numel() for parameter in net.parameters()) <= 500_000
    kinds = {type(module) for module in net.modules() if not list(module.children())}
    assert kinds <= {nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Linear, nn.Dropout}


def test_loaded_frozen_and_in_eval_mode(net: SignNet) -> None:
    assert not any(module.training for module in net.modules())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(value.device.type == "cpu" for value in net.state_dict().values())
    assert net(torch.zeros(2, 3, *SIGNS_SIZE_HW)).shape == (2, SIGNS_CLASSES)


def test_normalisation_is_inside(net: SignNet) -> None:
    images = torch.from_numpy(to_unit(shipped_scenes().prepared[:2]))
    by_hand = net.features((images - 0.35) / 0.28).mean(dim=(2, 3)) @ net.head.weight.T + net.head.bias
    assert torch.allclose(net(images), by_hand, atol=1e-4)


def test_gradients_reach_the_picture(net: SignNet) -> None:
    images = torch.from_numpy(to_unit(shipped_scenes().prepared[:3])).requires_grad_()
    (slope,) = torch.autograd.grad(net(images)[:, STOP].sum(), images)
    assert torch.isfinite(slope).all()
    assert (slope.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_loading_touches_no_random_state_and_no_file() -> None:
    before, digest = torch.get_rng_state(), hashlib.sha256(weights_path().read_bytes()).digest()
    load_signs()
    assert torch.equal(before, torch.get_rng_state())
    assert hashlib.sha256(weights_path().read_bytes()).digest() == digest


def test_missing_safetensors_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "safetensors.torch", raising=False)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtra, match=r"safetensors.*misread\[export\]"):
        load_signs()


def test_a_broken_safetensors_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "safetensors.torch":
                raise ModuleNotFoundError("No module named 'packaging'", name="packaging")

    monkeypatch.delitem(sys.modules, "safetensors.torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="packaging"):
        load_signs()
