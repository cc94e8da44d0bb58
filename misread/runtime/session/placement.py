"""Where the nodes of an open session run, and whether that is where they were asked to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import onnxruntime as ort

from misread.errors import ModelRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

CPU: Final = "CPUExecutionProvider"
_NAMED: Final = 5
_NAME_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the optimised graph.

    Attributes:
        provider: that runs it.
        name: empty where the graph gives it none.
        operator: its type.
    """

    provider: str
    name: str
    operator: str

    def __str__(self) -> str:
        """Say it as `Conv features.0`."""
        return f"{self.operator} {self.name[:_NAME_CHARACTERS]}".rstrip()


def can_tell() -> bool:
    """Tell whether this onnxruntime knows which provider runs which node."""
    return hasattr(ort.InferenceSession, "get_provider_graph_assignment_info")


def nodes(session: ort.InferenceSession) -> tuple[Node, ...]:
    """Return the nodes of the optimised graph; empty where onnxruntime is too old to tell."""
    ask = getattr(session, "get_provider_graph_assignment_info", tuple)
    return tuple(Node(part.ep_name, node.name, node.op_type) for part in ask() for node in part.get_nodes())


def check_placement(said: str, session: ort.InferenceSession, asked: Sequence[str]) -> None:
    """Make sure that a session runs where it was asked to.

    Args:
        said: the build, for the message.
        session: an open one.
        asked: execution providers in order.

    Raises:
        ModelRunError: a provider was dropped or joined unasked, the first took no node, or a node runs on one that
            was not asked for; the nodes are named.
    """
    has = list(session.get_providers())
    dropped = [name for name in asked if name not in has]
    if dropped:
        raise ModelRunError(
            f"{said} does not run on {dropped[0]}: onnxruntime {ort.__version__} dropped it while loading and has "
            f"{', '.join(has)}; its driver or a library is missing, ask for what is left with --provider {has[0]}"
        )
    if list(asked) == [CPU] != has:
        raise ModelRunError(f"{said} was to run on {CPU} alone and the session has {', '.join(has)}")
    placed = nodes(session)
    if placed and all(node.provider != asked[0] for node in placed):
        where = ", ".join(sorted({node.provider for node in placed}))
        raise ModelRunError(
            f"{said} does not run on {asked[0]}: it took none of {len(placed)} nodes, all fell back to {where}: "
            f"{_listed(placed)}; leave --provider {asked[0]} away"
        )
    stray = [node for node in placed if node.provider not in asked]
    if stray:
        where = ", ".join(sorted({node.provider for node in stray}))
        allow = " ".join(f"--provider {name}" for name in (*asked, *sorted({node.provider for node in stray})))
        raise ModelRunError(
            f"{said} does not run on {' and '.join(asked)} alone: {len(stray)} of {len(placed)} nodes fell back to "
            f"{where}: {_listed(stray)}; to allow that, type {allow}"
        )


def _listed(found: Sequence[Node]) -> str:
    more = len(found) - _NAMED
    return ", ".join(str(node) for node in found[:_NAMED]) + (f" and {more} more" if more > 0 else "")
