"""What `import misread` gives: frozen, lazy, typed, and never hidden by a package of the same name."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import misread

#: To add a name is a new feature; to take one away breaks users.
FROZEN: Final = (
    "Assessment AttackResult BuildVerdict Bundle CardFacts CheckFailed Comparison Deployed Evaluation ExportResult "
    "FunctionReader InputError Inspection Judgement MisreadError MissingExtra ModelCard Origin Perf QuantizeResult "
    "Reading RuntimeFailure SessionOptions Verdict Verification Witness as_json assess attack_to_bundle compare "
    "evaluate export_builds inspect load_build load_bundle load_origin perf quantize verify"
)
HOST: Final = (
    "Assessment", "AttackResult", "ExportResult", "Origin", "QuantizeResult", "load_origin",
)  # fmt: skip


def said_to_a_type_checker() -> dict[str, str]:
    """Name -> module, as the imports under TYPE_CHECKING say."""
    tree = ast.parse(Path(misread.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)


def test_the_names_are_frozen() -> None:
    assert " ".join(misread.__all__) == FROZEN
    assert sorted(misread.__all__) == misread.__all__
    assert set(misread.__all__) <= set(dir(misread))


def test_no_name_is_that_of_a_module() -> None:
    """An imported module is put over any attribute of its name, so that such a call would work until it does not."""
    modules = {found.name for found in pkgutil.iter_modules(misread.__path__)}
    assert {"attack", "export"} <= modules
    assert modules.isdisjoint(misread.__all__)


def test_a_type_checker_is_told_the_same() -> None:
    homes = {name: f"misread.{home}" for home, names in misread._HOMES.items() for name in names}
    assert homes == said_to_a_type_checker()
    assert sorted(homes) == misread.__all__


@pytest.mark.parametrize("name", misread.__all__)
def test_a_name_is_what_its_home_has(name: str) -> None:
    if name in HOST:
        pytest.importorskip("torch")
    home = importlib.import_module(said_to_a_type_checker()[name])
    assert getattr(misread, name) is vars(home)[name]
    assert getattr(misread, name).__doc__


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'misread' has no attribute 'verfy'"):
        misread.__getattr__("verfy")
    with pytest.raises(ImportError):
        exec("from misread import nix")  # noqa: S102


def test_the_import_is_light() -> None:
    found = run("import sys, misread; print(sorted({'numpy', 'cv2', 'onnxruntime', 'torch'} & set(sys.modules)))")
    assert found.stdout.strip() == "[]", found.stderr


WITHOUT_TORCH: Final = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "onnx"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
import misread
misread.verify, misread.Deployed, misread.export_builds
for call in (
    lambda: misread.load_origin,
    lambda: misread.AttackResult,
    lambda: misread.export_builds("signs", "a.onnx"),
    lambda: misread.quantize("a.onnx", "b.onnx"),
    lambda: misread.attack_to_bundle("signs", "b"),
    lambda: misread.assess("signs", 0.1),
    lambda: misread.evaluate("signs", "d"),
):
    try:
        call()
    except misread.MissingExtra as error:
        print(error)
"""


def test_a_device_is_told_which_extra_is_missing() -> None:
    found = run(WITHOUT_TORCH)
    lines = found.stdout.splitlines()
    assert len(lines) == 7, found.stderr
    assert all("which is not installed; type: pip install 'misread[" in line for line in lines)
    assert [line.rpartition("[")[2] for line in lines] == [
        f"{extra}]'" for extra in ("export", "attack", "export", "export", "attack", "attack", "export")
    ]


@pytest.mark.parametrize("home", ["nix", "attack.nix"])
def test_a_module_that_is_missing_for_another_reason_is_a_bug(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    if home.startswith("attack"):
        pytest.importorskip("torch")
    monkeypatch.setattr(misread, "_HOMES", {home: ("planted",)})
    with pytest.raises(ModuleNotFoundError, match="nix"):
        misread.__getattr__("planted")
