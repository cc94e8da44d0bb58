"""A prepared twin answers as the twin does, in chunks, and bfloat16 never decides."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from misread.attack import ATTACKS
from misread.attack import speed as speed_module
from misread.attack.base import Outcome, Problem, Threat, Untargeted, execute
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.gradient.pgd import Pgd
from misread.attack.space import FileView
from misread.attack.speed import Pace, Prepared, pace, prepare
from misread.attack.speed.layout import ChannelsLast
from misread.attack.speed.pace import LEAST, MOST, first_chunk, measured
from misread.attack.speed.passes import slopes
from misread.attack.speed.prepared import Bfloat16, has_bfloat16
from misread.attack.speed.same import answer_of
from misread.attack.transfer import through_stages
from misread.card import ModelCard
from misread.errors import OptionError
from misread.export.twin import Twin, make_twin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from misread.attack.base import Attack

FIXED = Pace(chunk=4)


def make_net() -> nn.Module:
    with torch.random.fork_rng():
        head = [nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)]
        net = nn.Sequential(*head, nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5)).eval()
    random = torch.Generator().manual_seed(3)
    for weight in net.parameters():
        nn.init.normal_(weight, std=0.2, generator=random)
    return net


@pytest.fixture
def twin() -> Twin:
    return make_twin(make_net(), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (10, 3, 12, 12), generator=torch.Generator().manual_seed(0)).float() / 255


def attack(kind: Attack, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, threat: Threat) -> Outcome:
    return execute(kind, model, images, labels, threat=threat, generator=torch.Generator().manual_seed(0))


def test_the_twin_is_left_as_it_is(twin: Twin, images: Tensor) -> None:
    before = copy.deepcopy(twin.state_dict())
    random = torch.get_rng_state()
    weight = twin.body[0].weight  # type: ignore[index]
    weight.requires_grad_()
    prepared = prepare(twin, images)
    assert torch.equal(random, torch.get_rng_state())
    assert twin.body[0].weight is weight  # type: ignore[index]
    assert weight.requires_grad
    assert weight.is_contiguous()
    assert twin.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in twin.state_dict().items())
    assert not any(parameter.requires_grad for parameter in prepared.parameters())
    assert not prepared.training


def test_answers_and_notes(twin: Twin, images: Tensor) -> None:
    prepared = prepare(twin, images)
    assert prepared.notes == ("batch norm folded into the layer before it: 1", "max pool put before ReLU: 1")
    assert torch.allclose(prepared(images), twin(images), atol=1e-5)
    expected, got = answer_of(twin, images), answer_of(prepared, images)
    assert torch.allclose(expected.gradient, got.gradient, rtol=1e-3, atol=1e-5)


class Recording(nn.Module):
    """Notes how many pictures it is shown."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.seen = module, list[int]()

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        return self.module(x)  # type: ignore[no-any-return]


