"""The doctor: what works here, what it says of what does not, and that asking imports nothing heavy."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from misread.runtime import doctor
from misread.runtime.doctor import diagnose, extras

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_floor_works_where_the_tests_run() -> None:
    found = diagnose()
    assert (found.passed, found.exit_code, found.problems) == (True, 0, ())
    assert [part.name for part in found.parts] == ["numpy", "onnxruntime", "cv2"]
    assert all(part.version for part in found.parts)
    assert "CPUExecutionProvider" in found.providers
    assert found.threads >= 1
    assert found.int8


def test_asking_imports_neither_torch_nor_onnx() -> None:
    code = (
        "from misread.runtime.doctor import diagnose; diagnose(); "
        "import sys; print({'torch', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_extra_says_what_it_lacks_and_how_to_get_it() -> None:
    found = {extra.name: extra for extra in extras(lambda module: module != "torch")}
    assert found["attack"].missing == ("torch",)
    assert found["attack"].install == "pip install 'misread[attack]'"
    assert found["video"].missing == ()


def test_a_module_whose_parent_is_broken_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: str) -> None:
        raise ValueError(module)

    monkeypatch.setattr(doctor, "find_spec", refuse)
    assert all(extra.missing for extra in extras())


def test_the_extras_are_those_of_the_project() -> None:
    if not PROJECT.is_file():
        pytest.skip("no pyproject.toml beside the tests")
    declared = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for name, modules in doctor.EXTRAS:
        brought = declared[name] if name != "attack" else declared["export"]
        assert [entry.partition(">")[0].replace("-", "_") for entry in brought] == list(modules)


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


def test_two_wheels_of_one_module_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"onnxruntime", "onnxruntime-gpu", "opencv-python"}

    def distribution(name: str) -> str:
        if name not in both:
            raise metadata.PackageNotFoundError(name)
        return name

    monkeypatch.setattr(metadata, "distribution", distribution)
    (warning,) = diagnose().warnings
    assert warning.startswith("onnxruntime and onnxruntime-gpu are both installed")
