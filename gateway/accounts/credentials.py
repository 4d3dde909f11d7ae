"""Credentials of the mechanisms in which the password does not travel.

Those of APOP and CRAM-MD5 go with every checker for `IUsernameHashedPassword`, Twisted's own
included: octets throughout.

Whatever credentials an `Authenticator` is given get an attribute `client`, the
`gateway.client.Client` they came from, that a checker may look at.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import md5

from twisted.cred.credentials import ICredentials, IUsernameHashedPassword
from zope.interface import Attribute, implementer


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


class IScramCredentials(ICredentials):
    """What SCRAM proved, or did not (RFC 5802). Its checker is an `IScramChecker`."""

    username = Attribute("The name, as the client gave it: bytes.")
    mechanism = Attribute("Without -PLUS: str.")
    stored_key = Attribute("The StoredKey that the proof was held against: bytes.")
    proven = Attribute("Whether the proof was right: bool.")


@implementer(IScramCredentials)
@dataclass
class ScramCredentials:
    """See `IScramCredentials`."""

    username: bytes
    mechanism: str
    stored_key: bytes = field(repr=False)
    proven: bool


class IBearerToken(ICredentials):
    """A token that somebody else gave out (RFC 6750), come by OAUTHBEARER or XOAUTH2.

    Its checker says whether the token is good, and whose: the avatar id. Where `username` is not
    empty the checker must see to it that the token is for that user.
    """

    username = Attribute('Whom the client wants to be, b"" where it leaves that open: bytes.')
    token = Attribute("The token: bytes.")


@implementer(IBearerToken)
@dataclass
class BearerToken:
    """See `IBearerToken`."""

    username: bytes
    token: bytes = field(repr=False)


class ICertificateCredentials(ICredentials):
    """A certificate that the client showed, and that the TLS side has checked."""

    username = Attribute('Whom the client wants to be, b"" where it leaves that open: bytes.')
    addresses = Attribute("The rfc822Names in the certificate: tuple of str.")


@implementer(ICertificateCredentials)
@dataclass
class CertificateCredentials:
    """See `ICertificateCredentials`."""

    addresses: tuple[str, ...]
    username: bytes
