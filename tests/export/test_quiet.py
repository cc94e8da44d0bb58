from __future__ import annotations

import logging
import random
import sys
import warnings

import numpy as np
import pytest
import torch

from misread.export.quiet import kept_randomness, quiet, user_code


def states() -> tuple[bytes, str, object]:
    return torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state()), random.getstate()  # noqa: NPY002


def draw() -> None:
    torch.rand(3)
    np.random.rand(3)  # noqa: NPY002  what foreign code does
    random.random()  # noqa: S311


def draw_and_fail() -> None:
    draw()
    raise ValueError("planted")


def test_noise_stays_inside(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with quiet() as said:
        print("to standard output")  # noqa: T201
        print("to standard error", file=sys.stderr)  # noqa: T201
        warnings.warn("deprecated", stacklevel=1)
        logging.getLogger("torch.onnx").error("logged")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert said.getvalue() == "to standard output\nto standard error\n"
    logging.getLogger("torch.onnx").error("after")
    assert [record.message for record in caplog.records] == ["after"]


def test_the_random_states_are_as_before_exceptions_included() -> None:
    before = states()
    with pytest.raises(ValueError, match="planted"), quiet():
        draw_and_fail()
    assert states() == before
    with kept_randomness():
        draw()
    assert states() == before
    draw()
    assert states() != before


def test_a_users_prints_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with user_code():
        print("building")  # noqa: T201
    assert capsys.readouterr() == ("", "building\n")
