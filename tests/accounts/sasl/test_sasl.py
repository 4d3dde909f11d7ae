"""SASL: each mechanism, driven by lines as both protocols do it, and the table of them."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.portal import IRealm, Portal
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gateway.accounts.credentials import CramMD5Credentials
from gateway.accounts.interfaces import InvalidResponse, ISASLMechanism
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.exchange import AuthExchange
from gateway.accounts.sasl.mechanisms import MECHANISMS, offered
from gateway.wire.sasl import Cancelled


def exchange(name: str) -> AuthExchange:
    return AuthExchange(MECHANISMS[name].make(Channel("mail.example.org", BOTH)))


def pair(credentials: Any) -> tuple[bytes, bytes]:
    assert IUsernamePassword.providedBy(credentials)
    return credentials.username, credentials.password


@implementer(IRealm)
class NoRealm:
    def requestAvatar(self, avatar_id: Any, mind: Any, *interfaces: Any) -> Any:
        raise NotImplementedError


class PasswordsOnly(InMemoryUsernamePasswordDatabaseDontUse):
    credentialInterfaces = (IUsernamePassword,)  # type: ignore[assignment]


BOTH = Portal(NoRealm(), [InMemoryUsernamePasswordDatabaseDontUse()])
PASSWORDS = Portal(NoRealm(), [PasswordsOnly()])


class TestTable:
    @pytest.mark.parametrize("name", MECHANISMS)
    def test_rows(self, name: str) -> None:
        row = MECHANISMS[name]
        mechanism = row.make(Channel("mail.example.org", BOTH))
        assert verifyObject(ISASLMechanism, mechanism)
        assert mechanism.name == row.name == name == name.upper()
        known = name in ("PLAIN", "LOGIN", "CRAM-MD5")
        assert row.usable_on(Channel("mail.example.org", BOTH)) == known
        known = known and row.plaintext
        assert row.usable_on(Channel("mail.example.org", PASSWORDS)) == known

    @pytest.mark.parametrize(
        ("portal", "secure", "announce", "names"),
        [
            (BOTH, True, [], ["PLAIN", "LOGIN"]),
            (BOTH, True, ["APOP", "CRAM-MD5"], ["PLAIN", "LOGIN", "CRAM-MD5"]),
            (BOTH, True, ["APOP"], ["PLAIN", "LOGIN"]),
            (BOTH, False, ["CRAM-MD5"], ["CRAM-MD5"]),
            (BOTH, False, [], []),
            (PASSWORDS, True, ["CRAM-MD5"], ["PLAIN", "LOGIN"]),
            (PASSWORDS, False, ["CRAM-MD5"], []),
            (Portal(NoRealm()), True, ["CRAM-MD5"], []),
        ],
    )
    def test_offered(
        self, portal: Portal, secure: bool, announce: list[str], names: list[str]
    ) -> None:
        channel = Channel("mail.example.org", portal)
        assert offered(channel, secure_line=secure, announce=announce) == names


class TestPlain:
    @pytest.mark.parametrize("identity", [b"", b"tim"])
    def test_at_once_or_when_asked(self, identity: bytes) -> None:
        response = b64encode(identity + b"\0tim\0tanstaaftanstaaf")
        assert pair(exchange("PLAIN").start(response)) == (b"tim", b"tanstaaftanstaaf")
        asked = exchange("PLAIN")
        assert asked.start(None) == b""
        assert pair(asked.line(response)) == (b"tim", b"tanstaaftanstaaf")

    def test_octets_stay_as_they_are(self) -> None:
        response = b64encode(b"\0\xc3\xbc\0 p\xff ")
        assert pair(exchange("PLAIN").start(response)) == (b"\xc3\xbc", b" p\xff ")

    @pytest.mark.parametrize(
        "response",
        [b"", b"tim", b"\0tim", b"\0tim\0", b"\0\0x", b"\0tim\0x\0y", b"kurt\0tim\0secretword"],
    )
    def test_not_of_its_form(self, response: bytes) -> None:
        with pytest.raises(InvalidResponse) as caught:
            exchange("PLAIN").start(b64encode(response) or b"=")
        assert "secretword" not in str(caught.value)


class TestLogin:
    def test_asked_for_both(self) -> None:
        asked = exchange("LOGIN")
        assert b64decode(asked.start(None)) == b"Username:"
        assert b64decode(asked.line(b64encode(b"tim"))) == b"Password:"
        assert pair(asked.line(b64encode(b"secret"))) == (b"tim", b"secret")

    def test_name_at_once(self) -> None:
        asked = exchange("LOGIN")
        assert b64decode(asked.start(b64encode(b"tim"))) == b"Password:"
        assert pair(asked.line(b64encode(b"secret"))) == (b"tim", b"secret")

    def test_empty(self) -> None:
        with pytest.raises(InvalidResponse, match="name is empty"):
            exchange("LOGIN").start(b"=")
        asked = exchange("LOGIN")
        asked.start(b64encode(b"tim"))
        with pytest.raises(InvalidResponse, match="password is empty"):
            asked.line(b"")


class TestCramMD5:
    def test_exchange(self) -> None:
        asked = exchange("CRAM-MD5")
        challenge = b64decode(asked.start(None))
        assert challenge.startswith(b"<")
        assert challenge.endswith(b"@mail.example.org>")
        digest = hmac.new(b"secret", challenge, "md5").hexdigest().encode()
        credentials = asked.line(b64encode(b"a name " + digest))
        assert isinstance(credentials, CramMD5Credentials)
        assert credentials.username == b"a name"
        assert credentials.checkPassword(b"secret")
        assert not credentials.checkPassword(b"Secret")

    def test_challenge_is_never_the_same(self) -> None:
        assert exchange("CRAM-MD5").start(None) != exchange("CRAM-MD5").start(None)

    @pytest.mark.parametrize("initial", [b"=", b64encode(b"tim " + b"0" * 32)])
    def test_no_initial_response(self, initial: bytes) -> None:
        with pytest.raises(InvalidResponse, match="no initial response"):
            exchange("CRAM-MD5").start(initial)

    @pytest.mark.parametrize(
        "response", [b"", b"tim", b" " + b"0" * 32, b"tim " + b"0" * 31, b"tim " + b"g" * 32]
    )
    def test_not_of_its_form(self, response: bytes) -> None:
        asked = exchange("CRAM-MD5")
        asked.start(None)
        with pytest.raises(InvalidResponse, match="32 hexadecimal digits"):
            asked.line(b64encode(response))


@pytest.mark.parametrize("name", MECHANISMS)
class TestLines:
    def test_cancelled(self, name: str) -> None:
        asked = exchange(name)
        asked.start(None)
        with pytest.raises(Cancelled):
            asked.line(b"*")

    @pytest.mark.parametrize("line", [b"!", b"a", b"dGlt\xff", b"===="])
    def test_not_base64(self, name: str, line: bytes) -> None:
        asked = exchange(name)
        asked.start(None)
        with pytest.raises(InvalidResponse, match="not base64"):
            asked.line(line)
        with pytest.raises(InvalidResponse, match="not base64"):
            exchange(name).start(line)
