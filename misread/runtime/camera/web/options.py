"""Where the browser view is served, and who may look."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import Final

from misread.errors import OptionError

LOOPBACK: Final = "127.0.0.1"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")


@dataclass(frozen=True, kw_only=True, slots=True)
class WebOptions:
    """Where the view is served.

    Attributes:
        port: 0 lets the system choose.
        host: An IP address of this machine; another one than loopback needs a token.
        token: Needed with every request, 8 to 128 letters, digits, - or _; made for you where it is needed.

    """

    port: int = 0
    host: str = LOOPBACK
    token: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be served, and make the token that is missing."""
        if not 0 <= self.port <= 65535:
            raise OptionError(f"a port is 0 to 65535, got {self.port}")
        try:
            loopback = ipaddress.IPv4Address(self.host).is_loopback
        except ValueError as error:
            raise OptionError(f"the host is an IPv4 address, e.g. {LOOPBACK} or 0.0.0.0, got {self.host!r}") from error
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise OptionError("a token is 8 to 128 letters, digits, - or _")
        if self.token is None and not loopback:
            object.__setattr__(self, "token", secrets.token_urlsafe(16))
