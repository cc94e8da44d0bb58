"""The benchmark starts, reads its arguments, and counts what it says it counts; times are never looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from benchmarks.attacks import Done, Entry, Judge, main, parse, ratios
from benchmarks.tasks import TASKS, oracle
from misread.attack.threads import torch_threads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIBRARY = """
import torch
class PGD:
    def __init__(self, model, *, eps, alpha, steps):
        self.model, self.eps, self.steps = model, eps, steps
    def __call__(self, images, labels):
        print("a library may talk")
        for _ in range(self.steps):
            point = images.requires_grad_()
            loss = torch.nn.functional.cross_entropy(self.model(point), labels)
            (slope,) = torch.autograd.grad(loss, point)
        return (images + self.eps * slope.sign()).clamp(0, 1)
"""


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """The script sets them."""
    with torch_threads(1):
        yield


def test_misread_alone_on_four_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "result.json"
    assert main(["--images", "4", "--steps", "3", "--threads", "1", "--json", str(out)]) == 0
    result = json.loads(out.read_text(encoding="utf-8"))
    assert [row["name"] for row in result["entries"]] == ["misread pgd 3", "misread apgd 3", "misread apgd-t 3"]
    assert (result["images"], result["ratios"]) == (4, [])
    assert all(row["passes"] >= 2 for row in result["entries"])
    assert "misread apgd-t 3" in capsys.readouterr().out


def test_a_minimal_attack_is_held_against_the_exact_optimum(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    main(["--images", "4", "--kind", "minimal", "--norm", "l2", "--real", "--threads", "1", "--json", str(out)])
    (row,) = json.loads(out.read_text(encoding="utf-8"))["entries"]
    assert row["best_is"] == "exact"
    assert row["success"] == 4
    assert 1 <= row["over_best_median"] < 1.01


def test_another_library_works_in_another_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torchattacks.py").write_text(LIBRARY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = tmp_path / "result.json"
    arguments = ["--images", "6", "--block", "4", "--batch", "2", "--steps", "3", "--only", "pgd 3", "--threads", "1"]
    main([*arguments, "--peers", "--json", str(out)])
    result = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in result["entries"]}
    assert set(rows) == {"misread pgd 3", "misread apgd 3", "torchattacks pgd 3"}
    assert (rows["torchattacks pgd 3"]["passes"], rows["torchattacks pgd 3"]["gradients"]) == (3, 3)
    assert rows["torchattacks pgd 3"]["success"] <= rows["misread pgd 3"]["success"]
    (line,) = result["ratios"]
    assert line["equal_steps"] > 0
    assert "a library may talk" in capfd.readouterr().err


def test_an_interpreter_that_cannot_do_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="the other interpreter ended"):
        main(["--images", "2", "--threads", "1", "--peers", "/bin/false"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--norm", "l2"], "add --kind minimal"),
        (["--images", "0"], "at least 1"),
        (["--steps", "0", "5"], "at least 1"),
        (["--task", "svhn"], "invalid choice"),
    ],
)
def test_nonsense_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)
    assert said in capsys.readouterr().err


def test_the_judge_believes_nobody() -> None:
    task = oracle().right(4)
    clean = torch.from_numpy(task.images)
    entry, judge = Entry(name="x"), Judge(model=task.model(), task=task, kind="fixed", norm="linf")
    far = torch.where(torch.arange(4).view(-1, 1, 1, 1) == 0, clean, 1 - clean)
    far[1] = torch.nan
    judge.add(entry, Done(images=far, seconds=1.0, forwards=8, backwards=4), (0, 4))
    assert entry.sizes == [torch.inf] * 4  # unchanged, not finite, outside the budget
    assert (entry.kept, entry.seconds, entry.forwards, entry.backwards) == (0, 1.0, 8, 4)


def test_ratios_compare_what_is_alike() -> None:
    inf = torch.inf
    mine = [
        Entry(name="misread pgd 10", seconds=1.0, forwards=10, sizes=[1.0, inf]),
        Entry(name="misread apgd 10", seconds=3.0, forwards=10, sizes=[1.0, 2.0]),
    ]
    peer = Entry(name="foolbox pgd 10", seconds=4.0, forwards=20, sizes=[2.0, 2.0])
    better = Entry(name="foolbox other 10", seconds=4.0, forwards=20, sizes=[2.0, 2.0, 2.0])
    first, second = ratios([*mine, peer, better])
    assert first == {
        "peer": "foolbox pgd 10",
        "equal_steps": 0.25,
        "per_pass": 0.5,
        "equal_success": 0.75,
        "by": "misread apgd 10",
    }
    assert (second["equal_steps"], second["equal_success"], second["by"]) == (None, None, None)


@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_pictures_of_others_are_read(name: str, shared_data: Path) -> None:
    task = TASKS[name]().right(20)
    assert task.images.shape[0] == 20
    assert 0 <= task.images.min() <= task.images.max() == 1
    assert len(set(task.labels.tolist())) >= 8
