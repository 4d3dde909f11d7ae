"""APOP and CRAM-MD5: the examples of their RFCs, and Twisted's own checkers."""

from __future__ import annotations

import hashlib
import re

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from zope.interface.verify import verifyObject

from gateway.accounts.apop import make_timestamp
from gateway.accounts.credentials import APOPCredentials, CramMD5Credentials
from tests.accounts.parts import outcome

TIMESTAMP = b"<1896.697170952@dbc.mtview.ca.us>"
CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"
TIM_DIGEST = b"b913a602c7eda7a495b4e6e7334d3890"


@pytest.mark.parametrize(
    ("secret", "digest"),
    [
        (b"tanstaaf", b"c4c9334bac560ecc979e58001b3e22fb"),
        (b"mrosepass", b"682949bee6805d9b611b82395e342cad"),
    ],
)
def test_apop_example(secret: bytes, digest: bytes) -> None:
    """RFC 1939 section 7."""
    credentials = APOPCredentials(b"mrose", TIMESTAMP, digest)
    assert credentials.checkPassword(secret)
    assert not credentials.checkPassword(secret + b"x")
    assert APOPCredentials(b"mrose", TIMESTAMP, digest.upper()).checkPassword(secret)
    assert not APOPCredentials(b"mrose", TIMESTAMP + b"x", digest).checkPassword(secret)


def test_cram_md5_example() -> None:
    """RFC 2195 section 2."""
    credentials = CramMD5Credentials(b"tim", CHALLENGE, TIM_DIGEST)
    assert credentials.checkPassword(b"tanstaaftanstaaf")
    assert not credentials.checkPassword(b"tanstaaf")


@pytest.mark.parametrize("digest", [b"", b"c4c9", b"\xff" * 32])
def test_digest_of_any_form(digest: bytes) -> None:
    assert not APOPCredentials(b"mrose", TIMESTAMP, digest).checkPassword(b"tanstaaf")
    assert not CramMD5Credentials(b"mrose", TIMESTAMP, digest).checkPassword(b"tanstaaf")


@pytest.mark.parametrize(
    "credentials",
    [
        APOPCredentials(
            b"tim", TIMESTAMP, hashlib.md5(TIMESTAMP + b"tanstaaf" * 2).hexdigest().encode()
        ),
        CramMD5Credentials(b"tim", CHALLENGE, TIM_DIGEST),
    ],
)
def test_with_a_checker_of_twisted(credentials: object) -> None:
    assert verifyObject(IUsernameHashedPassword, credentials)
    right = InMemoryUsernamePasswordDatabaseDontUse(tim=b"tanstaaf" * 2)
    assert outcome(right.requestAvatarId(credentials)) == b"tim"
    wrong = InMemoryUsernamePasswordDatabaseDontUse(tim=b"other")
    assert isinstance(outcome(wrong.requestAvatarId(credentials)), UnauthorizedLogin)


@pytest.mark.parametrize("host", ["mail.example.org", "bad host", "a=b", "höst", "", "::1"])
def test_timestamp(host: str) -> None:
    """RFC 1939 section 7 asks for a message-id, different each time."""
    stamps = {make_timestamp(host) for _ in range(50)}
    assert len(stamps) == 50
    name = rb"mail\.example\.org" if host == "mail.example.org" else b"localhost"
    for stamp in stamps:
        assert re.fullmatch(rb"<[0-9a-f]{16}\.[0-9]+@" + name + rb">", stamp)
