"""Draw the README's picture of a result: run the demo, lay out what it found, photograph it with headless Chromium.

    python examples/make_pictures.py -o docs/images

Nothing in the picture is written by hand: it shows one run of `misread demo`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

from misread.demo import DemoOptions, run_demo
from misread.report.markup import Markup, tag
from misread.report.pictures import film_uri
from misread.report.sections.parts import figure, reading

if TYPE_CHECKING:
    from misread.report.content import ArmView, ReportContent

WIDTH_PX: Final = 1080
TALLEST_PX: Final = 1400
FRAMES: Final = 7
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
STYLE: Final = """
main { padding: 28px 32px; max-width: none; } h1 { font-size: 1.45rem; margin: 0 0 22px; max-width: none; }
.pictures { grid-template-columns: repeat(4, 1fr); gap: 20px; margin: 0; }
.film { grid-template-columns: repeat(7, 1fr); padding: 0; margin: 4px 0 0; } h3 { margin: 22px 0 4px; }
"""


def card(content: ReportContent) -> str:
    """Lay out the two witnesses and the film strips of the changed arms on one sheet."""
    style = Markup(files("misread.report").joinpath("page.css").read_text(encoding="utf-8") + STYLE)
    minimal, physical = content.witnesses
    shown = (*minimal.pictures, replace(physical.pictures[1], title="Changed for the camera"))
    pictures = tag("div", *(figure(picture) for picture in shown), class_="pictures")
    arms = [arm for view in content.cameras for arm in view.arms if arm.arm == "adversarial" and arm.film]
    body = tag("main", tag("h1", content.headline), pictures, *(strip(arm) for arm in arms))
    head = tag("head", tag("meta", charset="utf-8"), tag("title", content.title), tag("style", style))
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}"


def strip(arm: ArmView) -> Markup:
    """Lay out one film strip."""
    frames = [
        tag("li", tag("img", src=film_uri(frame.image), alt=""), reading(frame.read, with_reader=False))
        for frame in arm.film[:FRAMES]
    ]
    misread = f"{arm.title}: misread in {arm.rate.hits} of {arm.rate.total} camera frames"
    return tag("div", tag("h3", misread), tag("ol", *frames, class_="film"))


def photograph(page: Path, picture: Path) -> None:
    """Let headless Chromium draw a page, and cut the empty foot off."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"no browser to photograph with; install one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars"
        own = f"--user-data-dir={profile} --window-size={WIDTH_PX},{TALLEST_PX} --screenshot={picture}"
        subprocess.run([browser, *flags.split(), *own.split(), page.as_uri()], check=True, capture_output=True)  # noqa: S603
    drawn = Image.open(picture).convert("RGB")
    _, _, _, foot = ImageChops.difference(drawn, Image.new("RGB", drawn.size, "white")).getbbox() or (0, 0, 0, 1)
    # 256 colours: camera noise would otherwise make the file three times as large.
    drawn.crop((0, 0, drawn.width, foot + 28)).quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    """Run the demo and write `demo.png`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/images"), help="folder of the pictures")
    parser.add_argument("--seed", type=int, default=0, help="of the demo")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        result = run_demo(DemoOptions(out=Path(folder) / "demo", seed=arguments.seed))
        page = Path(folder) / "card.html"
        page.write_text(card(result.content), encoding="utf-8")
        photograph(page, (arguments.out / "demo.png").resolve())
    print(result.sentence)


if __name__ == "__main__":
    main()
