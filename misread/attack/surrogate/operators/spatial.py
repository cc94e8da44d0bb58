"""What sliding windows have in common: kernel, strides, dilations and padding, explicit or by `auto_pad`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from misread.attack.surrogate.node import Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A sliding window; every field has one entry for each spatial axis.

    Attributes:
        kernel: Taps.
        strides: Steps between windows.
        dilations: Steps between taps.
        begins: Padding before the first pixel.
        ends: Padding behind the last.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """Pixels from the first tap to the last, both included."""
        return tuple(step * (taps - 1) + 1 for taps, step in zip(self.kernel, self.dilations, strict=True))

    @property
    def symmetric(self) -> bool:
        """Whether both ends have the same padding."""
        return self.begins == self.ends


def window_of(node: Node, size: Sequence[int], kernel: Sequence[int]) -> Window:
    """Return the window that slides over an image of `size` pixels.

    Raises:
        UnsupportedOperator: more than three spatial axes, or an unknown `auto_pad`.
    """
    axes = len(kernel)
    if not 1 <= axes <= 3:
        raise node.refuse(f"{axes} spatial axes")
    strides = tuple(node.get("strides", [1] * axes))
    dilations = tuple(node.get("dilations", [1] * axes))
    pads = node.get("pads", [0] * (2 * axes))
    bare = Window(
        kernel=tuple(kernel),
        strides=strides,
        dilations=dilations,
        begins=tuple(pads[:axes]),
        ends=tuple(pads[axes:]),
    )
    mode = node.get("auto_pad", "NOTSET") or "NOTSET"
    if mode == "NOTSET":
        return bare
    totals = [0] * axes
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        steps = zip(size, strides, bare.spans, strict=True)
        totals = [max((-(-extent // stride) - 1) * stride + span - extent, 0) for extent, stride, span in steps]
    elif mode != "VALID":
        raise node.refuse(f"auto_pad {mode!r}")
    begins, ends = split_padding(totals, upper=mode != "SAME_LOWER")
    return Window(kernel=bare.kernel, strides=strides, dilations=dilations, begins=begins, ends=ends)


def split_padding(totals: Sequence[int], *, upper: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Split each total in two halves; the odd pixel goes to the end where `upper`, else to the beginning."""
    small, large = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    return (small, large) if upper else (large, small)


def padded(images: Tensor, begins: Sequence[int], ends: Sequence[int], value: float = 0.0) -> Tensor:
    """Pad the last axes of `images`, as many as `begins` has; a negative count crops."""
    if not any(begins) and not any(ends):
        return images
    pairs = zip(reversed(begins), reversed(ends), strict=True)
    return functional.pad(images, list(chain.from_iterable(pairs)), value=value)
