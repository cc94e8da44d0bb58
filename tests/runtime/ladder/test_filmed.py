"""The camera rung: findings of a run become survivors and fallen of the right build, and other runs are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import FileError, InputError, OptionError
from misread.files import write_json
from misread.report.json import verification_document
from misread.report.text.verification import verification_text
from misread.runtime.camera.result import KIND, SUMMARY
from misread.runtime.verify import VerifyOptions, verify
from tests.runtime.planted import COLOURS, MEANS, bundle_of

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification

SHA: str = hashlib.sha256(MEANS).hexdigest()
FINDINGS = ("persists", "does-not-persist", "inconclusive", "invalid-control", "not-measured", "does-not-persist")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A build, and six witnesses that it misreads from the file; the last dies on no rung before the camera."""
    (tmp_path / "means.onnx").write_bytes(MEANS)
    clean, changed = (np.broadcast_to(np.array(rgb, np.uint8), (8, 8, 3)) for rgb in ((220, 40, 0), (40, 220, 0)))
    bundle_of(tmp_path / "b", [(clean, changed)] * 6, card=COLOURS, label="red")
    return tmp_path


def film(place: Path, build: str = "means.onnx", sha256: str = SHA, **changes: Any) -> Path:
    def verdict(number: int, finding: str, crop: str) -> dict[str, Any]:
        rate = {"hits": 9, "total": 10, "low": 0.6, "high": 1.0}
        name = f"{number:04d}"
        return {"exhibit": name, "build": build, "crop": crop, "finding": finding, "reason": "because", "misread": rate}

    document = {
        "claim": "raw",
        "verdicts": [
            *(verdict(number, finding, "raw") for number, finding in enumerate(FINDINGS)),
            verdict(0, "does-not-persist", "rectified"),
        ],
        "summaries": [{"exhibit": f"{number:04d}", "label": "red"} for number in range(6)],
        "fingerprints": {build: {"model_sha256": sha256}},
        **changes,
    }
    (place / "filmed").mkdir(exist_ok=True)
    write_json(place / "filmed" / SUMMARY, document, kind=KIND)
    return place / "filmed"


def verified(place: Path) -> Verification:
    return verify(VerifyOptions(bundle=place / "b", builds=(place / "means.onnx",), camera=place / "filmed"))


def test_findings_become_the_last_rung(place: Path) -> None:
    film(place)
    found = verified(place)
    step = found.ladder[-1]
    assert (step.reader, step.rung, step.survived.hits, step.survived.total) == ("means.onnx", "camera", 1, 4)
    assert (step.excluded, step.contested, step.unavailable) == (1, 1, 1)
    assert step.killed == ("0001", "0005")
    assert found.exit_code == 0, "the camera decides nothing of a verdict from the file"
    assert [one.finding for one in found.filmed] == list(FINDINGS)
    text = " ".join(verification_text(found).split())
    assert "0000 on means.onnx: persists, misread in 9/10 (90.0 %, 95 % CI 60.0-100.0) frames: because" in text
    assert verification_document(found)["filmed"][0]["misread"]["share"] == 0.9


def test_who_fell_before_is_not_killed_again(place: Path) -> None:
    film(place)
    bundle_of(
        place / "b2",
        [(np.full((8, 8, 3), 9, np.uint8), np.full((8, 8, 3), 9, np.uint8))] * 6,
        card=COLOURS,
        label="red",
        torch=[(True, True)] + [(False, False)] * 5,
    )
    found = verify(VerifyOptions(bundle=place / "b2", builds=(place / "means.onnx",), camera=place / "filmed"))
    assert found.ladder[-1].killed == ()


def test_a_run_with_another_build_is_refused(place: Path) -> None:
    film(place, sha256="0" * 64)
    with pytest.raises(InputError, match=r"another means\.onnx \(SHA-256 differs\)"):
        verified(place)
    film(place, build="other.onnx")
    with pytest.raises(InputError, match=r"was made with other\.onnx, none of which is verified here"):
        verified(place)


def test_a_run_of_other_witnesses_is_refused(place: Path) -> None:
    film(place, summaries=[{"exhibit": "0000", "label": "green"}])
    with pytest.raises(InputError, match="is another witness than in"):
        verified(place)
    film(place, verdicts=[])
    with pytest.raises(InputError, match="says nothing of a witness"):
        verified(place)


BROKEN: tuple[dict[str, Any], ...] = (
    {"verdicts": [{}]},
    {"verdicts": 7},
    {"fingerprints": {"means.onnx": "x"}},
    {"verdicts": [{"crop": "raw", "finding": "survives"}]},
)
RATES = ({"hits": 11, "total": 10, "low": 0, "high": 1}, {"hits": 1, "total": 10, "low": -1, "high": 1}, {"hits": 1})


@pytest.mark.parametrize("changes", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_run_is_one_sentence(place: Path, changes: dict[str, Any]) -> None:
    film(place, **changes)
    with pytest.raises(FileError, match="is no whole camera run"):
        verified(place)


@pytest.mark.parametrize("rate", RATES, ids=range(len(RATES)))
@pytest.mark.parametrize("reason", ["because", "x" * 501, 7])
def test_rates_and_texts_without_sense_are_refused(place: Path, rate: dict[str, Any], reason: object) -> None:
    entry = {"exhibit": "0000", "build": "means.onnx", "crop": "raw", "finding": "persists", "reason": reason}
    film(place, verdicts=[entry | {"misread": rate}])
    with pytest.raises(FileError, match="is no whole camera run"):
        verified(place)


def test_no_run_is_one_sentence(place: Path) -> None:
    (place / "filmed").mkdir()
    with pytest.raises(FileError, match=r"cannot read .*summary\.json"):
        verified(place)


def test_the_command_passes_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[VerifyOptions] = []

    def call(options: VerifyOptions, **_: Any) -> None:
        seen.append(options)
        raise OptionError("seen")

    monkeypatch.setattr("misread.runtime.verify.verify", call)
    assert CliRunner().invoke(cli.app, ["verify", "b", "--camera", "filmed"]).exit_code == 2
    assert (seen[0].camera, seen[0].builds) == (Path("filmed"), ())
