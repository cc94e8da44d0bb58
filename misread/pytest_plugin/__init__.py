"""The pytest plugin: builds and a bundle as fixtures, and a test case for each build or each witness.

pytest loads it by the entry point `misread`. It says nothing and loads nothing heavy in projects that do not use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from misread.pytest_plugin.asked import NAME, Asked, Given, sentences

if TYPE_CHECKING:
    from misread.bundle import Bundle
    from misread.pytest_plugin.cases import BuildCase, WitnessCase
    from misread.runtime.session import Deployed

MARKER = (
    f"{NAME}(each, **gates): one case for each 'witness' or each 'build'; the test takes misread_case. "
    "Gates of a build: max_flips, min_clean_accuracy, min_robust_accuracy, baseline."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the builds and the bundle from the command line or from the settings of the project."""
    group = parser.getgroup(NAME, "verification of deployed image classifiers")
    group.addoption("--misread-build", action="append", metavar="FILE", help="An ONNX file; may be repeated.")
    group.addoption("--misread-bundle", metavar="DIR", help="A folder that misread attack wrote.")
    parser.addini("misread_builds", "ONNX files, where no --misread-build says others.", type="paths", default=[])
    parser.addini("misread_bundle", "A folder of witnesses, where no --misread-bundle says another.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name what is verified, where anything is."""
    given = Given.of(config)
    if not given.builds and given.bundle is None:
        return None
    return f"misread: bundle {given.bundle or 'none'}; builds {', '.join(given.names.values()) or 'none'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case for each build, or for each witness on each build."""
    given = Given.of(metafunc.config)
    marker = metafunc.definition.get_closest_marker(NAME)
    if marker is not None:
        with sentences(pytest.Collector.CollectError):
            asked = Asked.of(marker, metafunc.fixturenames)
            cases = asked.cases(given)
        if cases:
            metafunc.parametrize("misread_case", cases, ids=[case.id for case in cases], indirect=True)
    elif "misread_build" in metafunc.fixturenames and given.builds:
        names = [given.names[path] for path in given.builds]
        metafunc.parametrize("misread_build", given.builds, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def misread_bundle(request: pytest.FixtureRequest) -> Bundle:
    """The bundle of `--misread-bundle`, or of the setting `misread_bundle`."""
    with sentences(pytest.fail.Exception):
        return Given.of(request.config).read_bundle()


@pytest.fixture(scope="session")
def misread_build(request: pytest.FixtureRequest) -> Deployed:
    """Each build of `--misread-build`, or of the setting `misread_builds`, open in onnxruntime."""
    with sentences(pytest.fail.Exception):
        return Given.of(request.config).open_build(getattr(request, "param", None))


@pytest.fixture
def misread_case(request: pytest.FixtureRequest) -> BuildCase | WitnessCase:
    """What was found of one build, or of one witness on it; its figures become properties in JUnit XML."""
    from misread.pytest_plugin.cases import case_of

    with sentences(pytest.fail.Exception):
        case = case_of(request.config, getattr(request, "param", None), marked=request.node.get_closest_marker(NAME))
    # What record_property does, without its warning that the schema xunit2 has properties for whole suites only.
    request.node.user_properties += [(f"{NAME}.{name}", value) for name, value in case.properties.items()]
    return case
