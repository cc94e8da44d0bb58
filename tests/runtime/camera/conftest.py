"""No test here may leave a thread running."""

from __future__ import annotations

from tests.runtime.leftovers import no_thread_left

__all__ = ["no_thread_left"]
