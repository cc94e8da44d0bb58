"""The README's commands do what they say: every `sh` block is run, in order, in one empty folder.

Blocks marked `console` are shown and not run: they make the environment, or need a camera that a test has not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

README: Final = Path(__file__).parents[1] / "README.md"
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT: Final = re.compile(r"(?P<command>.*?)\s+# exit (?P<code>\d)")

pytestmark = pytest.mark.skipif(not README.exists(), reason="the tests run away from the tree")


def commands_in(block: str) -> list[tuple[str, int]]:
    r"""Return (command, exit code) of a block: `\` joins lines, `# exit 1` at the end names another code than 0."""
    lines = block.replace("\\\n", " ").splitlines()
    commands = []
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        match = EXIT.fullmatch(line)
        commands.append((match["command"], int(match["code"])) if match else (line, 0))
    return commands


def script_of(block: str) -> str:
    """Return one bash script that stops at the first command whose exit code is not the one that the block names."""
    lines = []
    for command, code in commands_in(block):
        if command.endswith("&"):
            lines.append(command)
        else:
            said = command.replace("'", "'\\''")
            lines.append(f"{command}; got=$?; test $got = {code} || {{ echo 'exit '$got': {said}' >&2; exit 9; }}")
    return "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n" + "\n".join(lines)


def run(block: str, folder: Path, *, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return subprocess.run(
        ["bash", "-c", script_of(block)],
        cwd=folder,
        env={**os.environ, "PATH": path, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_readme_commands_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) >= 4
    for block in blocks:
        result = run(block, tmp_path)
        assert result.returncode == 0, f"{block}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"


def test_readme_opens_with_a_picture_and_the_two_commands() -> None:
    opening = README.read_text(encoding="utf-8").split("\n## ")[0]
    assert "docs/images/" in opening
    assert "make demo" in opening
    assert "make test" in opening


@pytest.mark.parametrize(
    ("block", "passes"),
    [
        ("true\n", True),
        ("false\n", False),
        ("false  # exit 1\n", True),
        ("true  # exit 1\n", False),
        ("test a \\\n  = a\n", True),
        ("# only words\n", True),
        ("sleep 60 &\ntrue\n", True),
        ("false\ntrue\n", False),
    ],
)
def test_the_runner_tells_success_from_failure(tmp_path: Path, block: str, passes: bool) -> None:
    assert (run(block, tmp_path, timeout_s=20).returncode == 0) is passes
