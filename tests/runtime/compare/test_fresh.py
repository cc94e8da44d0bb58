"""A reader in a process of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import ModelRunError
from misread.runtime.compare import fresh
from misread.runtime.compare.fresh import read_afresh, read_in
from misread.runtime.session import Deployed
from tests.runtime.compare.builds import write_build

if TYPE_CHECKING:
    from pathlib import Path


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


def failing() -> Deployed:
    raise ModelRunError("the planted fault")


def test_a_fresh_process_reads_the_same(tmp_path: Path) -> None:
    path = write_build(tmp_path / "a.onnx")
    opening = partial(Deployed.open, path)
    logits = read_afresh(opening, pictures(9), environment={"MISREAD_TEST": "1"})
    np.testing.assert_allclose(logits, Deployed.open(path).read_prepared(pictures(9)).logits, rtol=1e-4, atol=1e-4)


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(ModelRunError, match=r"a fresh process failed: .*the planted fault"):
        read_afresh(failing, pictures(1))


def test_what_cannot_be_handed_over_is_said() -> None:
    with pytest.raises(ModelRunError, match="another process cannot open this reader"):
        read_afresh(lambda: failing(), pictures(1))  # noqa: PLW0108  a lambda is what cannot be handed over


def test_a_process_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "TIMEOUT_S", 0.0)
    with pytest.raises(ModelRunError, match="did not answer"):
        read_afresh(partial(Deployed.open, tmp_path / "a.onnx"), pictures(1))


def test_the_child_s_work(tmp_path: Path) -> None:
    import pickle

    path = write_build(tmp_path / "a.onnx")
    (tmp_path / "opening.pickle").write_bytes(pickle.dumps(partial(Deployed.open, path)))
    np.save(tmp_path / "pictures.npy", pictures(3))
    read_in(tmp_path)
    assert np.load(tmp_path / "logits.npy").shape == (3, 8)
