"""The timestamp of APOP, which is the challenge of CRAM-MD5 too."""

from __future__ import annotations

import re
import time
from secrets import token_hex

_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}")


def make_timestamp(host: str) -> bytes:
    """Return a new timestamp for a greeting (RFC 1939 section 7): a message-id in angle brackets.

    It is never the same twice and cannot be foreseen. It has no "=", on which some clients
    stumble, nor anything else beyond letters, digits, dots and hyphens.

    @param host: the name of this machine; "localhost" stands in for one that is no host name.
    """
    name = host if _HOST.fullmatch(host) else "localhost"
    return f"<{token_hex(8)}.{int(time.time())}@{name}>".encode("ascii")
