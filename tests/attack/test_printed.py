from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import misread
from misread.assets import scenes
from misread.attack.physical import sign_mask
from misread.attack.printed import PrintedOptions, physical_to_bundle
from misread.attack.printed.where import backgrounds_in, given, scene_mask
from misread.bundle import read_bundle
from misread.cli import app
from misread.demo.stages import sign_outline, stop_scene
from misread.errors import InputError, OptionError, UnknownName
from misread.export.origin import load_origin
from misread.flags import parse_points
from misread.pixels import write_png
from misread.report.text.physical import physical_text
from misread.runtime.session import FunctionReader

if TYPE_CHECKING:
    from pathlib import Path


class Searched(Exception):  # noqa: N818
    """Thrown by a double in place of the search."""


TINY: dict[str, Any] = {"steps": 2, "draws": 2, "clips": 2, "frames": 2}


def test_a_sign_becomes_a_bundle_with_its_draws(tmp_path: Path) -> None:
    result = physical_to_bundle(PrintedOptions(origin="signs", out=tmp_path / "b", digital=True, **TINY))
    bundle = read_bundle(tmp_path / "b")
    assert [witness.id for witness in bundle.witnesses] == [each.witness for each in result.witnesses]
    assert [each.search for each in result.witnesses] == ["eot", "digital"]
    assert all(witness.placebo and witness.label == "Stop" for witness in bundle.witnesses)
    draws = json.loads((tmp_path / "b" / "draws.json").read_text(encoding="utf-8"))
    assert draws["eot"]["held_out"] == draws["digital"]["held_out"]
    assert {entry["severity"] for entry in draws["digital"]["search"]} == {0.0}
    assert physical_text(result).endswith("--headless\n")
    assert result.sentence.split()[0] == "Stop:"


def test_the_manifest_says_what_held_the_change_and_each_witness_rate(tmp_path: Path) -> None:
    options = PrintedOptions(origin="signs", out=tmp_path / "b", threat="stickers", area=0.1, digital=True, **TINY)
    first, second = physical_to_bundle(options).witnesses
    bundle = read_bundle(tmp_path / "b")
    assert (bundle.threat["kind"], bundle.threat["eps"]) == ("stickers", None)
    assert 0 < bundle.threat["share_of_sign"] == round(first.share, 4) <= 0.1
    assert bundle.attack["simulated"] == {
        each.witness: {"success": each.torch.success.text(), "placebo_misread": each.torch.placebo.text()}
        for each in (first, second)
    }


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("build") / "signs.onnx"
    misread.export_builds("signs", path)
    return path


def test_a_deployed_build_reads_the_very_captures_that_the_twin_read(tmp_path: Path, build: Path) -> None:
    """On the fp32 build every arm comes out as in torch, since the frames are the same; on another card it cannot."""
    options = PrintedOptions(origin="signs", out=tmp_path / "b", builds=(build,), eps=0.5, **{**TINY, "steps": 8})
    (made,) = physical_to_bundle(options).witnesses
    assert made.builds["signs.onnx"] == made.torch
    assert made.torch.success.hits > 0  # or this would compare nothing with nothing


