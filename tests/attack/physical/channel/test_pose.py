from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from misread.attack.physical.channel import Draw, Range, View, centred
from misread.attack.physical.channel.pose import Pose, homography, picture_corners
from misread.errors import OptionError

SQUARE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)


def pose(**values: float) -> Draw:
    plain = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, "distance": 4.0, "scale": 0.0, "rectified": 0.0}
    return Draw(
        "pose",
        {
            **{name: torch.tensor([value]) for name, value in {**plain, **values}.items()},
            "shift": torch.zeros(1, 2),
            "corner": torch.zeros(1, 4, 2),
        },
    )


def test_corners_land_where_opencv_says() -> None:
    generator = torch.Generator().manual_seed(0)
    quads = SQUARE + 0.2 * torch.rand(5, 4, 2, generator=generator, dtype=torch.float64)
    ours = homography(quads, SQUARE.expand(5, 4, 2))
    for quad, matrix in zip(quads, ours, strict=True):
        theirs = cv2.getPerspectiveTransform(quad.numpy().astype(np.float32), SQUARE.numpy().astype(np.float32))
        np.testing.assert_allclose(matrix.numpy(), theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (35, 0, 0), (-35, 0, 0), (0, 14, 0), (0, 0, 8), (30, -12, 5)]
)
def test_the_box_of_a_tilted_picture_is_that_of_opencvs_camera(yaw: float, pitch: float, roll: float) -> None:
    draw, distance = pose(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, distance=3.0), 3.0
    about_y, about_x, about_z = (np.deg2rad(a) for a in (yaw, pitch, roll))
    turn = np.eye(3)
    for vector in ([0, -about_y, 0], [about_x, 0, 0], [0, 0, about_z]):
        turn = cv2.Rodrigues(np.array(vector, float))[0] @ turn
    flat = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    spin = cv2.Rodrigues(np.array([0, 0, about_z], float))[0]
    tilt = spin.T @ turn  # the camera rolls: after the projection, which commutes with a turn about the axis
    seen, _ = cv2.projectPoints(flat, tilt, np.array([0.0, 0.0, distance]), np.eye(3), None)
    seen = seen[:, 0] @ spin[:2, :2].T
    low, high = seen.min(0), seen.max(0)
    np.testing.assert_allclose(picture_corners(draw, 1.0)[0].numpy(), (seen - low) / (high - low), atol=1e-6)


def test_rectified_undoes_the_tilt() -> None:
    draw = pose(yaw_deg=40.0, pitch_deg=-15.0, roll_deg=8.0, rectified=1.0)
    torch.testing.assert_close(picture_corners(draw, 1.5)[0], SQUARE)


def test_a_larger_crop_shows_a_smaller_picture_in_its_middle() -> None:
    corners = picture_corners(pose(scale=0.25, rectified=1.0), 1.0)[0]
    torch.testing.assert_close(corners, 0.1 + 0.8 * SQUARE)


def test_frames_look_as_opencv_warps_them() -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(1).uniform(0, 1, (40, 40, 3)), (0, 0), 2.5)
    padded = cv2.copyMakeBorder(smooth, 4, 4, 4, 4, cv2.BORDER_REPLICATE)
    view = View(picture_hw=(40, 40), sensor_px=40.0, render_hw=(40, 40), margin_px=4)
    draw = pose(yaw_deg=30.0, roll_deg=5.0)
    fed = torch.from_numpy(padded.transpose(2, 0, 1)[None].copy())
    ours = Pose().apply(fed, draw, view)[0].numpy().transpose(1, 2, 0)
    corners = picture_corners(draw, 1.0)[0].numpy() * 40
    source = np.array([[4, 4], [44, 4], [44, 44], [4, 44]], np.float32) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(source, (corners - 0.5).astype(np.float32))
    theirs = cv2.warpPerspective(padded, matrix, (40, 40), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(ours, theirs, atol=4e-3)  # OpenCV samples at 1/32 pixel


def test_a_small_projection_does_not_alias() -> None:
    """A chequered picture of single pixels, seen at a quarter of its size, is grey."""
    chequers = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(34, 34).expand(1, 3, 68, 68)
    view = View(picture_hw=(64, 64), sensor_px=16.0, render_hw=(16, 16), margin_px=2)
    out = Pose().apply(chequers, pose(yaw_deg=20.0), view)
    assert (out - 0.5).abs().max() < 0.02


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"yaw_deg": centred(85.0)}, "within 80 degrees"),
        ({"distance": Range(low=1.0, high=3.0, neutral=3.0)}, "picture heights away"),
        ({"shift": centred(0.4)}, "errs by at most"),
        ({"rectified": 1.5}, "probability"),
    ],
)
def test_refuses_impossible_poses(options: dict[str, Range | float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Pose(**options)  # type: ignore[arg-type]
