from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from misread.report.json import dumps, verification_document
from tests.report.results.planted import made_bundle, made_verification

if TYPE_CHECKING:
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.runtime.verdict import Verification


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return made_bundle(tmp_path / "bundle", 6)


@pytest.fixture
def verification(bundle: Bundle) -> Verification:
    return made_verification(bundle)


@pytest.fixture
def verdicts(tmp_path: Path, verification: Verification) -> Path:
    """What `misread verify --json` would print, in a file beside the bundle."""
    path = tmp_path / "verdicts.json"
    path.write_text(dumps(verification_document(verification)))
    return path
