"""The doctor: what works here, what it says of what does not, and that asking imports nothing heavy."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from misread.runtime import doctor, machine, packages
from misread.runtime.doctor import diagnose, encoding_warnings
from misread.runtime.packages import Wheel
from misread.runtime.threads import usable_threads


def test_the_floor_works_where_the_tests_run() -> None:
    found = diagnose()
    assert (found.passed, found.exit_code, found.problems) == (True, 0, ())
    assert [part.name for part in found.parts] == ["numpy", "onnxruntime", "cv2"]
    assert all(part.version for part in found.parts)
    assert "CPUExecutionProvider" in found.providers
    assert found.threads == found.processors.usable == usable_threads()
    assert found.prefix == sys.prefix
    assert found.int8


def test_asking_imports_neither_torch_nor_onnx() -> None:
    code = (
        "from misread.runtime.doctor import diagnose; diagnose(); "
        "import sys; print({'torch', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("broken", ["numpy", "onnxruntime", "cv2"])
@pytest.mark.parametrize("error", [ImportError("libGL.so.1: cannot open\nmore"), OSError()])
def test_a_part_that_cannot_be_imported_is_said_with_its_cure(
    broken: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module

    def importing(name: str) -> Any:
        if name == broken:
            raise error
        return load(name)

    monkeypatch.setattr(doctor, "import_module", importing)
    found = diagnose()
    assert (found.passed, found.exit_code) == (False, 1)
    (problem,) = found.problems
    assert problem.startswith(
        f"{broken} cannot be imported ({str(error).splitlines()[0] if str(error) else 'OSError'})"
    )
    assert "type: pip install --force-reinstall" in problem


@pytest.mark.parametrize(
    ("name", "double"),
    [
        ("numpy", SimpleNamespace(__version__="1", arange=lambda _: SimpleNamespace(sum=lambda: 5))),
        (
            "onnxruntime",
            SimpleNamespace(
                __version__="1",
                InferenceSession=lambda *_, **__: SimpleNamespace(run=lambda *_: [SimpleNamespace(tolist=lambda: [9])]),
            ),
        ),
        ("cv2", SimpleNamespace(__version__="1", imencode=lambda *_: (False, None))),
    ],
)
def test_a_part_that_imports_and_does_not_work_is_broken(
    name: str, double: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module
    monkeypatch.setattr(doctor, "import_module", lambda wanted: double if wanted == name else load(wanted))
    found = diagnose()
    assert [part.version for part in found.parts if part.problem] == ["1"]
    assert f"{name} 1 does not work" in found.problems[0]


def test_a_machine_with_little_room_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    small = machine.Room(
        memory_bytes=2**29, free_bytes=200 * 2**20, limit_bytes=None, folder="/data", disk_free_bytes=3 * 2**20
    )
    monkeypatch.setattr(machine, "room", lambda: small)
    found = diagnose().warnings
    assert "only 200 MiB of memory are free" in found
    assert "only 3 MiB in /data are free" in found


def test_a_pair_that_does_not_match_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packages, "wheel", {"torch": Wheel(version="2.13.0"), "torchvision": Wheel(version="0.27.0")}.get
    )
    monkeypatch.setattr(packages, "versions", lambda: ())
    assert any("torchvision 0.27.0 belongs to torch 2.12" in warning for warning in diagnose().warnings)


@pytest.mark.parametrize(
    ("encoding", "warned"), [("utf-8", False), (None, False), ("ascii", True), ("latin-1", True), ("nonsense", True)]
)
def test_a_terminal_that_cannot_show_labels_is_warned_of(encoding: str | None, warned: bool) -> None:
    found = encoding_warnings(encoding)
    assert bool(found) is warned
    assert not warned or found[0].startswith(f"standard output is {encoding} and cannot show all labels")
