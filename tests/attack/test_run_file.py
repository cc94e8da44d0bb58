"""A bare ONNX file under attack: nothing but the file, flags for its card, and pictures; onnxruntime decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.attack.judges import Judges
from misread.attack.options import AttackOptions
from misread.attack.run import AttackResult, attack_to_bundle
from misread.attack.threat import Threat
from misread.bundle import read_bundle
from misread.errors import ModelError, OptionError
from misread.files import jsonable
from misread.flags import CardFlags
from misread.pixels import write_png
from misread.report.text.attack import attack_text
from misread.runtime.session import Deployed
from misread.runtime.verdict import Verdict
from misread.runtime.verify import VerifyOptions, verify
from tests.models import graph

WITHIN = Threat(eps=8 / 255)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A file that says red where the mean of the first plane is above that of the second, and four pictures.

    One is read as green, so it is skipped; one is too red for 8 levels.
    """
    graph(tmp_path / "m.onnx")
    (tmp_path / "labels.txt").write_text("red\ngreen\n")
    for name, red in (("a", 104), ("b", 105), ("green", 90), ("far", 140)):
        pixels = np.full((16, 16, 3), 100, np.uint8)
        pixels[..., 0] = red
        (tmp_path / "data" / "red").mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "data" / "red" / f"{name}.png", pixels)
    return tmp_path


def attacked(place: Path, **changes: Any) -> AttackResult:
    given = {
        "origin": str(place / "m.onnx"),
        "out": place / "bundle",
        "data": place / "data",
        "flags": CardFlags(labels=place / "labels.txt", size="8"),
        "chunk": 4,
        **changes,
    }
    return attack_to_bundle(AttackOptions(**given))


@pytest.mark.parametrize("space", ["input", "file"])
@pytest.mark.parametrize(
    "how",
    [
        {"threat": WITHIN},
        {"attack": "apgd", "threat": WITHIN},
        {"attack": "square", "settings": {"queries": 200}, "threat": WITHIN},
        {"attack": "rays", "settings": {"queries": 200}, "threat": WITHIN},
    ],
    ids=["minimal", "apgd", "square", "rays"],
)
def test_a_file_is_attacked_and_proved_by_its_own_card(place: Path, space: str, how: dict[str, Any]) -> None:
    result = attacked(place, space=space, **how)
    assert [(one.source, one.attempted, one.found) for one in result.each] == [
        ("red/a.png", True, True),
        ("red/b.png", True, True),
        ("red/far.png", True, False),
        ("red/green.png", False, False),
    ]
    assert (result.found.hits, result.found.total) == (2, 3)
    assert result.verified["m.onnx"].text()[:3] == "2/2"
    assert (result.gradients > 0) == (how.get("attack") not in {"square", "rays"})
    assert max(one.forwards for one in result.each) <= 200
    bundle = read_bundle(place / "bundle")
    assert bundle.origin == str(place / "m.onnx")
    (build,) = verify(VerifyOptions(bundle=bundle.folder, builds=(place / "m.onnx",))).builds
    assert result.fingerprints == {"m.onnx": build.fingerprint}
    assert bundle.judges == {"m.onnx": jsonable(build.fingerprint)}
    assert [one.verdict for one in build.judgements] == [Verdict.VERIFIED] * 2


def test_the_smallest_change_is_the_smallest(place: Path) -> None:
    """From 4 levels apart to beyond the noise, each plane moving by half of it, rounded up: 3 levels."""
    result = attacked(place, data=place / "data" / "red" / "a.png")
    (witness,) = result.bundle.witnesses
    assert (witness.label, witness.label_given, witness.change.largest_level) == ("red", False, 3)


