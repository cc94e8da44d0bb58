"""The architecture under test: which floor may import which, how large a file may grow, what state it may hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import misread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE: Final = Path(misread.__file__).parent

# Lower floors first. A part imports from the floors below it and from its own floor, never from above.
FLOORS: Final = (
    ("", "errors"),
    ("archive", "files", "picture_header", "registry", "sniff", "text"),
    ("card", "cards", "change", "formats", "pixels", "resample", "taps", "labels", "wish"),
    ("stats", "data", "bundle", "assets", "flags"),
    ("runtime",),
    ("export", "report"),
    ("attack",),
    ("demo",),
    ("library",),
    ("cli", "pytest_plugin"),
    ("__main__",),
)
HOST: Final = frozenset({"export", "attack"})  # torch and onnx are at home here and nowhere else
OVER_BOTH: Final = frozenset({"demo", "library", "cli", "__main__"})  # may call the host floor; cli inside functions
BASE_PACKAGES: Final = frozenset({"misread", "numpy", "onnxruntime", "cv2"})
HOST_PACKAGES: Final = BASE_PACKAGES | {"torch", "onnx", "onnxscript", "onnx_ir", "safetensors", "sympy"}
EXTRA_PACKAGES: Final = frozenset({"av", "fpdf"})  # of the extras video and sheet
BLOCKED: Final = (*sorted(HOST_PACKAGES - BASE_PACKAGES), "PIL", "scipy", "matplotlib", *sorted(EXTRA_PACKAGES))
MUTABLE_CALLS: Final = frozenset({"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict"})
MAX_FILE_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 70

SOURCES: Final = tuple(sorted(PACKAGE.rglob("*.py")))


def part_of(path: Path) -> str:
    """Return the part a file belongs to: `runtime` for runtime/session.py, `errors` for errors.py, `` for the root."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def module_name(path: Path) -> str:
    parts = ("misread", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor(part: str) -> int:
    """Return the height of a part; a part that no floor names belongs into FLOORS first."""
    heights = {name: height for height, names in enumerate(FLOORS) for name in names}
    return heights[part]


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every absolute import, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            own_root = node.module == "misread"
            yield from ((node.lineno, f"misread.{a.name}" if own_root else node.module) for a in node.names)


def upward_imports(part: str, source: str) -> list[str]:
    """Return what `source`, a file of `part`, imports from a floor it may not see.

    The root names the whole library, but for a type checker only: there it may see every floor.
    """
    found = []
    tree = ast.parse(source)
    if part == "":
        tree.body = [node for node in tree.body if ast.unparse(node).partition("\n")[0] != "if TYPE_CHECKING:"]
    for line, name in imports(tree):
        pieces = name.split(".")
        if pieces[0] != "misread" or name == "misread.__version__":
            continue
        other = pieces[1] if len(pieces) > 1 else ""
        hidden = other in HOST and part not in HOST | OVER_BOTH
        if hidden or floor(other) > floor(part):
            found.append(f"line {line}: {part} may not import {name}")
    return found


def undeclared_imports(part: str, source: str) -> list[str]:
    """Return the packages that `source` imports and that the extra of its floor does not bring."""
    allowed = HOST_PACKAGES if part in HOST | {"demo"} else BASE_PACKAGES
    if part in {"cli", "__main__"}:
        allowed = frozenset({"misread", "typer"})
    if part == "pytest_plugin":
        allowed |= {"pytest"}  # it is loaded by pytest alone
    if part == "runtime":
        allowed |= EXTRA_PACKAGES  # test_device_floor_imports_without_the_host sees that they are asked for late
    roots = ((line, name.split(".")[0]) for line, name in imports(ast.parse(source)))
    return [f"line {line}: {root}" for line, root in roots if root not in allowed | sys.stdlib_module_names]


def long_functions(source: str) -> list[str]:
    """Return the functions whose body, docstring left out, is longer than the bound."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node, clean=False) is not None
            docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


def mutable_state(source: str) -> list[str]:
    """Return module-level names bound to something mutable without `Final`, and every `global` statement."""
    tree = ast.parse(source)
    found = [f"line {n.lineno}: global {', '.join(n.names)}" for n in ast.walk(tree) if isinstance(n, ast.Global)]
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and is_mutable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [ast.unparse(target) for target in targets]
            if names != ["__all__"]:
                found.append(f"line {node.lineno}: {', '.join(names)}")
    return found


def is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def imports_at_module_level(source: str) -> set[str]:
    tree = ast.parse(source)
    top = ast.Module(body=[n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], type_ignores=[])
    return {name for _, name in imports(top)}


def faults(check: Callable[[str, str], object]) -> dict[str, object]:
    """Return what a check of (part, source) finds, by the file in which it finds it."""
    found = {str(path.relative_to(PACKAGE)): check(part_of(path), path.read_text(encoding="utf-8")) for path in SOURCES}
    return {name: what for name, what in found.items() if what}


def test_imports_point_down() -> None:
    assert faults(upward_imports) == {}


def test_a_floor_imports_only_what_its_extra_brings() -> None:
    assert faults(undeclared_imports) == {}


def test_sizes_stay_in_bounds() -> None:
    assert faults(lambda _, source: source.splitlines()[MAX_FILE_LINES:]) == {}
    assert faults(lambda _, source: long_functions(source)) == {}


def test_no_module_level_mutable_state() -> None:
    assert faults(lambda _, source: mutable_state(source)) == {}


def test_every_part_stands_on_a_floor() -> None:
    named = {name for names in FLOORS for name in names}
    assert {part_of(path) for path in SOURCES} <= named


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)


IMPORT_WITH_BLOCKED: Final = """
import importlib, sys, traceback
blocked, modules = {blocked!r}, {modules!r}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked by the test)", name=name)
sys.meta_path.insert(0, Block())
for module in modules:
    try:
        importlib.import_module(module)
    except Exception:  # whatever breaks the import is what the test is about to show
        print(module, traceback.format_exc(limit=-2), file=sys.stderr)
        sys.exit(1)
