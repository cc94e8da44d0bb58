"""The plugin in projects of its own: fixtures, cases, gates, refusals, JUnit, xdist, and silence where unused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import numpy as np
import pytest

import misread
from tests.runtime.planted import COLOURS, MEANS, bundle_of, flat

#: By its entry point; by its name where the project is on the path without being installed.
PLUGIN: Final = () if entry_points(group="pytest11", name="misread") else ("-p", "misread.pytest_plugin")
QUIET: Final = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:hypothesispytest",
)  # the latter loads a second's worth to say nothing
STRICT: Final = ("--strict-markers", "--strict-config", "-W", "error", *QUIET)
GIVEN: Final = ("--misread-bundle", "bundle", "--misread-build", "means.onnx")
PAGE: Final = Path(__file__).parents[2] / "docs" / "test-rigs.md"
SUITE: Final = """
import pytest

@pytest.mark.misread(each="witness")
def test_resists(misread_case):
    misread_case.assert_resists()

@pytest.mark.misread(each="witness")
def test_is_a_witness(misread_case):
    misread_case.assert_verified()

@pytest.mark.misread(each="build", max_flips=1)
def test_gate(misread_case):
    misread_case.assert_passes()

@pytest.mark.misread(each="build", max_flips=0)
def test_closed(misread_case):
    misread_case.assert_passes()
"""


def colour(red: int, green: int) -> np.ndarray:
    return np.concatenate([flat(level)[..., :1] for level in (red, green, 0)], axis=-1)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A build that reads the strongest colour, and three witnesses: misread, read right, and wrong from the start."""
    red, green = colour(200, 40), colour(40, 200)
    bundle_of(pytester.path / "bundle", [(red, green), (red, red), (green, green)], card=COLOURS, label="red")
    (pytester.path / "means.onnx").write_bytes(MEANS)
    return pytester


