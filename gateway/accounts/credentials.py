"""Credentials of the mechanisms in which the password does not travel.

They go with every checker for `IUsernameHashedPassword`, Twisted's own included: octets throughout.
"""

from __future__ import annotations

import hmac
from hashlib import md5

from twisted.cred.credentials import IUsernameHashedPassword
from zope.interface import implementer


@implementer(IUsernameHashedPassword)
class APOPCredentials:
    """What APOP proves (RFC 1939 section 7).

    @param username: the name, as it came.
    @param timestamp: the one of the greeting, angle brackets included.
    @param digest: what the client made of timestamp and secret: 32 hexadecimal digits.
    """

    def __init__(self, username: bytes, timestamp: bytes, digest: bytes) -> None:
        self.username = username
        self._timestamp = timestamp
        self._digest = digest

    def checkPassword(self, password: bytes) -> bool:
        """Say whether the client knows this secret."""
        expected = md5(self._timestamp + password, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode("ascii"), self._digest.lower())


@implementer(IUsernameHashedPassword)
class CramMD5Credentials:
    """What CRAM-MD5 proves (RFC 2195).

    @param username: the name, as it came.
    @param challenge: the challenge, decoded, angle brackets included.
    @param digest: the keyed digest of the challenge: 32 hexadecimal digits.
    """

    def __init__(self, username: bytes, challenge: bytes, digest: bytes) -> None:
        self.username = username
        self._challenge = challenge
        self._digest = digest

    def checkPassword(self, password: bytes) -> bool:
        """Say whether the client knows this secret."""
        expected = hmac.new(password, self._challenge, "md5").hexdigest()
        return hmac.compare_digest(expected.encode("ascii"), self._digest.lower())
