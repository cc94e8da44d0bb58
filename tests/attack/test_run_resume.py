"""A run that is killed goes on where it stopped, to the bundle of one that was never killed; memory stays level."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.attack.judges import Judges
from misread.attack.options import AttackOptions
from misread.attack.run import attack_to_bundle
from misread.attack.speed import Pace
from misread.attack.threat import Threat
from misread.bundle import read_bundle
from misread.card import ModelCard
from misread.errors import FileError, InputError, ModelRunError, OptionError, StorageError
from misread.flags import CardFlags
from misread.pixels import encode_png, read_image, write_png
from misread.runtime.session import FunctionReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 8
PICTURES = 12
ORIGIN = """
import torch

class Bright(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mixed = torch.nn.Conv2d(3, 8, 3, padding=1)
        with torch.no_grad():
            for at, value in enumerate(self.mixed.parameters()):
                value.copy_(torch.linspace(-0.1, 0.11, value.numel()).view_as(value).cos().mul(0.2))

    def forward(self, x):
        bright = x.mean((1, 2, 3)) * 255 - 120.5 + 0.01 * self.mixed(x).tanh().mean((1, 2, 3))
        bright = bright + 0.2 * (len(x) % 4)  # as every network does, in its last digits
        return torch.stack([-bright, bright], 1)

def make():
    return Bright()
"""


@pytest.fixture(autouse=True)
def chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.attack.run.CHUNK", CHUNK)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A network that looks at the size of the batch, and twelve pictures around its boundary, one in a wrong folder."""
    (tmp_path / "net.py").write_text(ORIGIN)
    (tmp_path / "labels.txt").write_text("dark\nbright\n")
    random = np.random.default_rng(0)
    for number in range(PICTURES):
        level = 117 + number % 3
        pixels = random.normal(level, 6, (8, 8, 3)).clip(0, 255).astype(np.uint8)
        path = tmp_path / "data" / "dark" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, pixels if number != 4 else np.full((8, 8, 3), 200, np.uint8))
    return tmp_path


def _options(place: Path, name: str = "bundle", **changes: Any) -> AttackOptions:
    return AttackOptions(
        **{
            "origin": f"{place / 'net.py'}:make",
            "flags": CardFlags(labels=place / "labels.txt", size="8"),
            "data": place / "data",
            "out": place / name,
            "chunk": CHUNK,  # what is measured differs from run to run, and this network looks at it
            **changes,
        }
    )


def _tree(folder: Path) -> dict[str, bytes]:
    """All files of a bundle, the manifest without its date."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files["manifest.json"] = re.sub(rb'"created": "[^"]*"', b"", files["manifest.json"])
    return files


def _stop_after(pictures: int, error: BaseException) -> Any:
    def progress(what: str, done: int, _: int) -> None:
        if what == "attacking" and done == pictures:
            raise error

    return progress


def _judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that turns a little later than the twin, and whose margins wander with the batch."""

    def logits(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        bright = prepared.mean((1, 2, 3)).astype(np.float32) - np.float32(120.8)
        wander = 0.01 * (prepared[:, 0, 0, 0] % 16) * (len(prepared) > 1)
        return np.stack([bright + wander.astype(np.float32), -bright], 1)

    card = ModelCard(labels=("bright", "dark"), size_hw=(8, 8))

    def opened(*_: object) -> Judges:
        reader = FunctionReader(card, logits, name="build")
        return Judges(readers=(reader,), labels=("dark", "bright"), slack=[1e-3], others=[()])

    monkeypatch.setattr(Judges, "open", opened)


ATTACKS = [
    {},
    {"attack": "pgd", "settings": {"steps": 8, "restarts": 2}, "threat": Threat(eps=3 / 255)},
    {"attack": "square", "settings": {"queries": 60}, "threat": Threat(eps=6 / 255)},
]


@pytest.mark.parametrize("changes", ATTACKS, ids=["minimal", "pgd", "square"])
@pytest.mark.parametrize("judged", [False, True], ids=["twin", "build"])
def test_a_killed_run_ends_with_the_same_bundle(
    place: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], judged: bool
) -> None:
    if judged:
        _judge(monkeypatch)
    whole = attack_to_bundle(_options(place, "whole", **changes))
    assert whole.found.hits > 0
    expected = _tree(place / "whole")
    for stop in (1, CHUNK - 1, CHUNK, CHUNK + 1, PICTURES):
        with pytest.raises(KeyboardInterrupt, match=f"{stop} of {PICTURES} pictures are kept"):
            attack_to_bundle(_options(place, resume=True, **changes), progress=_stop_after(stop, KeyboardInterrupt()))
    result = attack_to_bundle(_options(place, resume=True, **changes))
    assert _tree(place / "bundle") == expected
    assert result.each == whole.each
    assert (result.found, result.verified, result.bundle.counts) == (whole.found, whole.verified, whole.bundle.counts)
    assert not (place / "bundle.part").exists()


