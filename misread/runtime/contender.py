"""A build on trial: what is known of it, what it has read so far, and how else it can be run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from misread.runtime.fingerprint import Fingerprint, fingerprint
from misread.runtime.session import Deployed, Level, Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from misread.errors import MisreadError
    from misread.runtime.verdict import Look

#: The levels whose results lie furthest apart.
LEVELS: Final[tuple[Level, ...]] = ("disable", "basic", "all")


@dataclass(frozen=True, kw_only=True, slots=True)
class Views:
    """What one build made of one witness behind one rung.

    `logits` are (pictures, k) float32 in that order, where the contender keeps them.
    """

    clean: Look
    changed: Look
    placebo: Look | None = None
    logits: NDArray[np.float32] | None = None


Setting = tuple[str, Callable[[], Reader]]


@dataclass(kw_only=True, slots=True)
class Contender:
    """A build on trial.

    Attributes:
        name: unique within the verification.
        reader: None where it could not be opened.
        sha256: of its file.
        fingerprint: what runs.
        card_from: who said how it is fed.
        failure: why it is unavailable, once it is.
        settings: opens the same build with other settings, one after the other, to measure its noise.
        views: per rung and witness, what was seen, or why nothing was.
        keeps: hold on to the logits behind the first rung.
    """

    name: str
    reader: Reader | None
    sha256: str = ""
    fingerprint: Fingerprint | None = None
    card_from: tuple[str, ...] = ()
    failure: MisreadError | None = None
    settings: Callable[[], Iterator[Setting]] = lambda: iter(())
    views: dict[str, list[Views | str]] = field(default_factory=dict)
    keeps: bool = False

    @property
    def alive(self) -> Reader | None:
        """The reader, as long as nothing went wrong."""
        return None if self.failure else self.reader


def contender_of(reader: Reader, *, name: str = "") -> Contender:
    """Put an open reader on trial.

    Args:
        reader: a build, or whatever else reads pictures.
        name: what the results call it; its own name by default.

    Raises:
        FileError: the build's file is gone.
    """
    if not isinstance(reader, Deployed):
        return Contender(name=name or reader.name, reader=reader)
    ran = fingerprint(reader)
    return Contender(
        name=name or reader.name,
        reader=reader,
        sha256=ran.model_sha256,
        fingerprint=ran,
        card_from=sources_of(reader),
        settings=partial(other_settings, reader),
    )


def sources_of(reader: Reader) -> tuple[str, ...]:
    """Return who said how a reader is fed; nobody for a function."""
    said: tuple[str, ...] = getattr(reader, "card_sources", ())
    return said


def other_settings(deployed: Deployed) -> Iterator[Setting]:
    """Yield ways to open the same build with other threads and other optimisation levels, lazily."""
    options = deployed.options
    threads = deployed.session.get_session_options().intra_op_num_threads
    other = 2 if threads == 1 else 1
    changes = [(f"threads {other}", replace(options, threads=other))]
    changes += [(f"level {level}", replace(options, level=level)) for level in LEVELS if level != options.level]
    for name, changed in changes:
        yield name, partial(Deployed.open, deployed.path, card=deployed.card, options=changed)
