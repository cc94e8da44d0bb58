from __future__ import annotations

import numpy as np
import pytest

from misread.attack.selftest.oracle import instance_b, l0, l1, l2, linf, two_class


def test_published_medians_of_instance_b() -> None:
    instance = instance_b()
    medians = {norm: float(np.sort(instance.optimum(norm))[31]) for norm in ("l2", "linf", "l1", "l0")}
    assert medians == pytest.approx({"l2": 0.7397, "linf": 0.0337, "l1": 7.616, "l0": 10}, rel=2e-3)


def test_unboxed_answers_are_the_dual_norms() -> None:
    slope, room = np.array([3.0, 4.0]), np.array([9.0, 9.0])
    assert linf(slope, room, 7.0) == pytest.approx(1.0)
    assert l2(slope, room, 10.0) == pytest.approx(2.0)
    assert l1(slope, room, 4.0) == pytest.approx(1.0)
    assert l0(slope, room, 36.5) == 2


def test_no_answer_is_infinite() -> None:
    slope, room = np.array([1.0, 1.0]), np.array([0.5, 0.5])
    assert [solve(slope, room, 1.01) for solve in (linf, l2, l1, l0)] == [np.inf] * 4


def test_two_class_needs_the_levels_it_says() -> None:
    assert two_class(7.5).optimum_levels() == [8]
    assert two_class(7.5).optimum("linf") == pytest.approx([7.5 / 255], rel=1e-5)  # 128/255 is not exact in float32