def test_passes_run_in_chunks_and_the_gradients_are_those_of_the_whole(twin: Twin, images: Tensor) -> None:
    inner = Recording(twin)
    model = Prepared(inner, pace=FIXED)
    places = torch.arange(10).flip(0)

    def loss(logits: Tensor) -> Tensor:  # keeps places of its own, as closures of attacks do
        return logits.gather(1, (places % 5)[:, None])[:, 0] * (1 + places) - logits.logsumexp(1)

    whole = slopes(twin, images, torch.arange(10), 5, loss)
    parts = slopes(model, images, torch.arange(10), 5, loss)
    assert inner.seen == [4, 4, 2]
    for one, other in zip(whole, parts, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    inner.seen.clear()
    assert torch.allclose(model(images), twin(images), atol=1e-5)
    assert inner.seen == [4, 4, 2]
    assert model(images[:3]).shape == (3, 5)


def test_rows_that_are_not_asked_for_cost_nothing(twin: Twin, images: Tensor) -> None:
    inner = Recording(twin)
    got = slopes(Prepared(inner, pace=FIXED), images, torch.tensor([1, 7, 8, 2, 5]), 5, lambda logits: logits.amax(1))
    asked = torch.tensor([0, 1, 1, 0, 0, 1, 0, 1, 1, 0], dtype=torch.bool)
    assert inner.seen == [4, 1]
    assert torch.equal(torch.isnan(got.values), ~asked)
    assert torch.equal(got.gradient.flatten(1).abs().amax(1) > 0, asked)
    assert torch.allclose(
        got.gradient[asked], slopes(twin, images, asked.nonzero()[:, 0], 5, lambda z: z.amax(1))[2][asked]
    )
    none = slopes(twin, images, torch.arange(0), 5, lambda logits: logits.amax(1))
    assert torch.isnan(none.values).all()
    assert not none.gradient.any()


def test_a_loss_that_does_not_depend_on_the_picture_has_gradient_0(twin: Twin, images: Tensor) -> None:
    got = slopes(twin, images, torch.arange(10), 5, lambda logits: torch.ones(len(logits)))
    assert got.values.tolist() == [1.0] * 10
    assert not got.gradient.any()


@pytest.mark.parametrize("kind", ATTACKS, ids=lambda kind: kind.name)
def test_attacks_find_the_same_on_a_prepared_twin(kind: type[Attack], twin: Twin, images: Tensor) -> None:
    norm = kind.norms[0]
    eps = {"linf": 0.05, "l2": 0.5, "l1": 4.0, "l0": 8.0}[norm]
    labels = twin(images).argmax(1)
    model = prepare(twin, images, pace=FIXED)
    found = [
        execute(
            kind(), one, images, labels, threat=Threat(norm=norm, eps=eps), generator=torch.Generator().manual_seed(0)
        )
        for one in (twin, model)
    ]
    assert abs(found[0].found - found[1].found) <= 1  # a hit at the very edge may go either way
    assert found[0].found >= 3


def test_copies_of_transfer_stages_go_through_in_chunks_too(twin: Twin, images: Tensor) -> None:
    labels = twin(images).argmax(1)
    inner = Recording(twin)
    through = through_stages(MiFgsm(steps=3), "si")
    found = [attack(through, model, images, labels, Threat(eps=0.05)) for model in (Prepared(inner, pace=FIXED), twin)]
    assert max(inner.seen) == 4
    assert torch.allclose(found[0].images, found[1].images, atol=1.5 / 255)
    assert abs(found[0].found - found[1].found) <= 1


def test_a_picture_of_a_file_goes_through_in_chunks_too(twin: Twin) -> None:
    card = ModelCard(labels=tuple("abcde"), size_hw=(12, 12))
    inner = Recording(twin)
    view = FileView(Prepared(inner, pace=FIXED, quick=Bfloat16(copy.deepcopy(twin))), card, (20, 30))
    files = torch.rand(6, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    assert (view.chunk, view.rough) == (4, True)
    assert view(files).shape == (6, 5)
    inner.seen.clear()
    assert view.for_gradient(files).dtype == torch.float32
    assert inner.seen == []
    plain = FileView(twin, card, (20, 30))
    assert (plain.chunk, plain.rough) == (None, False)
    assert torch.equal(plain.for_gradient(files), plain(files))


# the pace


def test_a_chunk_below_1_is_refused() -> None:
    with pytest.raises(OptionError, match="at least 1 picture, got 0"):
        Pace(chunk=0)


def cost(table: Mapping[int, float]) -> Callable[[nn.Module, Tensor, int], float]:
    """A clock: seconds per picture by chunk, a tenth less in the usual layout."""

    def seconds(module: nn.Module, _sample: Tensor, chunk: int) -> float:
        return table[chunk] * (1.0 if isinstance(module, ChannelsLast) else 0.9)

    return seconds


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({64: 1.0, 128: 0.8, 32: 0.1}, 128),  # up, and then no look down
        ({64: 1.0, 128: 0.99, 32: 0.8, 16: 0.5, 8: 0.7}, 16),
        ({64: 1.0, 128: 0.95, 32: 0.95}, 64),  # a gain within the noise of the clock chooses nothing
        ({64: 1.0, 128: 2.0, 32: 0.8, 16: 0.7, 8: 0.6, 4: 0.5}, 4),
    ],
)
def test_the_quickest_chunk_is_climbed_to(
    table: Mapping[int, float], expected: int, twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "seconds_per_picture", cost(table))
    monkeypatch.setattr(pace, "SECONDS", 60.0)
    got = measured({False: twin, True: ChannelsLast(copy.deepcopy(twin))}, images)
    assert got == Pace(chunk=expected, channels_last=False)
    assert measured({True: ChannelsLast(copy.deepcopy(twin))}, images) == Pace(chunk=expected, channels_last=True)


