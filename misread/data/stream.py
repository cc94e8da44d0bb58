"""Work on many pictures in threads, a few at a time, and hand the results over in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], *, workers: int, ahead: int = 4
) -> Generator[Result]:
    """Yield `work(item)` for each item, in the order of the items, whoever finishes first.

    At most `workers * ahead` results wait at any time; the first exception of `work` ends it, at its place. No
    thread is left once it has ended or was closed.

    Args:
        items: taken one by one, as they are needed.
        work: called in threads; decoding and resizing of pictures leave the interpreter lock alone.
        workers: threads, from 1.
        ahead: how many results each may be ahead of the one that is wanted, from 1.

    Raises:
        OptionError: no workers.
    """
    if not (workers >= 1 and ahead >= 1):
        raise OptionError(f"a pool needs 1 worker or more that is 1 item or more ahead, got {workers} and {ahead}")
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= workers * ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def spread(items: Sequence[Item], limit: int | None) -> tuple[Item, ...]:
    """Return at most `limit` of the items, evenly from first to last: the first hundred would be all of one class.

    Raises:
        OptionError: a limit below 1.
    """
    if limit is None:
        return tuple(items)
    if not limit >= 1:
        raise OptionError(f"limit is a number of pictures from 1, got {limit}")
    count = min(limit, len(items))
    return tuple(items[at * len(items) // count] for at in range(count))