def test_a_copy_that_only_torch_misreads_is_no_find(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of the build is larger than any margin that the budget allows."""
    opened = Judges.open

    def noisy(*given: Any, **more: Any) -> Judges:
        judges = opened(*given, **more)
        judges.slack = [1.0]
        return judges

    monkeypatch.setattr(Judges, "open", noisy)
    hows: tuple[dict[str, Any], ...] = ({"threat": WITHIN}, {"attack": "apgd", "threat": WITHIN})
    for number, how in enumerate(hows):
        result = attacked(place, out=place / f"bundle{number}", **how)
        assert result.found.hits == 0
        assert result.bundle.witnesses == ()
        assert result.bundle.counts["proposed"] == 2


def test_other_builds_judge_too(place: Path) -> None:
    """The second file turns where the first plane is 2 levels darker than the second."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(graph(place / "later.onnx"))
    offset = onnx.numpy_helper.from_array(np.array([2 / 255, 0], np.float32), "constant")
    next(one for one in model.graph.initializer if one.name == "constant").CopyFrom(offset)
    onnx.save(model, place / "later.onnx")
    result = attacked(place, attack="apgd", threat=WITHIN, builds=(place / "later.onnx",))
    assert {name: rate.text()[:3] for name, rate in result.verified.items()} == {"m.onnx": "2/2", "later.onnx": "2/2"}
    card = result.bundle.card
    for witness in result.bundle.witnesses:
        reader = Deployed.open(place / "later.onnx", card=card)
        assert reader.read_prepared(result.bundle.read(witness.changed)[None]).labels == ("green",)


def test_where_gradients_are_out_of_reach_the_file_can_be_asked(place: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(place / "m.onnx")
    scaled = onnx.helper.make_node("Scaler", ["logits"], ["out"], domain="ai.onnx.ml", scale=[2.0], offset=[0.0])
    model.graph.node.append(scaled)
    model.graph.output[0].name = "out"
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3))
    onnx.save(model, place / "m.onnx")
    with pytest.raises(ModelError, match=r"Scaler.*square"):
        attacked(place)
    assert attacked(place, attack="square", settings={"queries": 200}, threat=WITHIN).found.hits == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flags"),
    [
        (
            "squeezenet_fp16",
            {"colour": "bgr", "scale": "1", "mean": "103.94,116.78,123.68", "output": "probabilities"},
        ),
        ("mobilenet_v2_dynamic_int8", {"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"}),
    ],
)
def test_files_of_others_need_nothing_but_flags(
    tmp_path: Path, shared_data: Path, name: str, flags: dict[str, Any]
) -> None:
    card = CardFlags(labels=Path("none"), size="224", resize="crop", resize_px=256, **flags)
    options = AttackOptions(
        origin=str(shared_data / "imagenet" / f"{name}.onnx"),
        out=tmp_path / "b",
        data=shared_data / "imagenet" / "photos",
        flags=card,
        attack="apgd",
        settings={"steps": 20},
        threat=Threat(eps=2 / 255),
        limit=2,
        chunk=4,
    )
    result = attack_to_bundle(options)
    assert (result.found.hits, result.found.total) == (2, 2)
    (build,) = verify(VerifyOptions(bundle=tmp_path / "b", builds=(Path(options.origin),))).builds
    assert [one.verdict for one in build.judgements] == [Verdict.VERIFIED] * 2


def test_builds_are_packed_on_request_and_replayed(place: Path) -> None:
    other = graph(place / "n.onnx")
    result = attacked(place, threat=WITHIN, attack="apgd", builds=(other,), pack_builds=True)
    for path in (place / "m.onnx", other):
        path.unlink()
    found = verify(VerifyOptions(bundle=place / "bundle"))
    assert [(one.build, one.agrees) for one in found.replays] == [("m.onnx", True), ("n.onnx", True)]
    assert (found.exit_code, [one.largest for one in found.replays]) == (0, [0.0, 0.0])
    assert [entry["name"] for entry in result.bundle.builds] == ["m.onnx", "n.onnx"]
    assert "replay them on the device with: misread verify" in " ".join(attack_text(result).split())


def test_what_cannot_be_packed_is_refused_before_anything_is_loaded(place: Path) -> None:
    with pytest.raises(OptionError, match="is no build that could be packed"):
        attacked(place, origin="net.py:make", pack_builds=True)
    with pytest.raises(OptionError, match=r"two builds are called m\.onnx"):
        attacked(place, builds=(place / "deep" / "m.onnx",), pack_builds=True)