def test_when_time_is_up_the_first_guess_stands(twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.0)
    monkeypatch.setattr(pace, "seconds_per_picture", cost({64: 1.0}))
    assert measured({False: twin, True: twin}, images) == Pace(chunk=MOST // 2, channels_last=True)


def test_a_tiny_network_is_spared_the_choice(twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "seconds_per_picture", cost({64: 1e-5}))
    assert measured({False: twin, True: ChannelsLast(copy.deepcopy(twin))}, images) == Pace(chunk=MOST)


def test_a_chunk_that_fails_is_not_chosen(twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(_module: nn.Module, _sample: Tensor, chunk: int) -> float:
        if chunk > 32:
            raise RuntimeError("out of memory")
        return 1 / chunk

    monkeypatch.setattr(pace, "seconds_per_picture", seconds)
    assert measured({True: twin}, images).chunk == 32


def test_a_first_guess_that_fails_is_climbed_down_from(
    twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(_module: nn.Module, _sample: Tensor, chunk: int) -> float:
        if chunk > 16:
            raise RuntimeError("out of memory")
        return 1.0

    monkeypatch.setattr(pace, "seconds_per_picture", seconds)
    monkeypatch.setattr(pace, "most", lambda _sample: 1024)
    assert measured({False: twin, True: twin}, images) == Pace(chunk=16)


def test_the_first_guess_is_what_fits_the_cache() -> None:
    def first(size: int) -> int:
        keeps = nn.Sequential(nn.Upsample(size=size), nn.Sigmoid(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return first_chunk(keeps, torch.rand(1, 3, 8, 8))

    assert first(16) == MOST // 2
    assert first(512) == 16  # 3 MiB a picture, 64 in all: 21 pictures
    assert first(2560) == LEAST


def test_a_given_pace_is_kept_and_measures_nothing(twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_module, "measured", None)
    for chosen in (Pace(chunk=3, channels_last=False), Pace(chunk=7)):
        prepared = prepare(twin, images, pace=chosen)
        assert (prepared.pace, prepared.chunk) == (chosen, chosen.chunk)
        assert isinstance(prepared.twin, ChannelsLast) == chosen.channels_last


class Viewing(nn.Module):
    """Flattens with `view`, which refuses channels-last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        return made.view(len(made), -1)


def test_a_network_that_refuses_channels_last_runs_without(images: Tensor) -> None:
    prepared = prepare(Viewing().eval(), images)
    assert not prepared.pace.channels_last
    assert prepared.notes == ("not channels-last: it needs the usual layout",)
    assert prepared(images).shape == (10, 400)


# bfloat16


def rough_net(wrong: int) -> Prepared:
    """A twin that reads everything as class 0, whose quick half reads everything as another class."""

    class Constant(nn.Module):
        def __init__(self, said: int) -> None:
            super().__init__()
            self.said = said

        def forward(self, x: Tensor) -> Tensor:
            bright = x.mean((1, 2, 3))[:, None]
            return torch.eye(3)[self.said].expand(len(x), 3) + bright * torch.tensor([1e-3, 0.0, 0.0])

    return Prepared(Constant(0), pace=Pace(chunk=4, bfloat16=True), quick=Constant(wrong))


def test_what_only_the_rough_half_misreads_is_no_success(images: Tensor) -> None:
    outcome = attack(Pgd(steps=3), rough_net(1), images, torch.zeros(10, dtype=torch.int64), Threat(eps=0.02))
    assert (outcome.found, int(outcome.proposed.sum())) == (0, 0)
    assert (outcome.forwards > outcome.backwards).all()  # each rough hit was asked about again


def test_rough_logits_are_not_believed_though_an_attack_offers_them(images: Tensor) -> None:
    model, labels = rough_net(0), torch.zeros(10, dtype=torch.int64)
    problem = Problem(
        model, images, labels, threat=Threat(eps=0.1), goal=Untargeted(), kind="fixed", classes=3, mask=None, seed=0
    )
    said = torch.tensor([[0.0, 9.0, 0.0]]).expand(10, 3)
    assert not problem.offer(images, torch.arange(10), logits=said).any()
    assert not problem.proposed.any()


def test_bfloat16_gradients_find_what_float32_confirms(
    twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed_module, "has_bfloat16", lambda _device: True)
    monkeypatch.setattr(speed_module, "seconds_per_picture", _by_type)
    prepared = prepare(twin, images, bfloat16=True)
    assert prepared.pace.bfloat16
    assert prepared.rough
    assert prepared.notes[-1].startswith("gradients in bfloat16, cosine 0.9")
    assert prepared(images).dtype == torch.float32
    assert torch.allclose(prepared(images), twin(images), atol=1e-5)  # a verdict is float32's
    labels = twin(images).argmax(1)
    rough, exact = (attack(Pgd(), model, images, labels, Threat(eps=0.05)) for model in (prepared, twin))
    assert abs(rough.found - exact.found) <= 1
    assert (twin(rough.images).argmax(1) != labels).sum() == rough.found
    again = prepare(twin, images, pace=prepared.pace)
    assert again.pace == prepared.pace


def _by_type(module: nn.Module, _sample: Tensor, _chunk: int) -> float:
    return 1.0 if isinstance(module, Bfloat16) else 2.0


def test_bfloat16_is_refused_where_it_does_not_help(
    twin: Twin, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(module: nn.Module = twin) -> str:
        prepared = prepare(module, images, bfloat16=True)
        assert not prepared.rough
        assert not prepared.pace.bfloat16
        return prepared.notes[-1]

    monkeypatch.setattr(speed_module, "has_bfloat16", lambda _device: False)
    assert notes() == "not bfloat16: the device does not compute in it"
    monkeypatch.setattr(speed_module, "has_bfloat16", lambda _device: True)
    monkeypatch.setattr(speed_module, "seconds_per_picture", lambda *_: 1.0)
    assert notes() == "not bfloat16: it is no quicker here"
    monkeypatch.setattr(speed_module, "LIKENESS", 2.0)
    assert notes().startswith("not bfloat16: its gradients are too unlike those of float32, cosine ")

    class Fussy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1) @ torch.eye(432, 3)

    assert notes(Fussy()) == "not bfloat16: it fails with RuntimeError"


def test_the_cpu_says_whether_it_computes_in_bfloat16() -> None:
    assert isinstance(has_bfloat16(torch.device("cpu")), bool)


# devices


@pytest.mark.parametrize("kind", ATTACKS, ids=lambda kind: kind.name)
def test_attacks_make_their_tensors_where_the_images_are(kind: type[Attack], twin: Twin, images: Tensor) -> None:
    """With torch's default on a device that holds no values, a tensor made without `device` spoils the run."""
    labels = twin(images).argmax(1)
    model = prepare(twin, images, pace=FIXED)
    norm = kind.norms[0]
    generator = torch.Generator().manual_seed(0)
    threat = Threat(norm=norm, eps=8 if norm == "l0" else 0.1)
    with torch.device("meta"):
        outcome = execute(kind(), model, images, labels, threat=threat, generator=generator)
    assert outcome.images.device.type == "cpu"


@pytest.mark.hardware
@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_gpu_finds_what_the_cpu_finds(bfloat16: bool, zoo: ModuleType) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    twin = make_twin(zoo.cifar10_resnet20())
    images = torch.randint(0, 256, (32, 3, 32, 32), generator=torch.Generator().manual_seed(0)).float() / 255
    labels = twin(images).argmax(1)
    there = prepare(twin, images[:4], device="cuda", bfloat16=bfloat16)
    threat = Threat(eps=1 / 255)
    found = attack(Pgd(), there, images.cuda(), labels.cuda(), threat)
    expected = attack(Pgd(), prepare(twin, images[:4]), images, labels, threat)
    assert found.images.is_cuda
    assert abs(found.found - expected.found) <= 2
    assert next(twin.parameters()).device.type == "cpu"
