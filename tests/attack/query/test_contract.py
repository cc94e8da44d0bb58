"""What every attack that only asks must do, whatever its norm: exact counts, mask, goals, seeds, plateaus, a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from misread.assets import scenes_csv
from misread.attack.base import Attack, Goal, Norm, Outcome, Targeted, Threat, execute
from misread.attack.query import QUERY_ATTACKS
from misread.attack.query.reader import ReaderModel
from misread.data import find_samples
from misread.export.run import ExportOptions, export_builds
from misread.pixels import fit, read_image
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.selftest.oracle import Instance

CASES = [(kind, norm) for kind in QUERY_ATTACKS for norm in kind.norms]
cases = pytest.mark.parametrize(("kind", "norm"), CASES, ids=[f"{kind.name}-{norm}" for kind, norm in CASES])
ROOMY = {"linf": 0.2, "l2": 4.0, "l1": 60.0, "l0": 40}
"""A good deal more than the nearest misreading change of the closed-form instance needs."""


def _made(kind: Callable[..., Attack], queries: int, **options: Any) -> Attack:
    return kind(queries=queries, **options)


def _run(
    attack: Attack,
    instance: Instance,
    rows: list[int],
    norm: Norm,
    *,
    eps: float | None = None,
    seed: int = 1,
    mask: Tensor | None = None,
    goal: Goal | None = None,
    double: bool = False,
) -> Outcome:
    model, images = instance.model(), instance.images[rows]
    return execute(
        attack,
        model.double() if double else model,
        images.double() if double else images,
        instance.labels[rows],
        threat=Threat(norm=norm, eps=eps or ROOMY[norm]),
        generator=torch.Generator().manual_seed(seed),
        mask=mask,
        goal=goal,
    )


@cases
@pytest.mark.parametrize("queries", [2, 31])
@pytest.mark.parametrize("levels", [256, None])
def test_the_passes_at_the_model_are_those_counted_and_no_more(
    kind: type[Attack], norm: Norm, queries: int, levels: Any
) -> None:
    """Each image is known by its first pixel, which the mask keeps; one of them gives way, so offers are made too."""
    seen = torch.zeros(3, dtype=torch.int64)

    def model(x: Tensor) -> Tensor:
        number = (x[:, 0, 0, 0] * 255).round().long()
        seen.index_add_(0, number, torch.ones_like(number))
        spread = (x - 0.5).abs().flatten(1).sum(1)
        need = torch.tensor([100.0, 100.0, 9.0])[number]
        return torch.stack([need, spread], 1)

    images = torch.full((3, 3, 5, 4), 128 / 255)
    images[:, :, 0, 0] = torch.arange(3)[:, None] / 255
    mask = torch.ones(5, 4, dtype=torch.bool)
    mask[0, 0] = False
    outcome = execute(
        _made(kind, queries),
        model,
        images,
        torch.zeros(3, dtype=torch.int64),
        threat=Threat(norm=norm, eps=4 / 255 if norm == "linf" else 4.0, levels=levels),
        mask=mask,
        generator=torch.Generator().manual_seed(0),
    )
    assert torch.equal(seen - 2, outcome.forwards)  # two passes measure
    assert (outcome.forwards <= queries).all()
    if kind.kind == "fixed":  # a minimal one may run out of starts; these three have all the same work
        assert (outcome.forwards[:2] >= queries - 1).all()
    assert not outcome.backwards.any()
    assert not outcome.refused.any()


@cases
def test_finds_with_room_and_stays_inside_the_mask(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    mask = torch.zeros(8, 1, 28, 28, dtype=torch.bool)
    mask[1:, :, 4:, :20] = True
    rows = list(range(8))
    outcome = _run(_made(kind, 600), grid_instance, rows, norm, eps=ROOMY[norm] * 2, mask=mask)
    assert outcome.success.tolist() == [False, *[True] * 7]
    assert outcome.forwards[0] == 0  # nothing may change, so nothing is asked
    assert not (outcome.images != grid_instance.images[rows])[~mask].any()
    assert (outcome.size[1:] <= ROOMY[norm] * 2).all()


@cases
def test_aims_at_the_target(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    """Decision-based attacks begin at an image of the target; its class is all that they are told of it."""
    target = (int(grid_instance.labels[0]) + 5) % 10
    of_target = grid_instance.images[grid_instance.labels == target][:1]
    options = {"start": of_target} if kind.kind == "minimal" else {}
    eps = float(grid_instance.optimum(norm, target)[0]) * 2
    attack = _made(kind, 2000, **options)
    outcome = _run(attack, grid_instance, [0], norm, eps=round(eps) if norm == "l0" else eps, goal=Targeted(target))
    assert outcome.found == 1
    assert outcome.logits.argmax(1).tolist() == [target]


@cases
def test_alone_or_in_company_the_result_is_the_same(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    def run(rows: list[int]) -> Outcome:
        return _run(_made(kind, 400), grid_instance, rows, norm, double=True)

    together, reversed_, alone = run([0, 1, 2, 3]), run([3, 2, 1, 0]), run([2])
    assert together.found > 0
    assert torch.equal(together.images, reversed_.images.flip(0))
    assert torch.equal(together.forwards, reversed_.forwards.flip(0))
    assert torch.equal(together.images[2], alone.images[0])
    assert together.forwards[2] == alone.forwards[0]


@cases
def test_the_generator_decides_alone(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    images = []
    model = grid_instance.model()
    for seed in (5, 5, 6):
        torch.rand(7)  # move the global state
        before = torch.get_rng_state()
        outcome = execute(
            _made(kind, 400 if norm == "l0" else 150),
            model,
            grid_instance.images[:3],
            grid_instance.labels[:3],
            threat=Threat(norm=norm, eps=ROOMY[norm]),
            generator=torch.Generator().manual_seed(seed),
        )
        assert torch.equal(before, torch.get_rng_state())
        assert outcome.found > 0
        images.append(outcome.images)
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


@cases
def test_a_coarse_output_does_not_stop_it(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    """Logits in steps that no single change of a pixel crosses, as those of a quantised build."""
    plain = grid_instance.model(1.0)
    outcome = execute(
        _made(kind, 1200),
        lambda x: (plain(x) / 0.02).round() * 0.02,
        grid_instance.images[:2],
        grid_instance.labels[:2],
        threat=Threat(norm=norm, eps={"linf": 0.09, "l2": 2.0}.get(norm, 30)),
        generator=torch.Generator().manual_seed(1),
    )
    assert (outcome.found, outcome.attempted) == (2, 2)


@cases
def test_answers_that_are_not_finite_count_for_nothing(kind: type[Attack], norm: Norm, grid_instance: Instance) -> None:
    plain = grid_instance.model(1.0)

    def sick(x: Tensor) -> Tensor:
        """Poisoned wherever the first pixel has changed."""
        same = (x[:, 0, 0, 0] == grid_instance.images[0, 0, 0, 0])[:, None]
        logits: Tensor = plain(x)
        return torch.where(same, logits, torch.nan)

    outcome = execute(
        _made(kind, 400),
        sick,
        grid_instance.images[:1],
        grid_instance.labels[:1],
        threat=Threat(norm=norm, eps=ROOMY[norm]),
        generator=torch.Generator().manual_seed(1),
    )
    assert int(outcome.forwards.max()) <= 400
    assert torch.isfinite(outcome.images).all()
    assert torch.isfinite(outcome.logits).all()


@pytest.fixture(scope="module")
def int8_signs(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The shipped classifier as an int8 file in onnxruntime, calibrated on a handful of scenes."""
    out = tmp_path_factory.mktemp("int8") / "signs.onnx"
    export_builds(ExportOptions(origin="signs", out=out, precisions=("int8",), calibration_pictures=8))
    return Deployed.open(out, options=SessionOptions(threads=1))


@cases
def test_attacks_an_int8_file_in_onnxruntime(kind: type[Attack], norm: Norm, int8_signs: Deployed) -> None:
    samples = find_samples(scenes_csv(), int8_signs.card.labels)[:2]
    prepared = np.stack([fit(read_image(sample.path), int8_signs.card) for sample in samples])
    pictures = torch.from_numpy(prepared).permute(0, 3, 1, 2).contiguous() / 255
    labels = torch.tensor([sample.label for sample in samples])
    outcome = execute(
        _made(kind, 60),
        ReaderModel(int8_signs),
        pictures,
        labels,
        threat=Threat(norm=norm, eps={"linf": 0.5, "l2": 30.0}.get(norm, 1800)),
        generator=torch.Generator().manual_seed(0),
    )
    assert (outcome.found, outcome.attempted) == (2, 2)
    assert int(outcome.forwards.max()) <= 60
    levels = (outcome.images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert (int8_signs.read_prepared(levels).classes != labels.numpy()).all()
