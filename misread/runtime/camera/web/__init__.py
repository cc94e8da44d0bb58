"""The live check in a browser: the picture, the numbers and the buttons, on loopback unless asked otherwise."""

from __future__ import annotations

from misread.runtime.camera.web.options import WebOptions
from misread.runtime.camera.web.view import WebView

__all__ = ["WebOptions", "WebView"]
