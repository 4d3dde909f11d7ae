"""OAUTHBEARER (RFC 7628), and XOAUTH2, which came before it and is never to become a standard."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from zope.interface import implementer

from gateway.accounts.credentials import BearerToken
from gateway.accounts.interfaces import IExplainsRefusal, InvalidResponse

_OAUTHBEARER = re.compile(rb"n,(?:a=([^,]*))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01", re.DOTALL)
_XOAUTH2 = re.compile(rb"user=([^\x01]*)\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01", re.DOTALL)
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


@implementer(IExplainsRefusal)
class OAuthBearer:
    """One exchange: the client sends user name and token at once."""

    name = "OAUTHBEARER"
    refusal = b'{"status":"invalid_token","schemes":"bearer"}'
    """RFC 7628 section 3.2.2; XOAUTH2 has the same."""
    _form: ClassVar[re.Pattern[bytes]] = _OAUTHBEARER

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if response is None:
            return b""
        match = self._form.fullmatch(response)
        if match is None:
            raise InvalidResponse(f"that is no message of {self.name}")
        values = dict(pair.split(b"=", 1) for pair in match[2].split(b"\x01") if pair)
        bearer = _BEARER.fullmatch(values.get(b"auth", b""))
        if bearer is None:
            raise InvalidResponse(f"{self.name} takes a bearer token (RFC 6750)")
        username = (match[1] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
        return BearerToken(username, bearer[1])


class XOAuth2(OAuthBearer):
    """The same in an older form."""

    name = "XOAUTH2"
    _form = _XOAUTH2
