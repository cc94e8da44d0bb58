"""`misread rig` as a function: it serves, ends with its time, and ends with Ctrl-C."""

from __future__ import annotations

import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.board import Exhibit
from misread.runtime.rig.serve import RigOptions, serve
from misread.runtime.source import open_source

EXHIBIT = Exhibit(index=0, name="a", arm="clean", image=np.full((16, 16, 3), 180, np.uint8), label="Stop")


def test_it_is_a_network_camera_while_it_serves() -> None:
    sizes = []

    def look(url: str) -> None:
        source = open_source(url)
        sizes.append(next(source.frames()).image.shape)
        source.close()

    assert not serve([EXHIBIT], RigOptions(seconds=0.1), on_ready=look).interrupted
    assert sizes == [(540, 960, 3)]


def test_ctrl_c_ends_it_cleanly() -> None:
    def interrupt(url: str) -> None:
        raise KeyboardInterrupt

    served = serve([EXHIBIT], on_ready=interrupt)
    assert served.interrupted
    assert served.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("options", [{"seconds": 0.0}, {"seconds": float("nan")}, {"fps": 0.0}])
def test_rates_and_times_without_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        RigOptions(**options)  # type: ignore[arg-type]