"""


def import_blocked(modules: list[str]) -> subprocess.CompletedProcess[str]:
    return run_python(IMPORT_WITH_BLOCKED.format(blocked=BLOCKED, modules=modules))


def test_device_floor_imports_without_the_host() -> None:
    modules = [module_name(path) for path in SOURCES if part_of(path) not in HOST | {"demo", "__main__"}]
    result = import_blocked(modules)
    assert result.returncode == 0, result.stderr


def test_the_block_itself_holds() -> None:
    pytest.importorskip("torch")
    result = import_blocked(["misread.errors", "torch"])
    assert result.returncode == 1
    assert "blocked by the test" in result.stderr


HELP: Final = """
import runpy, sys
sys.argv = ["misread", "--help"]
try:
    runpy.run_module("misread", run_name="__main__")
except SystemExit as stop:
    assert not stop.code, stop.code
heavy = {"numpy", "cv2", "onnxruntime", "torch", "onnx"} & set(sys.modules)
own = {name for name in sys.modules if name.startswith("misread.")} - {"misread.__main__"}
print(sorted(heavy), sorted(own), file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    result = run_python(HELP)
    heavy, _, own = result.stderr.strip().partition("] ")
    assert heavy == "["
    assert {name.split(".")[1] for name in ast.literal_eval(own)} == {"cli", "errors"}
    assert "verify" in result.stdout


def test_cli_imports_only_errors_at_module_level() -> None:
    found = set[str]().union(*(imports_at_module_level(path.read_text("utf-8")) for path in PACKAGE.glob("cli/*.py")))
    ours = {name for name in found if name.startswith("misread")}
    foreign = {name.split(".")[0] for name in found - ours} - sys.stdlib_module_names
    assert {name for name in ours if not name.startswith("misread.cli")} <= {"misread.errors", "misread.__version__"}
    assert foreign <= {"typer"}


@pytest.mark.parametrize(
    ("check", "source", "words"),
    [
        (lambda s: upward_imports("files", s), "from misread.bundle import Bundle", "misread.bundle"),
        (lambda s: upward_imports("runtime", s), "def f():\n    from misread.export import origin", "misread.export"),
        (lambda s: upward_imports("report", s), "from misread import attack", "misread.attack"),
        (lambda s: upward_imports("export", s), "import misread.attack.base", "misread.attack.base"),
        (lambda s: upward_imports("", s), "def f():\n    from misread.bundle import Bundle", "misread.bundle"),
        (lambda s: undeclared_imports("runtime", s), "def f():\n    import torch.nn", "torch"),
        (lambda s: undeclared_imports("attack", s), "from scipy.linalg import eigh", "scipy"),
        (lambda s: undeclared_imports("cli", s), "import numpy as np", "numpy"),
        (long_functions, "def f():\n" + "    x = 1\n" * 70, "f: 71 lines"),
        (mutable_state, "CACHE: dict[str, int] = {}", "CACHE"),
        (mutable_state, "seen = set()", "seen"),
        (mutable_state, "def f():\n    global count\n    count = 1", "global count"),
    ],
)
def test_a_planted_fault_is_found(check: Callable[[str], list[str]], source: str, words: str) -> None:
    assert words in " ".join(check(source))


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (
            lambda s: upward_imports("attack", s),
            "from misread.export.twin import Twin\nfrom misread import __version__",
        ),
        (lambda s: upward_imports("", s), "if TYPE_CHECKING:\n    from misread.bundle import Bundle"),
        (lambda s: upward_imports("demo", s), "from misread.attack.run import attack_to_bundle"),
        (long_functions, 'def f():\n    """' + "words\n" * 80 + '    """\n    return 1'),
        (mutable_state, "NAMES: Final = ['a']\nWIDTH = 3\nPAIR = (1, 2)\n__all__ = ['f']"),
    ],
)
def test_what_is_allowed_passes(check: Callable[[str], list[str]], source: str) -> None:
    assert check(source) == []
