"""SCRAM (RFC 5802, RFC 7677), with and without channel binding."""

from __future__ import annotations

import re
from typing import Any

from scramp import ScramException, ScramMechanism
from scramp.utils import ServerError
from zope.interface import implementer

from gateway.accounts.credentials import IScramCredentials, ScramCredentials
from gateway.accounts.interfaces import DirectoryUnavailable, InvalidResponse, ISASLMechanism
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.scram import ScramVerifier

_FIRST = re.compile(r"((n|y|p=([A-Za-z0-9.-]{1,40})),(?:a=([^,]*))?,)(n=([^,]*),.*)", re.DOTALL)
_LONGEST = 2048
"""Octets of a message of the client's. Names are prepared (RFC 4013) at some cost for each."""


class _Header:
    """Says what the client's `c=` must hold, in place of scramp's own.

    scramp refuses `tls-exporter` (RFC 9266), and an authorization identity: hence this.
    """

    def __init__(self, expected: bytes) -> None:
        self._expected = expected

    def make_cbind_input(self, _binding: object) -> bytes:
        return self._expected


@implementer(ISASLMechanism)
class Scram:
    """One exchange: client first, server first, client final, server final, then nothing more.

    @param name: "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", ...
    @param channel: the connection; its portal has a checker that gives verifiers.
    @param plus_offered: whether the client was told of the -PLUS forms, so that a client that
        knows them and says they were not offered (flag "y") was lied to by somebody in between.
    """

    def __init__(self, name: str, channel: Channel, *, plus_offered: bool) -> None:
        self.name = name
        self._base = name.removesuffix("-PLUS")
        self._channel = channel
        self._plus_offered = plus_offered
        self._server: Any = None
        self._username = b""
        self._verifier: ScramVerifier | None = None
        self._proven: ScramCredentials | None = None

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if response is None:
            return b""
        if self._proven is not None:
            if response:
                raise InvalidResponse("nothing may follow the last message of SCRAM")
            return self._proven
        if len(response) > _LONGEST:
            raise InvalidResponse("a message of SCRAM is not that long")
        try:
            text = response.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidResponse("SCRAM takes UTF-8") from None
        return self._first(text) if self._server is None else self._final(text)

    def _first(self, text: str) -> Any:
        match = _FIRST.fullmatch(text)
        if match is None:
            raise InvalidResponse("that is no first message of SCRAM")
        header, flag, binding, identity, bare, username = match.groups()
        if identity not in (None, "", username):
            raise InvalidResponse("nobody may act for another user here")
        expected = header.encode("ascii", "replace") + self._binding(flag, binding)
        server = ScramMechanism(self._base).make_server(self._look_up)
        try:
            server.set_client_first(f"n,,{bare}")
            challenge: str = server.get_server_first()
        except ScramException as error:
            if isinstance(error.__cause__, DirectoryUnavailable):
                return self._credentials()  # the checker will say the same
            raise InvalidResponse(_told(error)) from None
        server.gs2_header = _Header(expected)
        self._server = server
        return challenge.encode("utf-8")

    def _binding(self, flag: str, name: str | None) -> bytes:
        """Return the data of the binding that the client's flag calls for (RFC 5802 section 6)."""
        if not self.name.endswith("-PLUS"):
            if name is not None or (flag == "y" and self._plus_offered):
                raise InvalidResponse(f"channel binding goes with {self._base}-PLUS")
            return b""
        data = self._channel.binding(name) if name is not None else None
        if data is None:
            raise InvalidResponse(
                f"{self.name} takes the channel bindings tls-exporter and tls-server-end-point"
            )
        return data

    def _look_up(self, username: str) -> tuple[bytes, bytes, bytes, int]:
        self._username = username.encode("utf-8")
        checker = self._channel.checker_for(IScramCredentials)
        found: ScramVerifier = checker.verifier_of(username, self._base)
        self._verifier = found
        return found.salt, found.stored_key, found.server_key, found.iterations

    def _final(self, text: str) -> Any:
        try:
            self._server.set_client_final(text)
            signature: str = self._server.get_server_final()
        except ScramException as error:
            if error.server_error is ServerError.INVALID_PROOF:
                return self._credentials()
            raise InvalidResponse(_told(error)) from None
        self._proven = self._credentials(proven=True)
        return signature.encode("ascii")

    def _credentials(self, *, proven: bool = False) -> ScramCredentials:
        key = self._verifier.stored_key if self._verifier is not None else b""
        return ScramCredentials(self._username, self._base, key, proven)


def _told(error: ScramException) -> str:
    """Return what may be told of an error: its kind (RFC 5802 section 7), never its text."""
    kind = error.server_error.value if error.server_error is not None else "other-error"
    return f"SCRAM: {kind}"
