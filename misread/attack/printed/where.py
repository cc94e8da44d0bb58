"""Which picture, what it shows and where its sign is."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.assets import scenes
from misread.assets.draw import draw_sign
from misread.attack.physical import alpha_mask, sign_mask
from misread.errors import InputError, OptionError
from misread.pixels import SUFFIXES, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from misread.assets import SceneFile
    from misread.attack.printed.options import PrintedOptions

_DRAWN_PX: Final = 512
_BACKGROUNDS: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """One picture of a sign.

    Attributes:
        path: Its file.
        picture: (h, w, 3) uint8.
        mask: (h, w) bool, the sign.
        label: What it shows.
    """

    path: Path
    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    label: str


def given(options: PrintedOptions) -> Given:
    """Read the picture, and say where its sign is: as told, or as known of a shipped picture.

    Raises:
        OptionError: Neither is told nor known.
        InputError: The mask does not fit the picture.
        FileError: A file cannot be read.
    """
    scene = _shipped(options)
    if scene is None and options.picture is None:
        message = f"which picture? {options.origin} ships none; name one: misread physical {options.origin} PICTURE"
        raise OptionError(message)
    path = options.picture or (scene.path if scene else None)
    label = options.label or (scene.label if scene else None)
    if path is None or label is None:
        message = f"what does {path} show? say it with --label LABEL"
        raise OptionError(message)
    picture = read_image(path)
    return Given(path=path, picture=picture, mask=_mask(options, scene, picture, path), label=label)


def backgrounds_in(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Read the pictures of a folder, in the order of their names, each once and at most 512 pixels a side.

    Raises:
        InputError: The folder is none, or holds fewer than two different pictures.
        FileError: A picture is broken; the message names it.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    found: dict[str, NDArray[np.uint8]] = {}
    seen: set[str] = set()
    for file in files[:: max(1, -(-len(files) // _BACKGROUNDS))]:
        picture = read_image(file)
        digest = sha256(picture.tobytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            found[file.relative_to(folder).as_posix()] = _at_most(picture, _DRAWN_PX)
    if len(found) < 2:
        message = f"{folder} holds {len(found)} different pictures; give a folder with two or more as backgrounds"
        raise InputError(message)
    return found


def _at_most(picture: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    share = side_px / max(picture.shape[:2])
    if share >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * share)), max(1, round(picture.shape[0] * share)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def scene_mask(scene: SceneFile, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the sign of a shipped picture, (h, w) bool: its drawing's alpha, seen as the picture sees it."""
    alpha = draw_sign(scene.label, _DRAWN_PX)[..., 3]
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * _DRAWN_PX - np.float32(0.5)
    seen = cv2.getPerspectiveTransform(square, np.array(scene.corners, np.float32))
    warped = cv2.warpPerspective(alpha, seen, (size_hw[1], size_hw[0]), flags=cv2.INTER_AREA)
    mask: NDArray[np.bool_] = warped >= 128
    return mask


def _shipped(options: PrintedOptions) -> SceneFile | None:
    """The shipped picture that is meant, by its file's bytes wherever that lies; the stop sign where none is named."""
    if options.picture is None:
        named = [scene for scene in scenes() if scene.label == "Stop" and "rain" in scene.path.stem]
        return named[0] if options.origin == "signs" else None
    if not options.picture.is_file():
        return None
    data = options.picture.read_bytes()
    return next((scene for scene in scenes() if scene.path.read_bytes() == data), None)


def _mask(
    options: PrintedOptions, scene: SceneFile | None, picture: NDArray[np.uint8], path: Path
) -> NDArray[np.bool_]:
    size_hw = (picture.shape[0], picture.shape[1])
    if options.corners and options.mask:
        message = "where the sign is takes --corners or --mask, got both; give one of the two"
        raise OptionError(message)
    if options.corners:
        return sign_mask(options.corners, size_hw)
    if options.mask:
        return _mask_file(options.mask, size_hw)
    if scene is not None:
        return scene_mask(scene, size_hw)
    message = f"where is the sign in {path}? give its outline, --corners 'X,Y X,Y X,Y X,Y', or --mask FILE"
    raise OptionError(message)


def _mask_file(path: Path, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    light = read_image(path)  # bounded and refused in words; then the alpha, where there is one
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    has_alpha = raw is not None and raw.dtype == np.uint8 and raw.ndim == 3 and raw.shape[2] == 4
    mask = alpha_mask(np.asarray(raw, np.uint8)) if has_alpha else light.mean(axis=2) >= 128
    if mask.shape != size_hw:
        message = f"the mask {path} is {mask.shape[1]}x{mask.shape[0]}, the picture {size_hw[1]}x{size_hw[0]}"
        raise InputError(message)
    return mask