def test_the_pace_is_that_of_the_start(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickest number of pictures in a pass is measured once; a resumed run does not measure again."""
    measured = iter([Pace(chunk=5), Pace(chunk=7)])
    monkeypatch.setattr("misread.attack.speed.measured", lambda *_: next(measured))
    with pytest.raises(KeyboardInterrupt):
        attack_to_bundle(_options(place, chunk=None), progress=_stop_after(2, KeyboardInterrupt()))
    resumed = attack_to_bundle(_options(place, chunk=None, resume=True))
    assert resumed.bundle.attack["pace"]["chunk"] == 5
    attack_to_bundle(_options(place, "whole", chunk=5))
    assert [one.changed for one in resumed.bundle.witnesses] == [
        one.changed for one in read_bundle(place / "whole").witnesses
    ]


def test_the_date_is_that_of_the_start(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        attack_to_bundle(_options(place), progress=_stop_after(2, KeyboardInterrupt()))
    journal = place / "bundle.part" / "journal.jsonl"
    head, *lines = journal.read_text().splitlines()
    changed = json.loads(head) | {"created": "2001-02-03T04:05:06+00:00"}
    journal.write_text("\n".join([json.dumps(changed), *lines]) + "\n")
    assert attack_to_bundle(_options(place, resume=True)).bundle.created == "2001-02-03T04:05:06+00:00"


KILLED = """
import sys
from pathlib import Path
from misread.attack.options import AttackOptions
from misread.attack import run
from misread.flags import CardFlags
import time, torch

run.CHUNK = 8

torch.set_num_threads(1)
place = Path(sys.argv[1])

def progress(what, done, total):
    if what == "attacking" and done == 5:
        (place / "ready").touch()
        time.sleep(60)

run.attack_to_bundle(AttackOptions(
    origin=f"{place / 'net.py'}:make", flags=CardFlags(labels=place / "labels.txt", size="8"),
    data=place / "data", out=place / "bundle", chunk=8,
), progress=progress)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_outright_leaves_what_it_did(place: Path) -> None:
    attack_to_bundle(_options(place, "whole"))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(place)])
    try:
        for _ in range(600):
            if (place / "ready").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    images = place / "bundle.part" / "bundle" / "images"
    (images / ".0004-clean.png.x.partial").write_bytes(b"half")  # what a kill inside a write leaves
    (images / "0004-clean.png").write_bytes(b"whole, and no line speaks of it")
    with pytest.raises(InputError, match=r"holds 5 of 12 pictures .* --resume"):
        attack_to_bundle(_options(place))
    attack_to_bundle(_options(place, resume=True))
    assert _tree(place / "bundle") == _tree(place / "whole")


def test_a_failing_build_keeps_what_was_done(place: Path) -> None:
    with pytest.raises(ModelRunError, match=r"^it broke; 3 of 12 pictures are kept in .*bundle\.part"):
        attack_to_bundle(_options(place), progress=_stop_after(3, ModelRunError("it broke")))
    assert attack_to_bundle(_options(place, resume=True)).pictures == PICTURES


