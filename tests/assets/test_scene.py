from __future__ import annotations

import cv2
import numpy as np
import pytest

from examples import draw_scenes
from misread.assets import SIGN_LABELS, scenes
from misread.assets.draw import draw_sign
from misread.assets.scene import draw_background, draw_scene
from misread.assets.weather import WEATHERS
from misread.errors import OptionError
from misread.pixels import read_image


def test_shipped_scenes_are_what_the_script_draws() -> None:
    shipped = scenes()
    drawn = list(draw_scenes.scenes())
    assert [scene.path.name for scene in shipped] == [name for name, _, _ in drawn]
    for scene, (_, _, fresh) in zip(shipped, drawn, strict=True):
        difference = np.abs(read_image(scene.path).astype(int) - fresh.image)
        assert difference.max() <= 1, scene.path.name
        assert np.asarray(scene.corners) == pytest.approx(fresh.corners, abs=0.01)
        assert scene.label == fresh.label


def test_shipped_scenes_are_enough_and_various() -> None:
    shipped = scenes()
    assert len(shipped) >= 12
    assert sum(scene.label == "Stop" for scene in shipped) >= 5
    assert {scene.label for scene in shipped} <= set(SIGN_LABELS)
    assert {weather for _, weather in draw_scenes.PROGRAMME} == set(WEATHERS)


def test_corners_lie_on_the_sign() -> None:
    for scene in scenes():
        corners = np.asarray(scene.corners)
        assert corners.min() > 0
        assert corners.max() < 191
        assert 0.65 * 192 < np.ptp(corners, axis=0).max() < 0.9 * 192


def test_sign_is_where_the_corners_say() -> None:
    scene = draw_scene("No entry", np.random.default_rng(3), 128, weather="clear")
    square = np.array([(0, 0), (128, 0), (128, 128), (0, 128)], np.float32) - np.float32(0.5)
    back = cv2.getPerspectiveTransform(scene.corners, square)
    seen = cv2.warpPerspective(scene.image, back, (128, 128)).astype(float)
    flat = draw_sign("No entry", 128).astype(float)
    inside = flat[..., 3] > 254
    for channel in range(3):
        assert np.corrcoef(seen[inside][:, channel], flat[inside][:, channel])[0, 1] > (0.85 if channel else 0.2)


def test_same_generator_same_scene() -> None:
    one, other, third = (draw_scene("Stop", np.random.default_rng(seed), 64) for seed in (4, 4, 5))
    assert np.array_equal(one.image, other.image)
    assert not np.array_equal(one.image, third.image)


@pytest.mark.parametrize("weather", WEATHERS)
def test_every_weather_draws(weather: str) -> None:
    scene = draw_scene("Give way", np.random.default_rng(0), 96, weather=weather)
    assert scene.image.shape == (96, 96, 3)
    assert scene.image.dtype == np.uint8
    assert scene.image.std() > 15


def test_leaves_cast_a_shadow_on_the_sign_and_fog_takes_its_contrast() -> None:
    spread = {
        weather: draw_scene("No vehicles", np.random.default_rng(9), 96, weather=weather).image[36:60, 36:60].std()
        for weather in ("overcast", "leaves")
    }
    assert spread["leaves"] > 2 * spread["overcast"]
    clear, fog = (draw_scene("Stop", np.random.default_rng(9), 96, weather=w).image for w in ("clear", "fog"))
    assert fog.std() < 0.8 * clear.std()


@pytest.mark.parametrize("size_hw", [(8, 8), (48, 96), (200, 120)])
def test_backgrounds_of_any_shape(size_hw: tuple[int, int]) -> None:
    background = draw_background(size_hw, np.random.default_rng(1))
    assert background.shape == (*size_hw, 3)
    assert background.dtype == np.uint8


@pytest.mark.parametrize("size", [47, 1025])
def test_absurd_sizes_are_refused(size: int) -> None:
    with pytest.raises(OptionError, match="48 to 1024"):
        draw_scene("Stop", np.random.default_rng(0), size)


def test_unknown_weather_names_the_known() -> None:
    with pytest.raises(OptionError, match="low sun"):
        draw_scene("Stop", np.random.default_rng(0), weather="hail")
