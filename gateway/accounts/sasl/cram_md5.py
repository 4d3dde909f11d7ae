"""CRAM-MD5 (RFC 2195)."""

from __future__ import annotations

import re
from typing import Any

from zope.interface import implementer

from gateway.accounts.apop import make_timestamp
from gateway.accounts.credentials import CramMD5Credentials
from gateway.accounts.interfaces import InvalidResponse, ISASLMechanism

_RESPONSE = re.compile(rb"(.+) ([0-9a-fA-F]{32})", re.DOTALL)


@implementer(ISASLMechanism)
class CramMD5:
    """One exchange: the client digests our challenge with its secret.

    @param host: the name of this machine, for the challenge.
    """

    name = "CRAM-MD5"

    def __init__(self, host: str) -> None:
        self._challenge = make_timestamp(host)
        self._challenged = False

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if not self._challenged:
            if response is not None:
                raise InvalidResponse("CRAM-MD5 takes no initial response")
            self._challenged = True
            return self._challenge
        match = _RESPONSE.fullmatch(response or b"")
        if match is None:
            raise InvalidResponse("CRAM-MD5 takes a user name, a space and 32 hexadecimal digits")
        return CramMD5Credentials(match[1], self._challenge, match[2])