def run(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    return project.runpytest_subprocess(*PLUGIN, *STRICT, *argv)


def run_here(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    """As `run`, in this process: enough where a sentence is what is looked at."""
    return project.runpytest_inprocess(*PLUGIN, *STRICT, *argv)


def outcomes(path: Path) -> dict[str, str]:
    """Name -> how it ended, of a JUnit file."""
    return {
        str(case.get("name")): next((c.tag for c in case if c.tag in {"failure", "error", "skipped"}), "passed")
        for case in ET.parse(path).iter("testcase")  # noqa: S314  written by pytest
    }


EXPECTED: Final = {
    "test_resists[means.onnx-0000]": "failure",
    "test_resists[means.onnx-0001]": "passed",
    "test_resists[means.onnx-0002]": "skipped",
    "test_is_a_witness[means.onnx-0000]": "passed",
    "test_is_a_witness[means.onnx-0001]": "failure",
    "test_is_a_witness[means.onnx-0002]": "skipped",
    "test_gate[means.onnx]": "passed",
    "test_closed[means.onnx]": "failure",
}


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_each_witness_and_each_build_is_a_case(project: pytest.Pytester, more: tuple[str, ...]) -> None:
    project.makepyfile(SUITE)
    result = run(project, *GIVEN, "--junitxml=junit.xml", "-rs", *more)
    assert outcomes(project.path / "junit.xml") == EXPECTED
    if not more:  # xdist says them in the order in which they end
        changed = "read as red (* clean and, changed by at most 160 of 255 levels, as green (*"
        result.stdout.fnmatch_lines(
            [
                f"*witness 0000 on means.onnx is verified: a picture of red is {changed}",
                "*witness 0001 on means.onnx is refuted: *",
                "*1 of 2 witnesses misread, at most 0 allowed (--max-flips)",
                "SKIPPED*witness 0002 on means.onnx is excluded: *",
            ]
        )


@pytest.mark.skipif(not PAGE.exists(), reason="the tests run away from the tree")
def test_the_page_s_own_suite_runs(project: pytest.Pytester) -> None:
    block = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    project.makepyfile(block)
    result = run(project, *GIVEN)
    result.assert_outcomes(passed=2, failed=2, skipped=1)  # one clean picture of three is misread: below 95 %
    result.stdout.fnmatch_lines(["*clean accuracy 2/3 (*), at least 0.95 asked for*"])


def test_figures_become_properties_in_junit(project: pytest.Pytester) -> None:
    project.makepyfile(SUITE)
    run_here(project, *GIVEN, "--junitxml=junit.xml")
    of_case = {
        str(case.get("name")): {str(p.get("name")): str(p.get("value")) for p in case.iter("property")}
        for case in ET.parse(project.path / "junit.xml").iter("testcase")  # noqa: S314  written by pytest
    }
    sha256 = misread.load_build(project.path / "means.onnx", card=COLOURS).sha256
    one = of_case["test_resists[means.onnx-0000]"]
    assert one["misread.verdict"] == "verified"
    assert (one["misread.label"], one["misread.read_clean"], one["misread.read_changed"]) == ("red", "red", "green")
    assert float(one["misread.margin_clean"]) == pytest.approx(160 / 255, abs=1e-4)
    assert float(one["misread.margin_changed"]) == pytest.approx(-160 / 255, abs=1e-4)
    assert (one["misread.sha256"], one["misread.build"]) == (sha256, "means.onnx")
    whole = of_case["test_gate[means.onnx]"]
    assert (whole["misread.verified"], whole["misread.refuted"], whole["misread.excluded"]) == ("1", "1", "1")
    assert float(whole["misread.robust"]) == 0.5
    assert whole["misread.onnxruntime"] == one["misread.onnxruntime"] != ""


def test_fixtures_come_for_every_build(project: pytest.Pytester) -> None:
    (project.path / "other").mkdir()
    (project.path / "other" / "means.onnx").write_bytes(MEANS)
    (project.path / "third.onnx").write_bytes(MEANS)
    project.makepyfile("""
        def test_reads(misread_build, misread_bundle):
            clean = misread_bundle.read(misread_bundle.witnesses[0].clean)
            assert misread_build.read([clean]).labels == ("red",)
    """)
    more = ("--misread-build", "other/means.onnx", "--misread-build", "third.onnx", "--misread-build", "third.onnx")
    result = run_here(project, *GIVEN, *more, "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"*test_reads?{project.path}/other/means.onnx? PASSED*", "*?third.onnx? PASSED*"])


def test_settings_serve_where_no_option_is_given(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makeini("[pytest]\nmisread_builds = means.onnx\nmisread_bundle = bundle\n")
    project.makepyfile(
        SUITE + "\n\n@pytest.mark.misread(each='build', baseline='nix.json')\ndef test_baseline(misread_case): pass\n"
    )
    monkeypatch.chdir(project.mkdir("inner"))
    result = run(project, "..")
    result.assert_outcomes(passed=3, failed=3, skipped=2, errors=1)
    result.stdout.fnmatch_lines(["misread: bundle *bundle; builds means.onnx", f"*{project.path}/nix.json*"])


def test_a_baseline_of_this_bundle_opens_and_closes(project: pytest.Pytester) -> None:
    found = misread.verify(project.path / "bundle", project.path / "means.onnx")
    (project.path / "old.json").write_text(misread.as_json(found))
    project.makepyfile("""
        import pytest

        @pytest.mark.misread(each="build", baseline="old.json")
        def test_no_worse(misread_case):
            misread_case.assert_passes()
            assert misread_case.verification.gates[0].gate == "baseline"
            assert repr(misread_case) == "<means.onnx>"

        @pytest.mark.misread(each="build")
        def test_all_verified(misread_case):
            misread_case.assert_passes()
    """)
    result = run_here(project, *GIVEN)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*not verified: means.onnx: 1 of 2 verified, 1 refuted, 1 excluded"])


def test_a_build_that_cannot_run_fails_its_cases(project: pytest.Pytester) -> None:
    (project.path / "broken.onnx").write_bytes(b"nothing")
    project.makepyfile(SUITE)
    result = run_here(project, "--misread-bundle", "bundle", "--misread-build", "broken.onnx")
    result.assert_outcomes(failed=8)
    result.stdout.fnmatch_lines(["*witness 0000 on broken.onnx is unavailable: *broken.onnx*"])


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("@pytest.mark.misread\ndef test_a(misread_case): pass", "*the marker wants to know what a case is*"),
        ("@pytest.mark.misread('build')\ndef test_a(misread_case): pass", "*the marker wants to know what a case is*"),
        ("@pytest.mark.misread(each='picture')\ndef test_a(misread_case): pass", "*unknown each 'picture'*"),
        ("@pytest.mark.misread(each='build')\ndef test_a(): pass", "*takes the argument misread_case*"),
        ("@pytest.mark.misread(each='build')\ndef test_a(misread_case, misread_build): pass", "*and not misread_build"),
        ("@pytest.mark.misread(each='witness', max_flips=1)\ndef test_a(misread_case): pass", "*max_flips is about*"),
        (
            "@pytest.mark.misread(each='build', max_flip=1)\ndef test_a(misread_case): pass",
            "*mean 'max_flips'*",
        ),
        (
            "@pytest.mark.misread(each='build', max_flips=-1)\ndef test_a(misread_case): pass",
            "*from 0, got -1",
        ),
        ("def test_a(misread_case): pass", "*misread_case belongs to a marked test*"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(project: pytest.Pytester, marked: str, words: str) -> None:
    project.makepyfile(f"import pytest\n\n{marked}\n")
    result = run_here(project, *GIVEN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("def test_a(misread_build): pass", "*no build to open; give --misread-build FILE*"),
        ("def test_a(misread_bundle): pass", "*no bundle to read; give --misread-bundle DIR*"),
        ("@pytest.mark.misread(each='build')\ndef test_a(misread_case): pass", "*nothing to verify; give*"),
    ],
)
def test_nothing_given_is_an_error_and_no_skip(pytester: pytest.Pytester, test: str, words: str) -> None:
    pytester.makepyfile(f"import pytest\n\n{test}\n")
    result = run_here(pytester)
    assert result.parseoutcomes() in ({"error": 1}, {"errors": 1})
    result.stdout.fnmatch_lines([words])


def test_a_broken_bundle_ends_the_collection_in_one_sentence(project: pytest.Pytester) -> None:
    (project.path / "bundle" / "manifest.json").write_text("{}")
    project.makepyfile(SUITE)
    result = run_here(project, *GIVEN)
    result.stdout.fnmatch_lines(["*manifest.json*"])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_project_that_does_not_use_it_hears_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_light():
            assert {"numpy", "onnxruntime", "cv2", "torch"}.isdisjoint(sys.modules)
            own = {name for name in sys.modules if name.startswith("misread.")}
            assert own == {"misread.errors", "misread.pytest_plugin", "misread.pytest_plugin.asked"}
    """)
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("misread:*")
