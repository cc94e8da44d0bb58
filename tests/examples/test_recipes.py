"""The workflow, the unit and the cron line: read, and what they run is run on a small bundle."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.runtime.planted import COLOURS, MEANS, bundle_of, flat

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
DEVICE: Final = EXAMPLES / "device"
SERVICE: Final = "misread-verify.service"
COMMAND: Final = Path(sys.executable).with_name("misread")

pytestmark = [
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the tests run away from the tree"),
    pytest.mark.skipif(not COMMAND.exists(), reason="misread is not installed as a command"),
]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A build that misreads one of two witnesses."""
    red, green = flat(0) + np.array([200, 40, 0], np.uint8), flat(0) + np.array([40, 200, 0], np.uint8)
    bundle_of(tmp_path / "bundle", [(red, green), (red, red)], card=COLOURS, label="red")
    (tmp_path / "model.onnx").write_bytes(MEANS)
    (tmp_path / "state").mkdir()
    return tmp_path


def on_this_machine(text: str, here: Path) -> str:
    """Put the places of the test in place of those of a device."""
    places = {"/opt/misread/bin/misread": COMMAND, "/opt/model": here, "/var/lib/misread": here / "state"}
    for place, there in places.items():
        assert place in text or place.startswith("/var"), place
        text = text.replace(place, str(there))
    return text


def shell(script: str, here: Path, **more: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(COMMAND.parent), os.environ.get("PATH", "")))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=here,
        env={**os.environ, "PATH": path, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class Unit(configparser.ConfigParser):
    """A unit file; systemd tells upper and lower case apart."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(name: str) -> configparser.ConfigParser:
    parser = Unit(interpolation=None, strict=True)
    parser.read_string((DEVICE / name).read_text(encoding="utf-8"))
    return parser


def exec_start(here: Path, *, flips: int) -> str:
    line = on_this_machine(unit(SERVICE)["Service"]["ExecStart"], here)
    return re.sub(r"--max-flips \d+", f"--max-flips {flips}", line)


@pytest.mark.parametrize(("flips", "code"), [(1, 0), (0, 1)])
def test_the_service_leaves_its_files_and_fails_where_a_gate_closes(here: Path, flips: int, code: int) -> None:
    done = shell(exec_start(here, flips=flips), here, STATE_DIRECTORY=str(here / "state"))
    assert done.returncode == code, done.stderr
    assert "misread_" in (here / "state" / "misread.prom").read_text()
    assert len((here / "state" / "witnesses.jsonl").read_text().splitlines()) == 2


def test_the_timer_is_whole() -> None:
    assert set(unit("misread-verify.timer")) >= {"Unit", "Timer", "Install"}
    assert unit(SERVICE)["Service"]["Type"] == "oneshot"


def test_systemd_takes_both_units(here: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    for name in (SERVICE, "misread-verify.timer"):
        text = (DEVICE / name).read_text(encoding="utf-8")
        (here / name).write_text(on_this_machine(text, here) if name == SERVICE else text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", here / SERVICE, here / "misread-verify.timer"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "misread-verify" in line]
    assert ours == []


@pytest.mark.parametrize(("flips", "said"), [(1, ""), (0, "misread verify ended with 1\n")])
def test_the_cron_line_leaves_a_whole_document(here: Path, flips: int, said: str) -> None:
    text = on_this_machine((DEVICE / "misread-verify.cron").read_text(encoding="utf-8"), here)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines[:-1])
    *when, user, command = lines[-1].split(None, 6)
    assert (len(when), user) == (5, "misread")
    assert "%" not in command  # cron takes it for the end of a line
    command = command.replace("--max-flips 3", f"--max-flips {flips}")
    done = subprocess.run(
        [settings["SHELL"], "-c", command],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == said, done.stderr
    assert '"kind": "misread-verification"' in (here / "state" / "verdicts.json").read_text()
    assert not (here / "state" / "verdicts.new").exists()


@pytest.mark.parametrize(("flips", "failures"), [(1, 0), (0, 1)])
def test_the_workflow_runs(here: Path, flips: int, failures: int) -> None:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((EXAMPLES / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    failed = 0
    for step in job["steps"]:
        script = step.get("run", "")
        if not script or script.startswith("pip install") or (failed and step.get("if") != "always()"):
            continue
        script = script.replace("--max-flips 3", f"--max-flips {flips}")
        done = shell(script, here, GITHUB_STEP_SUMMARY=str(here / "page.md"))
        failed += done.returncode != 0
    assert failed == failures
    assert "model.onnx" in (here / "page.md").read_text()
    uploaded = here / job["steps"][-1]["with"]["path"]
    assert len(list(ET.parse(uploaded).iter("testcase"))) >= 3  # noqa: S314  written by misread
