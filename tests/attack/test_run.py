"""From pictures to a bundle, on a classifier whose answer is known in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from misread.attack.judges import Judges
from misread.attack.options import AttackOptions
from misread.attack.run import attack_to_bundle
from misread.attack.threat import Threat
from misread.bundle import read_bundle
from misread.card import ModelCard
from misread.errors import FileError, InputError, OptionError, StorageError, UnknownName
from misread.flags import CardFlags
from misread.pixels import fit, write_png
from misread.runtime.session import FunctionReader
from misread.wish import Wish

ORIGIN = """
import torch

class Bright(torch.nn.Module):
    def forward(self, x):
        bright = x.mean((1, 2, 3)) * 255 - 120.5
        return torch.stack([-bright, bright], 1)

def make():
    return Bright()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An origin file, its labels, and pictures of three sizes: two dark, one bright, one in the wrong folder."""
    (tmp_path / "net.py").write_text(ORIGIN)
    (tmp_path / "labels.txt").write_text("dark\nbright\n")
    for name, size, level in (("dark/a", 8, 118), ("dark/b", 16, 119), ("dark/wrong", 8, 200), ("bright/c", 12, 123)):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "data" / f"{name}.png", np.full((size, size, 3), level, np.uint8))
    return tmp_path


def _options(place: Path, **changes: Any) -> AttackOptions:
    return AttackOptions(
        **{
            "origin": f"{place / 'net.py'}:make",
            "flags": CardFlags(labels=place / "labels.txt", size="8"),
            "data": place / "data",
            "out": place / "bundle",
            "chunk": 8,
            **changes,
        }
    )


@pytest.mark.parametrize("space", ["input", "file"])
def test_a_bundle_of_minimal_witnesses(place: Path, space: str) -> None:
    seen: list[tuple[str, int, int]] = []
    result = attack_to_bundle(_options(place, space=space), progress=lambda *told: seen.append(told))
    bundle = read_bundle(place / "bundle")
    assert bundle.witnesses == result.bundle.witnesses
    assert result.bundle.folder == place / "bundle"
    assert (result.pictures, result.skipped, result.found.text()[:3]) == (4, 1, "3/3")
    assert {one.source: one.change.largest_level for one in bundle.witnesses} == {
        "bright/c.png": 3,
        "dark/a.png": 3,
        "dark/b.png": 2,
    }
    counts = {"pictures": 4, "skipped": 1, "attempted": 3, "unattempted": 0, "proposed": 3, "found": 3}
    assert dict(bundle.counts) == counts
    assert [spent.source for spent in result.each if not spent.attempted] == ["dark/wrong.png"]
    for one in bundle.witnesses:
        clean, changed = bundle.read(one.clean), bundle.read(one.changed)
        assert one.prepared == (space == "input")
        assert one.torch_8bit
        assert (fit(clean, bundle.card).mean() > 120.5) != (fit(changed, bundle.card).mean() > 120.5)
        assert one.placebo is not None
        assert abs(bundle.read(one.placebo).astype(int) - clean).max() == one.change.largest_level
    assert seen[0] == ("loading", 0, 1)
    assert seen[-1] == ("attacking", 4, 4)


def test_the_finisher_leaves_the_fewest_values(place: Path) -> None:
    """118 to above 120.5 by at most 3 levels: 161 of 192 values by 3 make 2.516 levels of mean."""
    attack_to_bundle(_options(place, data=place / "data" / "dark" / "a.png"))
    (witness,) = read_bundle(place / "bundle").witnesses
    assert not witness.label_given
    assert witness.change.values_changed == 161


def test_a_fixed_budget_is_not_finished(place: Path) -> None:
    result = attack_to_bundle(_options(place, attack="pgd", settings={"steps": 5}, threat=Threat(eps=4 / 255)))
    assert result.found.hits == 3
    assert result.bundle.attack["settings"]["steps"] == 5
    assert result.bundle.threat["eps"] == 4 / 255


def test_a_target_label(place: Path) -> None:
    result = attack_to_bundle(_options(place, wish=Wish.of(["bright"])))
    assert (result.pictures, result.skipped, result.found.hits) == (4, 2, 2)
    assert {one.goal for one in result.bundle.witnesses} == {Wish.of(["bright"])}


def test_the_same_seed_writes_the_same_pictures(place: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        result = attack_to_bundle(_options(place, out=place / name))
        hashes.append([(one.changed.sha256, one.placebo) for one in result.bundle.witnesses])
    assert hashes[0] == hashes[1]


def test_limit_spreads(place: Path) -> None:
    result = attack_to_bundle(_options(place, limit=2))
    assert [one.source for one in result.bundle.witnesses] == ["bright/c.png"]
    assert result.pictures == 2


def _reader(threshold: float) -> FunctionReader:
    def logits(prepared: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        bright = prepared.mean((1, 2, 3)).astype(np.float32) - np.float32(threshold)
        return np.stack([bright, -bright], 1)

    return FunctionReader(ModelCard(labels=("bright", "dark"), size_hw=(8, 8)), logits, name="build")


def test_a_change_is_finished_on_what_the_build_misreads(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build turns at 121.5 where the twin turns at 120.5, and orders its labels the other way round."""
    judges = Judges(readers=(_reader(121.5),), labels=("dark", "bright"), slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    result = attack_to_bundle(_options(place, data=place / "data" / "dark" / "a.png"))
    (witness,) = result.bundle.witnesses
    assert result.bundle.read(witness.changed).mean() > 121.5
    assert result.verified["build"].text()[:3] == "1/1"
    assert result.bundle.attack["finished_on"] == ["build"]


def test_a_build_that_misreads_the_clean_picture_is_not_counted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = Judges(readers=(_reader(50.0),), labels=("dark", "bright"), slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    result = attack_to_bundle(_options(place, data=place / "data" / "dark" / "a.png"))
    assert (result.found.hits, result.verified["build"].total) == (1, 0)


def test_a_build_that_never_misreads_is_counted_as_such(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = Judges(readers=(_reader(255.0),), labels=("dark", "bright"), slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    result = attack_to_bundle(_options(place, data=place / "data" / "dark" / "a.png"))
    assert (result.verified["build"].hits, result.verified["build"].total) == (0, 1)


@pytest.mark.parametrize(("turns", "verified", "level"), [(121.5, "1/1", 122), (255.0, "0/1", 121)])
def test_a_fixed_budget_goes_on_until_the_build_misreads_too(
    place: Path, monkeypatch: pytest.MonkeyPatch, turns: float, verified: str, level: int
) -> None:
    """The twin turns at 120.5; where the build never does, the copy that the twin misreads is a witness as before."""
    judges = Judges(readers=(_reader(turns),), labels=("dark", "bright"), slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    settings = {"steps": 40, "step": 0.05}
    fixed = {"attack": "pgd", "settings": settings, "threat": Threat(eps=8 / 255)}
    result = attack_to_bundle(_options(place, data=place / "data" / "dark" / "a.png", **fixed))
    (witness,) = result.bundle.witnesses
    assert result.found.hits == 1
    assert result.verified["build"].text()[:3] == verified
    assert result.bundle.read(witness.changed).mean() == level


GREY = """
import torch
from misread.card import ModelCard

class Bright(torch.nn.Module):
    def forward(self, x):
        bright = x.mean((1, 2, 3)) * 255 - 120.5
        return torch.stack([-bright, bright], 1)

def make():
    net = Bright()
    net.card = ModelCard(labels=("dark", "bright"), size_hw=(8, 8), colour="grey", mean=(0.0,), std=(1.0,))
    return net
"""


def test_a_grey_input_is_judged_measured_and_copied_as_one_channel(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build takes three channels and makes one of them; the change and its placebo live in one."""
    (place / "grey.py").write_text(GREY)
    shapes: list[int] = []

    def logits(prepared: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        shapes.append(prepared.shape[-1])
        bright = prepared.mean((1, 2, 3)).astype(np.float32) - np.float32(120.5)
        return np.stack([-bright, bright], 1)

    reader = FunctionReader(ModelCard(labels=("dark", "bright"), size_hw=(8, 8)), logits, name="build")
    judges = Judges(readers=(reader,), labels=("dark", "bright"), slack=[1e-3], others=[()])
    monkeypatch.setattr(Judges, "open", lambda builds, card: judges)
    picture = place / "data" / "dark" / "a.png"
    result = attack_to_bundle(_options(place, origin=f"{place / 'grey.py'}:make", flags=CardFlags(), data=picture))
    (witness,) = result.bundle.witnesses
    assert set(shapes) == {3}
    clean, changed = result.bundle.read(witness.clean), result.bundle.read(witness.changed)
    difference = (changed.astype(int) - clean)[..., 0]
    assert witness.change.values_total == 64
    assert witness.change.values_changed == np.count_nonzero(difference)
    assert witness.change.l2 == pytest.approx(np.linalg.norm(difference) / 255)
    assert witness.placebo is not None
    control = result.bundle.read(witness.placebo)
    assert (control == control[..., :1]).all()  # channels with signs of their own would cancel in the grey value


def test_judges_ask_for_more_than_a_build_wanders() -> None:
    class Wandering(FunctionReader):
        def read_prepared(self, prepared: Any) -> Any:
            reading = super().read_prepared(prepared)
            reading.logits[:, 0] += 0.25 * (len(prepared) > 1)
            return reading

    steady = _reader(100.0)
    wandering = Wandering(steady.card, steady._function, name="wandering")
    judges = Judges(readers=(wandering,), labels=("dark", "bright"), slack=[1e-3], others=[(steady,)])
    pictures = [np.full((8, 8, 3), level, np.uint8) for level in (90, 110)]
    judges.listen(pictures, prepared=True)
    assert judges.slack == pytest.approx([0.5], rel=1e-4)
    judges.listen(pictures[:1], prepared=True)
    assert judges.slack == pytest.approx([0.5], rel=1e-4)


def test_judges_ask_for_a_share_of_the_clean_margin() -> None:
    judges = Judges(readers=(_reader(100.0),), labels=("dark", "bright"), slack=[1e-3], others=[()])
    judges.listen([np.full((8, 8, 3), level, np.uint8) for level in (90, 94, 130)], prepared=True)
    assert judges.slack == pytest.approx([0.002 * 20])  # of 20, 12 and 60


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"attack": "minmal"}, UnknownName, "did you mean 'minimal'"),
        ({"settings": {"stps": 3}}, UnknownName, "did you mean 'steps'"),
        ({"settings": {"name": "x"}}, UnknownName, "unknown setting of minimal 'name'"),
        ({"settings": {"steps": "abc"}}, OptionError, "steps is a whole number, got 'abc'"),
        ({"settings": {"steps": 2.5}}, OptionError, "steps is a whole number, got 2.5"),
        ({"settings": {"steps": True}}, OptionError, "steps is a whole number, got True"),
        ({"attack": "pgd", "settings": {"random_start": 1}}, OptionError, "random_start is true or false, got 1"),
        ({"attack": "pgd", "settings": {"step": "x"}}, OptionError, "step is a number, got 'x'"),
        ({"attack": "pgd", "settings": {"loss": 3}}, OptionError, "loss is a word, got 3"),
        ({"space": "files"}, OptionError, "did you mean 'file'"),
        ({"limit": 0}, OptionError, "limit is at least 1"),
        ({"seed": -1}, OptionError, "seed is a whole number"),
        ({"chunk": 0}, OptionError, "a chunk is at least 1"),
        ({"passes": 0}, OptionError, "a budget of passes is at least 1"),
        ({"seconds": 0.0}, OptionError, "a budget of seconds is above 0"),
        ({"attack": "pgd"}, OptionError, "add for instance --eps 8/255"),
        ({"threat": Threat(levels=None)}, OptionError, "8-bit"),
    ],
)
def test_options_refuse_at_birth(place: Path, changes: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        _options(place, **changes)


def test_a_device_that_is_not_here_is_refused_first(place: Path) -> None:
    with pytest.raises(OptionError, match=r"torch sees \d+ GPUs here and cuda:99 was asked for; leave --device out"):
        attack_to_bundle(_options(place, device="cuda:99", data=place / "none"))
    with pytest.raises(OptionError, match="device is cpu, cuda or cuda:N, got 'tpu'"):
        attack_to_bundle(_options(place, device="tpu"))


@pytest.mark.hardware
@pytest.mark.parametrize("space", ["input", "file"])
@pytest.mark.parametrize("how", [{}, {"attack": "apgd", "threat": Threat(eps=4 / 255)}], ids=["minimal", "apgd"])
def test_the_gpu_finds_what_the_cpu_finds(place: Path, space: str, how: dict[str, Any]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU here")
    found = [attack_to_bundle(_options(place, out=place / on, device=on, space=space, **how)) for on in ("cpu", "cuda")]
    on_cpu, on_gpu = ({one.source: one.change.largest_level for one in each.bundle.witnesses} for each in found)
    assert on_cpu == on_gpu
    assert len(on_gpu) == 3


def test_refusals_leave_nothing_behind(place: Path) -> None:
    before = sorted(place.iterdir())
    (place / "data" / "dark" / "z.png").write_bytes((place / "data" / "dark" / "a.png").read_bytes()[:40])
    with pytest.raises(FileError, match="truncated"):
        attack_to_bundle(_options(place))
    with pytest.raises(UnknownName, match="did you mean 'bright'"):
        attack_to_bundle(_options(place, wish=Wish.of(["brigt"])))
    with pytest.raises(FileError, match="no such file"):
        attack_to_bundle(_options(place, data=place / "none"))
    with pytest.raises(FileError, match="no such file"):
        attack_to_bundle(_options(place, builds=(place / "none.onnx",)))
    assert sorted(path for path in place.iterdir() if path.name != "__pycache__") == before


def test_an_existing_folder_is_kept_until_the_new_one_is_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "bundle").mkdir()
    (place / "bundle" / "precious").write_text("kept")
    with pytest.raises(InputError, match="--overwrite"):
        attack_to_bundle(_options(place))

    def interrupt(what: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attack_to_bundle(_options(place, overwrite=True), progress=interrupt)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("misread.bundle.encode_png", full)
        with pytest.raises(StorageError):
            attack_to_bundle(_options(place, overwrite=True))
    assert [path.name for path in (place / "bundle").iterdir()] == ["precious"]
    assert not list(place.glob(".bundle*"))
    assert not (place / "bundle.part").exists()  # it failed before the first picture was done
    attack_to_bundle(_options(place, overwrite=True))
    assert not (place / "bundle" / "precious").exists()


def test_stages_and_members_stand_in_the_manifest(place: Path) -> None:
    """A second member that is the first again changes nothing but what is said."""
    threat = Threat(eps=24 / 255)
    alone = attack_to_bundle(_options(place, out=place / "one", attack="mi-fgsm", threat=threat, transfer="di"))
    origin = alone.bundle.origin
    both = attack_to_bundle(
        _options(place, out=place / "two", attack="mi-fgsm", threat=threat, transfer="di", ensemble=(origin,))
    )
    assert list(both.bundle.attack["ensemble"]) == [origin]
    assert both.bundle.attack["transfer"] == "di"
    assert "ensemble" not in alone.bundle.attack
    assert both.found == alone.found


def test_an_unknown_stage_is_named(place: Path) -> None:
    with pytest.raises(UnknownName, match="transfer stage"):
        _options(place, transfer="dii")


def test_a_minimal_run_answers_for_every_eps(place: Path) -> None:
    result = attack_to_bundle(_options(place))
    sizes = [witness.change.linf for witness in result.bundle.witnesses]
    assert [point.eps for point in result.curve] == [levels / 255 for levels in (1, 2, 4, 8, 16, 32)]
    for point in result.curve:
        assert point.misread.hits == sum(size <= point.eps * (1 + 1e-6) for size in sizes)
        assert point.misread.total == result.found.total
    bounded = attack_to_bundle(_options(place, out=place / "bounded", threat=Threat(eps=4 / 255)))
    assert [point.eps for point in bounded.curve] == [1 / 255, 2 / 255, 4 / 255]
    fixed = attack_to_bundle(_options(place, out=place / "fixed", attack="pgd", threat=Threat(eps=4 / 255)))
    assert fixed.curve == ()
