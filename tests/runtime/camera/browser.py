"""A headless Chromium that a test drives through a pipe of its debugging protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
DEADLINE_S = 90.0
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
    "--remote-debugging-pipe"
)
# Chromium reads from descriptor 3 and writes to 4, which a test process may use for other things.
LAUNCH = """
import fcntl, os, sys
taken = [fcntl.fcntl(int(one), fcntl.F_DUPFD_CLOEXEC, 10) for one in sys.argv[1:3]]
os.dup2(taken[0], 3)
os.dup2(taken[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page. `complaints` holds what came on its console."""

    def __init__(self, send: BinaryIO, receive: BinaryIO) -> None:
        self._send, self._receive, self._number, self._session = send, receive, 0, ""
        self.complaints: list[Any] = []

    def open(self, url: str) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        self._send.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
                self.complaints.append(answer["params"])

    def _read(self) -> Any:
        read = bytearray()
        while (byte := self._receive.read(1)) != b"\0":
            assert byte, "Chromium has gone"
            read += byte
        return json.loads(read)

    def ask(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until a script gives something true."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if found := self.ask(script):
                return found
            time.sleep(0.05)
        raise AssertionError(f"never came: {script}; {self.ask('document.body.innerText')}; {self.complaints}")

    def picture(self, path: Path, width: int, height: int, *, dark: bool = False) -> None:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile in the folder, and end it."""
    assert CHROMIUM is not None
    (there, send), (receive, back) = os.pipe(), os.pipe()
    command = [sys.executable, "-c", LAUNCH, str(there), str(back), CHROMIUM, *FLAGS.split()]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={folder / 'profile'}"],
        pass_fds=(there, back),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(there)
    os.close(back)
    with open(send, "wb") as out, open(receive, "rb") as read:  # noqa: PTH123  these are descriptors
        try:
            yield Browser(out, read)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
