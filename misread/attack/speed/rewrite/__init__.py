"""Exact rewrites of a twin: the same logits and gradients up to float noise, for less work.

A new rewrite is one file and one line in ``REWRITES``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.attack.speed.rewrite.fold import fold_norms
from misread.attack.speed.rewrite.graph import graphs, traced
from misread.attack.speed.rewrite.pool import pool_first
from misread.attack.speed.rewrite.thin import thin_first

if TYPE_CHECKING:
    from torch import nn
    from torch.fx import GraphModule

    from misread.attack.speed.same import Reference

__all__ = ["REWRITES", "Rewrite", "rewritten"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrite:
    """One kind of change.

    Attributes:
        name: What it does, as notes say it.
        apply: Changes a graph in place and returns how many places it changed.
    """

    name: str
    apply: Callable[[GraphModule], int]


REWRITES: Final[tuple[Rewrite, ...]] = (
    Rewrite(name="batch norm folded into the layer before it", apply=fold_norms),
    Rewrite(name="max pool put before ReLU", apply=pool_first),
    Rewrite(name="first layer's gradient as a matrix product", apply=thin_first),
)


def rewritten(module: nn.Module, reference: Reference) -> tuple[nn.Module, tuple[str, ...]]:
    """Rewrite a copy of a module; each rewrite is checked on its own and dropped where the answers differ.

    Args:
        module: In eval mode; it is left as it is.
        reference: Pictures, and what the module itself answers.

    Returns:
        The copy, or `module` where nothing changed; and what was done and what was dropped, in words.
    """
    best, notes = module, []
    current = traced(copy.deepcopy(module))
    for rewrite in REWRITES:
        trial = copy.deepcopy(current)
        count = sum([_apply(rewrite, graph) for graph in graphs(trial)])
        if not count:
            continue
        trial.eval().requires_grad_(requires_grad=False)
        difference = reference.difference(trial)
        if difference is None:
            best = current = trial
            notes.append(f"{rewrite.name}: {count}")
        else:
            notes.append(f"not {rewrite.name}: {difference}")
    return best, tuple(notes)


def _apply(rewrite: Rewrite, graph: GraphModule) -> int:
    count = rewrite.apply(graph)
    if count:
        graph.delete_all_unused_submodules()
        graph.graph.lint()
        graph.recompile()
    return count