def test_a_full_disk_keeps_what_was_done(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = iter(range(100))

    def full(image: NDArray[np.uint8]) -> bytes:
        if next(written) == 10:  # inside the fourth witness
            raise OSError(28, "No space left on device")
        return encode_png(image)

    with monkeypatch.context() as patched:
        patched.setattr("misread.bundle.encode_png", full)
        with pytest.raises(StorageError, match=r"cannot write .*no space left.*; 7 of 12 pictures are kept"):
            attack_to_bundle(_options(place))
    attack_to_bundle(_options(place, resume=True))
    attack_to_bundle(_options(place, "whole"))
    assert _tree(place / "bundle") == _tree(place / "whole")


@pytest.fixture
def stopped(place: Path) -> Path:
    with pytest.raises(KeyboardInterrupt):
        attack_to_bundle(_options(place), progress=_stop_after(5, KeyboardInterrupt()))
    return place


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "begun with seed 0 and this command says 1"),
        ({"threat": Threat(eps=3 / 255)}, "begun with threat"),
        ({"attack": "apgd", "threat": Threat(eps=3 / 255)}, "begun with attack minimal and this command says apgd"),
        ({"limit": 6}, "begun with limit None and this command says 6"),
        ({"chunk": 3}, "begun with chunk 8 and this command says 3"),
    ],
)
def test_another_command_is_not_resumed(stopped: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        attack_to_bundle(_options(stopped, resume=True, **changes))
    assert attack_to_bundle(_options(stopped, resume=True)).pictures == PICTURES


def test_other_weights_labels_or_pictures_are_not_resumed(stopped: Path) -> None:
    net, labels, data = stopped / "net.py", stopped / "labels.txt", stopped / "data" / "dark"

    def refused(said: str) -> None:
        with pytest.raises(OptionError, match=f"begun with {said}"):
            attack_to_bundle(_options(stopped, resume=True))

    net.write_text(ORIGIN.replace("mul(0.2)", "mul(0.3)"))
    refused("weights of")
    net.write_text(ORIGIN)
    labels.write_text("dark\nlight\n")
    refused("card")
    labels.write_text("dark\nbright\n")
    (data / "11.png").rename(data / "99.png")
    refused("pictures")
    (data / "99.png").rename(data / "11.png")
    assert attack_to_bundle(_options(stopped, resume=True)).pictures == PICTURES


def test_a_changed_picture_or_witness_is_not_resumed(stopped: Path) -> None:
    def refused(said: str) -> None:
        with pytest.raises(FileError, match=f"cannot resume: .*{said}.*; begin anew with --overwrite"):
            attack_to_bundle(_options(stopped, resume=True))

    picture = stopped / "data" / "dark" / "01.png"
    before = picture.read_bytes()
    picture.write_bytes(before + b"more")
    refused(r"01\.png is not the picture")
    picture.write_bytes(before)
    witness = stopped / "bundle.part" / "bundle" / "images" / "0000-changed.png"
    kept = witness.read_bytes()
    witness.write_bytes(kept[:-1])
    refused(r"0000-changed\.png is not as it was written")
    witness.unlink()
    refused("is not as it was written")
    witness.write_bytes(kept)
    journal = stopped / "bundle.part" / "journal.jsonl"
    text = journal.read_text()
    journal.write_text(text.replace('"spent"', '"spend"'))
    refused("'spent' is missing")
    journal.write_text(text)
    assert attack_to_bundle(_options(stopped, resume=True)).pictures == PICTURES


def test_overwrite_begins_anew(stopped: Path) -> None:
    result = attack_to_bundle(_options(stopped, overwrite=True, seed=1))
    assert (result.pictures, result.bundle.attack["seed"]) == (PICTURES, 1)
    assert not (stopped / "bundle.part").exists()


def test_pictures_are_held_only_while_their_turn_lasts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Any]] = []
    most = 0

    class Held(np.ndarray[Any, Any]):
        """An array that can be counted."""

    def counted(path: Path) -> Any:
        nonlocal most
        pixels = read_image(path).view(Held)
        seen.append(weakref.ref(pixels))
        most = max(most, sum(ref() is not None for ref in seen))
        return pixels

    monkeypatch.setattr("misread.data.sample.read_image", counted)
    monkeypatch.setattr("misread.attack.run.fit", lambda pixels, _: pixels)
    peaks = []
    for count in (3 * CHUNK, 10 * CHUNK):
        for number in range(count):
            write_png(place / f"many{count}" / "dark" / f"{number}.png", np.full((8, 8, 3), 100, np.uint8))
        most = 0
        quick = {"attack": "fgsm", "threat": Threat(eps=1 / 255)}
        result = attack_to_bundle(_options(place, f"b{count}", data=place / f"many{count}", **quick))
        assert result.pictures == count
        peaks.append(most)
    assert peaks[0] == peaks[1] <= 2 * CHUNK + 1


def test_the_clock_ends_the_run_and_says_what_it_did_not_reach(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ticking:
        """A clock that loses a second whenever it is asked."""

        def __init__(self, limit: float | None, *, before: float = 0.0) -> None:
            self.limit, self.spent = limit, before

        @property
        def left(self) -> float:
            self.spent += 1
            return float("inf") if self.limit is None else max(0.0, self.limit - self.spent)

    monkeypatch.setattr("misread.attack.run.Clock", Ticking)
    result = attack_to_bundle(_options(place, seconds=6.0))
    assert (result.pictures, len(result.each), result.unattempted) == (PICTURES, CHUNK, PICTURES - CHUNK)
    assert result.bundle.counts["unattempted"] == PICTURES - CHUNK
    assert result.bundle.attack["seconds"] == 6.0
    levels = {one.source: one.change.values_changed for one in result.bundle.witnesses}
    finished = {
        one.source: one.change.values_changed for one in attack_to_bundle(_options(place, "b")).bundle.witnesses
    }
    late = [name for name, changed in levels.items() if changed > finished[name]]
    assert late == list(levels)[-len(late) :]  # the first ones were finished while there was time
    assert 0 < len(late) < len(levels)


def test_passes_are_a_hard_limit(place: Path) -> None:
    threat = Threat(eps=2 / 255)
    settings = {"steps": 50, "restarts": 5}
    limited = attack_to_bundle(_options(place, attack="pgd", settings=settings, threat=threat, passes=4))
    assert max(spent.forwards for spent in limited.each) <= 4
    assert limited.bundle.attack["passes"] == 4
