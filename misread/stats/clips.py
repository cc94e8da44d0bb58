"""Rates over frames whose unit is the clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError
from misread.stats.rates import Rate, student_t_95, wilson_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MIN_CLIPS = 5
MOST_CLIPS = 10_000


def clip_rate(hits_per_clip: Sequence[int], frames_per_clip: Sequence[int]) -> Rate:
    """Return a rate over frames whose interval knows that frames of one clip are not independent.

    Wilson's interval with the effective sample size n = p(1-p) / (s^2/C), s^2 the variance between the C clips'
    shares, capped at the frame count, and Student's t with C-1 degrees of freedom in place of z. n is C, a trial a
    clip, when s = 0 and when the rarer outcome is `lonely`: s then says little. Clips without frames do not count.
    Below five clips there is no interval.

    Args:
        hits_per_clip: frames that count as a hit, per clip.
        frames_per_clip: measured frames, per clip.

    Raises:
        OptionError: the sequences differ in length.
    """
    if len(hits_per_clip) != len(frames_per_clip):
        message = f"one frame count per clip expected, got {len(hits_per_clip)} and {len(frames_per_clip)}"
        raise OptionError(message)
    pairs = [(hits, frames) for hits, frames in zip(hits_per_clip, frames_per_clip, strict=True) if frames]
    hits, total, clips = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs), len(pairs)
    if clips < MIN_CLIPS:
        return Rate(hits=hits, total=total, low=None, high=None)
    shares = np.array([pair[0] / pair[1] for pair in pairs])
    variance = 0.0 if lonely(shares) else float(np.var(shares, ddof=1))
    low, high = _ends(hits / total, variance, clips, float(total))
    return Rate(hits=hits, total=total, low=low, high=high)


def lonely(shares: NDArray[np.float64]) -> bool:
    """Whether the rarer outcome comes from too few clips for their variance to be believed.

    That is: it never happened; or it fills less than one clip in all, and its participation ratio (sum m)^2 / sum m^2,
    which is k where k clips share it alike, is below `MIN_CLIPS`. Found by simulation to be where the interval would
    cover too little.

    Args:
        shares: (clips,) from 0 to 1.
    """
    rare = shares if shares.mean() < 0.5 else 1 - shares
    filled, squares = float(rare.sum()), float((rare**2).sum())
    return filled == 0 or (filled < 1 and filled * filled < MIN_CLIPS * squares)


def clips_needed(hits_per_clip: Sequence[int], frames_per_clip: Sequence[int], bound: float) -> int | None:
    """Return with how many clips in all the interval would leave a bound out, were the rest like those seen.

    The same share and the same variance between clips are put into `clip_rate`'s formula with ever more clips.

    Args:
        hits_per_clip: frames that count as a hit, per clip.
        frames_per_clip: measured frames, per clip; at least one clip has some.
        bound: a share.

    Returns:
        At least `MIN_CLIPS`; None where 10,000 clips would not do, or where no clip has a frame.
    """
    pairs = [(hits, frames) for hits, frames in zip(hits_per_clip, frames_per_clip, strict=True) if frames]
    if not pairs:
        return None
    share = sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs)
    length = sum(pair[1] for pair in pairs) / len(pairs)
    shares = np.array([pair[0] / pair[1] for pair in pairs])
    variance = 0.0 if len(pairs) < 2 or lonely(shares) else float(np.var(shares, ddof=1))

    def settles(clips: int) -> bool:
        low, high = _ends(share, variance, clips, length * clips)
        return bound < low or bound > high

    if not settles(MOST_CLIPS):
        return None
    too_few, enough = MIN_CLIPS - 1, MOST_CLIPS
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if settles(middle) else (middle, enough)
    return enough


def _ends(share: float, variance: float, clips: int, frames: float) -> tuple[float, float]:
    effective = share * (1 - share) / (variance / clips) if variance > 0 else float(clips)
    return wilson_ends(share, min(max(effective, 1.0), frames), student_t_95(clips - 1))
