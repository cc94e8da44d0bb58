"""Makes a twin quick to attack: exact rewrites, layout, chunk size and, where asked, bfloat16 gradients."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.speed.layout import ChannelsLast
from misread.attack.speed.pace import Pace, measured, seconds_per_picture
from misread.attack.speed.prepared import Bfloat16, Prepared, has_bfloat16
from misread.attack.speed.rewrite import rewritten
from misread.attack.speed.same import Reference
from misread.export.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ChannelsLast", "Pace", "Prepared", "prepare"]

LIKENESS: Final = 0.8
"""Least cosine between bfloat16 gradients and those of float32."""


def prepare(
    twin: nn.Module,
    sample: Tensor,
    *,
    device: torch.device | str = "cpu",
    bfloat16: bool = False,
    pace: Pace | None = None,
) -> Prepared:
    """Make a copy of a twin that answers the same in less time.

    The rewrites are checked on the sample: logits within 1e-4 of the largest, gradients within 2 % of their length;
    one that differs is dropped, and the notes say so.

    Args:
        twin: (n, c, h, w) in [0, 1] -> logits (n, k), in eval mode, on the CPU. It is left as it is.
        sample: A few pictures of the shape to come, (n, c, h, w) float32 in [0, 1], n of 1 or more.
        device: Where attacks will run; their images must lie there.
        bfloat16: Take gradients in bfloat16 where the device computes in it, that is quicker, and the gradients are
            like those of float32. Logits of verdicts stay float32.
        pace: How to run it; None measures, for about half a second. The choice depends on the clock and changes
            results by float32 noise, so a run that must repeat another takes that one's ``pace``.
    """
    where = torch.device(device)
    with quiet():
        plain = copy.deepcopy(twin).eval().requires_grad_(requires_grad=False)
        best, notes = rewritten(plain, Reference(plain, sample.cpu()))
        best, sample = best.to(where), sample.to(where)
        reference = Reference(best, sample)
        layouts, refused = _layouts(best, reference, pace)
        chosen = measured(layouts, sample) if pace is None else pace
        module = layouts.get(chosen.channels_last, best)
        quick: nn.Module | None = None
        said: tuple[str, ...] = ()
        if bfloat16 or chosen.bfloat16:
            quick, said = _in_bfloat16(module, reference, chosen, sample, measure=pace is None)
        chosen = Pace(chunk=chosen.chunk, channels_last=chosen.channels_last, bfloat16=quick is not None)
        prepared = Prepared(module, pace=chosen, quick=quick, notes=(*notes, *refused, *said))
    return prepared.eval().requires_grad_(requires_grad=False)


def _layouts(best: nn.Module, reference: Reference, pace: Pace | None) -> tuple[dict[bool, nn.Module], tuple[str, ...]]:
    """The module by whether it runs channels-last, only in the wanted layout where a pace is given."""
    if pace is not None and not pace.channels_last:
        return {False: best}, ()
    last = ChannelsLast(copy.deepcopy(best))
    difference = reference.difference(last)
    if last.fell_back or difference:
        return {False: best}, (f"not channels-last: {difference or 'it needs the usual layout'}",)
    return {True: last} if pace is not None else {False: best, True: last}, ()


def _in_bfloat16(
    module: nn.Module, reference: Reference, pace: Pace, sample: Tensor, *, measure: bool
) -> tuple[nn.Module | None, tuple[str, ...]]:
    """The module in bfloat16, or None and why not."""
    if not has_bfloat16(sample.device):
        return None, ("not bfloat16: the device does not compute in it",)
    try:
        quick = Bfloat16(copy.deepcopy(module))
        likeness = reference.likeness(quick)
        if not likeness >= LIKENESS:
            return None, (f"not bfloat16: its gradients are too unlike those of float32, cosine {likeness:.2f}",)
        if measure:
            times = [seconds_per_picture(one, sample, pace.chunk) for one in (quick, module)]
            if not times[0] < times[1]:
                return None, ("not bfloat16: it is no quicker here",)
    except Exception as error:  # noqa: BLE001 - the user's code may hold fast to float32 in any way
        return None, (f"not bfloat16: it fails with {type(error).__name__}",)
    return quick, (f"gradients in bfloat16, cosine {likeness:.3f}",)
