"""`misread selftest`."""

from __future__ import annotations

from misread.cli.app import app, progress, show
from misread.cli.options import Json, Seed


@app.command()
def selftest(*, seed: Seed = 0, json: Json = False) -> None:
    """Check the attacks against answers that are known.

    Closed forms and trends, in half a minute.
    """
    from misread.attack.selftest.run import selftest as run
    from misread.report.text.selftest import selftest_text

    show(run(seed=seed, progress=progress()), selftest_text, "misread-selftest", as_json=json)