@pytest.mark.parametrize(
    ("labels", "size", "says"), [(("Stop", "x"), 32, "size_hw"), (("Stop", "x"), 48, ""), (("a", "b"), 48, "Stop")]
)
def test_a_build_that_does_not_fit_is_refused_before_the_search(
    labels: tuple[str, ...], size: int, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card = replace(load_origin("signs").card, labels=labels, size_hw=(size, size))
    build = FunctionReader(card, lambda pictures: np.zeros((len(pictures), len(labels))), name="other.onnx")
    monkeypatch.setattr("misread.attack.printed.run.Deployed.open", lambda _: build)
    searched: list[object] = []

    def search(*given: object) -> None:
        searched.append(given)
        raise Searched

    monkeypatch.setattr("misread.attack.printed.run._made", search)
    options = PrintedOptions(origin="signs", out=tmp_path / "b", builds=(tmp_path / "other.onnx",), **TINY)
    with pytest.raises(InputError if says else Searched, match=says or None):
        physical_to_bundle(options)
    assert bool(searched) is not bool(says)
    assert not (tmp_path / "b").exists()


def test_backgrounds_are_shared_out_and_named(tmp_path: Path, build: Path) -> None:
    folder = tmp_path / "behind"
    for number in range(5):
        (folder / "street").mkdir(parents=True, exist_ok=True)
        write_png(folder / "street" / f"{number}.png", np.full((600, 90, 3), 50 * min(number, 3), np.uint8))
    options = PrintedOptions(origin="signs", out=tmp_path / "b", backgrounds=folder, builds=(build,), **TINY)
    (made,) = physical_to_bundle(options).witnesses
    told = read_bundle(tmp_path / "b").attack["backgrounds"]
    # The last picture is the last but one once more.
    assert told == {"searched": ["street/0.png", "street/2.png"], "held_out": ["street/1.png", "street/3.png"]}
    assert made.builds["signs.onnx"] == made.torch  # on the same captures, backgrounds included
    draws = json.loads((tmp_path / "b" / "draws.json").read_text(encoding="utf-8"))["eot"]
    assert all("backdrop" in clip["stages"] for part in ("search", "held_out") for clip in draws[part])
    assert max(picture.shape[0] for picture in backgrounds_in(folder).values()) == 512
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(InputError, match="holds 0 different pictures"):
        backgrounds_in(folder)


def test_the_mask_of_a_shipped_scene_is_its_sign() -> None:
    scene = stop_scene()
    mine, outline = scene_mask(scene, (256, 256)), sign_mask(sign_outline(scene), (256, 256))
    assert (mine & outline).sum() / (mine | outline).sum() > 0.95
    assert all(scene_mask(scene, (256, 256)).any() for scene in scenes())


def test_what_is_not_known_must_be_said(tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    write_png(picture, np.full((20, 30, 3), 99, np.uint8))
    wanted: dict[str, Any] = {"origin": "signs", "out": tmp_path / "b", "picture": picture}
    with pytest.raises(OptionError, match="say it with --label"):
        given(PrintedOptions(**wanted))
    wanted["label"] = "Stop"
    with pytest.raises(OptionError, match="give its outline"):
        given(PrintedOptions(**wanted))
    with pytest.raises(OptionError, match="give one of the two"):
        given(PrintedOptions(**wanted, corners=((1, 1), (9, 1), (5, 9)), mask=picture))
    assert given(PrintedOptions(**wanted, corners=((1, 1), (9, 1), (5, 9)))).mask.sum() > 20
    with pytest.raises(OptionError, match="which picture"):
        given(PrintedOptions(origin="other", out=tmp_path))


def test_a_mask_is_read_from_alpha_or_from_light(tmp_path: Path) -> None:
    picture, mask = tmp_path / "mine.png", tmp_path / "mask.png"
    write_png(picture, np.full((20, 30, 3), 99, np.uint8))
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[3:9, 4:12, 3] = 255
    for marks in (rgba, rgba[..., 3]):
        cv2.imwrite(str(mask), marks)
        found = given(PrintedOptions(origin="signs", out=tmp_path, picture=picture, label="Stop", mask=mask)).mask
        assert (found == (rgba[..., 3] > 0)).all()
    write_png(mask, np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="is 9x9, the picture 30x20"):
        given(PrintedOptions(origin="signs", out=tmp_path, picture=picture, label="Stop", mask=mask))


def test_refuses_a_threat_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="stickers"):
        PrintedOptions(origin="signs", out=tmp_path, threat="sticker")


def test_points_are_pairs() -> None:
    assert parse_points("1,2 3.5,4") == ((1.0, 2.0), (3.5, 4.0))
    with pytest.raises(OptionError, match="X,Y with blanks"):
        parse_points("1,2,3 4,5")


def test_argv_becomes_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[PrintedOptions] = []

    def stop(options: PrintedOptions, **_: Any) -> None:
        seen.append(options)
        raise OptionError("enough")

    monkeypatch.setattr("misread.attack.printed.physical_to_bundle", stop)
    argv = ["physical", "signs", "-o", str(tmp_path / "b"), "--threat", "stickers", "--area", "0.1", "--digital"]
    done = CliRunner().invoke(app, [*argv, "--corners", "1,1 9,1 5,9", "--target", "Yield"])
    assert done.exit_code == 2
    (options,) = seen
    assert (options.threat, options.area, options.digital) == ("stickers", 0.1, True)
    assert options.corners == ((1.0, 1.0), (9.0, 1.0), (5.0, 9.0))
    assert options.wish.labels == ("Yield",)
