"""EXTERNAL, OAUTHBEARER and XOAUTH2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal

from gateway.accounts.credentials import BearerToken, CertificateCredentials, IBearerToken
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.interfaces import IMailUser, InvalidResponse
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.mechanisms import MECHANISMS, offered
from gateway.client import Client
from tests.accounts.parts import (
    EmptyStore,
    Threads,
    build_portal,
    make_database,
    make_hashing,
    outcome,
)


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    directory = EmbeddedDirectory(make_database(tmp_path))
    return build_portal(directory, EmptyStore(), make_hashing(Threads()))


class Shown(Channel):
    """A channel on which a certificate was shown."""

    addresses = ("anna@example.org",)


def login(portal: Portal, credentials: Any) -> str | None:
    result = outcome(portal.login(credentials, Client("pop3s", "192.0.2.1"), IMailUser))
    if isinstance(result, UnauthorizedLogin):
        return None
    return str(result[1].address)


def names(channel: Channel) -> list[str]:
    return offered(channel, secure_line=True, announce=())


class TestExternal:
    def test_only_with_a_certificate(self, portal: Portal) -> None:
        assert "EXTERNAL" not in names(Channel("x", portal))
        assert "EXTERNAL" in names(Shown("x", portal))
        assert not MECHANISMS["EXTERNAL"].usable_on(Channel("x", portal))

    @pytest.mark.parametrize("response", [b"", b"anna", b"Anna@example.org", b"info@example.org"])
    def test_exchange(self, portal: Portal, response: bytes) -> None:
        mechanism = MECHANISMS["EXTERNAL"].make(Shown("x", portal))
        assert mechanism.respond(None) == b""
        assert login(portal, mechanism.respond(response)) == "anna@example.org"

    @pytest.mark.parametrize(
        ("addresses", "wanted", "who"),
        [
            (("Anna@Example.ORG",), b"", "anna@example.org"),
            (("x@y.z", "bob@example.org"), b"", "bob@example.org"),
            (("anna@example.org", "bob@example.org"), b"bob", "bob@example.org"),
            (("anna@example.org",), b"bob", None),
            (("anna@example.org",), b"nobody", None),
            (("info@example.org",), b"", None),
            (("anna",), b"", None),
            (("carl@example.org",), b"", None),
            (("nobody@example.org",), b"", None),
            ((), b"anna", None),
        ],
    )
    def test_whom_a_certificate_lets_in(
        self, portal: Portal, addresses: tuple[str, ...], wanted: bytes, who: str | None
    ) -> None:
        assert login(portal, CertificateCredentials(addresses, wanted)) == who

    def test_nul(self, portal: Portal) -> None:
        with pytest.raises(InvalidResponse):
            MECHANISMS["EXTERNAL"].make(Shown("x", portal)).respond(b"a\0b")


class Tokens:
    """A checker that anybody could have written."""

    credentialInterfaces = (IBearerToken,)

    def requestAvatarId(self, credentials: Any) -> bytes:
        if credentials.token != b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==":
            raise UnauthorizedLogin
        return credentials.username or b"anna@example.org"


OAUTHBEARER = b"n,a=anna@example.org,\x01host=server\x01port=143\x01auth=Bearer %b\x01\x01"
XOAUTH2 = b"user=anna@example.org\x01auth=Bearer %b\x01\x01"
TOKEN = b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


class TestTokens:
    @pytest.mark.parametrize(
        ("name", "message"), [("OAUTHBEARER", OAUTHBEARER), ("XOAUTH2", XOAUTH2)]
    )
    def test_exchange(self, portal: Portal, name: str, message: bytes) -> None:
        channel = Channel("x", portal)
        assert name not in names(channel)
        portal.registerChecker(Tokens())  # type: ignore[arg-type]
        assert name in names(channel)
        assert name not in offered(channel, secure_line=False, announce=())
        mechanism = MECHANISMS[name].make(channel)
        assert mechanism.respond(None) == b""
        credentials = mechanism.respond(message % TOKEN)
        assert credentials == BearerToken(b"anna@example.org", TOKEN)
        assert login(portal, credentials) == "anna@example.org"
        wrong = MECHANISMS[name].make(channel).respond(message % b"other")
        assert login(portal, wrong) is None

    def test_name_that_needs_escapes(self, portal: Portal) -> None:
        mechanism = MECHANISMS["OAUTHBEARER"].make(Channel("x", portal))
        credentials = mechanism.respond(b"n,a=a=2Cb=3D2C,\x01auth=bearer t\x01\x01")
        assert credentials.username == b"a,b=2C"

    def test_name_left_open(self, portal: Portal) -> None:
        mechanism = MECHANISMS["OAUTHBEARER"].make(Channel("x", portal))
        assert mechanism.respond(b"n,,\x01auth=Bearer t\x01\x01").username == b""

    @pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"x",
            b"n,,\x01\x01",
            b"user=a\x01\x01",
            b"n,,\x01auth=Basic t\x01\x01",
            b"user=a\x01auth=Bearer \x01\x01",
            b"n,,\x01auth=Bearer a b\x01\x01",
            b"p=x,,\x01\x01",
        ],
    )
    def test_not_of_its_form(self, portal: Portal, name: str, message: bytes) -> None:
        with pytest.raises(InvalidResponse):
            MECHANISMS[name].make(Channel("x", portal)).respond(message)

    def test_token_is_not_shown(self) -> None:
        assert "SECRET" not in repr(BearerToken(b"a", b"SECRET"))
