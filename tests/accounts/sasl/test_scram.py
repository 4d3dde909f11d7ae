"""SCRAM, against a client written from the RFC, and scramp's own."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import scramp
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal

from gateway.accounts.credentials import ScramCredentials
from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.interfaces import DirectoryUnavailable, IMailUser, InvalidResponse
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.mechanisms import MECHANISMS, offered
from gateway.accounts.sasl.scram import Scram
from gateway.accounts.scram import make_verifiers, read_verifier
from gateway.client import Client
from tests.accounts.parts import (
    EmptyStore,
    Threads,
    build_portal,
    cheap_hash,
    make_database,
    make_hashing,
    outcome,
)
from tests.accounts.scram_client import ScramClient

PASSWORD = "pencil, a = sharp one"
PLAIN_FORMS = ["SCRAM-SHA-256", "SCRAM-SHA-1"]
BINDINGS = {"tls-exporter": b"E" * 32, "tls-server-end-point": b"C" * 32}


class Bound(Channel):
    """A channel with bindings."""

    binds = True

    def binding(self, name: str) -> bytes | None:
        return BINDINGS.get(name)


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    database = make_database(tmp_path)
    for name in ("anna", "bob"):
        database.set_password(
            f"{name}@example.org",
            cheap_hash(PASSWORD),
            secret=None,
            scram=make_verifiers(PASSWORD, 4096),
        )
    return database


def portal_of(database: AccountDatabase, *checkers: str) -> Portal:
    return build_portal(
        EmbeddedDirectory(database),
        EmptyStore(),
        make_hashing(Threads()),
        checkers=checkers or ("embedded",),
    )


@pytest.fixture
def portal(database: AccountDatabase) -> Portal:
    return portal_of(database)


def prove(mechanism: Scram, client: ScramClient) -> Any:
    """Run an exchange to its credentials."""
    assert mechanism.respond(None) == b""
    last = mechanism.respond(client.final(mechanism.respond(client.first)))
    if isinstance(last, bytes):
        assert client.is_server(last)
        return mechanism.respond(b"")
    return last


def login(portal: Portal, credentials: Any) -> Any:
    result = outcome(portal.login(credentials, Client("pop3", "192.0.2.1"), IMailUser))
    return result if isinstance(result, Exception) else result[1].address


def make(name: str, portal: Portal, kind: type[Channel] = Channel) -> Any:
    return MECHANISMS[name].make(kind("mail.example.org", portal))


@pytest.mark.parametrize("name", PLAIN_FORMS)
@pytest.mark.parametrize("user", ["anna", "Anna@Example.ORG", "info"])
def test_right_password(portal: Portal, name: str, user: str) -> None:
    credentials = prove(make(name, portal), ScramClient(name, user, PASSWORD))
    assert credentials.proven
    assert login(portal, credentials) == "anna@example.org"


@pytest.mark.parametrize("name", PLAIN_FORMS)
@pytest.mark.parametrize("user", ["anna", "nobody", "carl", "all"])
def test_wrong_login_looks_the_same(portal: Portal, name: str, user: str) -> None:
    credentials = prove(make(name, portal), ScramClient(name, user, "wrong"))
    assert not credentials.proven
    assert isinstance(login(portal, credentials), UnauthorizedLogin)


def test_nobody_has_a_salt_like_anybody(portal: Portal, database: AccountDatabase) -> None:
    def challenge(portal: Portal, user: str) -> dict[bytes, bytes]:
        text = make("SCRAM-SHA-256", portal).respond(ScramClient("", user, "").first)
        return dict(part.split(b"=", 1) for part in text.split(b","))

    first, again = challenge(portal, "nobody"), challenge(portal_of(database), "Nobody")
    assert first[b"s"] == again[b"s"]
    assert first[b"r"] != again[b"r"]
    assert first[b"s"] != challenge(portal, "nobody2")[b"s"]
    assert len(b64decode(first[b"s"])) == len(b64decode(challenge(portal, "anna")[b"s"]))


@pytest.mark.parametrize("name", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
@pytest.mark.parametrize("binding", BINDINGS)
def test_channel_binding(portal: Portal, name: str, binding: str) -> None:
    header = f"p={binding},,".encode()
    client = ScramClient(name, "anna", PASSWORD, header, BINDINGS[binding])
    credentials = prove(make(name, portal, Bound), client)
    assert login(portal, credentials) == "anna@example.org"


def test_man_in_the_middle_has_another_channel(portal: Portal) -> None:
    name = "SCRAM-SHA-256-PLUS"
    mechanism = make(name, portal, Bound)
    client = ScramClient(name, "anna", PASSWORD, b"p=tls-exporter,,", b"X" * 32)
    with pytest.raises(InvalidResponse, match="channel-bindings-dont-match"):
        mechanism.respond(client.final(mechanism.respond(client.first)))


@pytest.mark.parametrize(
    ("name", "header", "kind"),
    [
        ("SCRAM-SHA-256", b"y,,", Bound),  # it was told of -PLUS: somebody took it away
        ("SCRAM-SHA-256", b"p=tls-exporter,,", Bound),
        ("SCRAM-SHA-256-PLUS", b"n,,", Bound),
        ("SCRAM-SHA-256-PLUS", b"y,,", Bound),
        ("SCRAM-SHA-256-PLUS", b"p=tls-unique,,", Bound),
        ("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,", Channel),
        ("SCRAM-SHA-256", b"n,a=bob,", Channel),
        ("SCRAM-SHA-256", b"x,,", Channel),
        ("SCRAM-SHA-256", b"n,", Channel),
    ],
)
def test_header_that_is_refused(
    portal: Portal, name: str, header: bytes, kind: type[Channel]
) -> None:
    with pytest.raises(InvalidResponse):
        make(name, portal, kind).respond(ScramClient(name, "anna", PASSWORD, header).first)


def test_flag_y_where_no_binding_was_offered(portal: Portal) -> None:
    client = ScramClient("SCRAM-SHA-256", "anna", PASSWORD, b"y,,")
    assert prove(make("SCRAM-SHA-256", portal), client).proven


def test_identity_that_is_the_user(portal: Portal) -> None:
    client = ScramClient("SCRAM-SHA-256", "anna", PASSWORD, b"n,a=anna,")
    assert prove(make("SCRAM-SHA-256", portal), client).proven


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\xff",
        b"n,,",
        b"n,,n=anna",
        b"n,,m=1,n=anna,r=x",
        b"n,,n=a=b,r=x",
        b"n,,n=,r=x",
        b"n,,n=" + b"x" * 3000 + b",r=y",
    ],
)
def test_first_message_that_is_none(portal: Portal, response: bytes) -> None:
    with pytest.raises(InvalidResponse):
        make("SCRAM-SHA-256", portal).respond(response)


@pytest.mark.parametrize("response", [b"", b"\xff", b"c=biws", b"c=biws,r=x,p=eA==", b"p=x"])
def test_final_message_that_is_none(portal: Portal, response: bytes) -> None:
    mechanism = make("SCRAM-SHA-256", portal)
    mechanism.respond(ScramClient("SCRAM-SHA-256", "anna", PASSWORD).first)
    with pytest.raises(InvalidResponse):
        mechanism.respond(response)


def test_nothing_after_the_last_message(portal: Portal) -> None:
    mechanism = make("SCRAM-SHA-256", portal)
    client = ScramClient("SCRAM-SHA-256", "anna", PASSWORD)
    mechanism.respond(client.final(mechanism.respond(client.first)))
    with pytest.raises(InvalidResponse, match="nothing"):
        mechanism.respond(b"more")


def test_password_changed_in_between(portal: Portal, database: AccountDatabase) -> None:
    credentials = prove(
        make("SCRAM-SHA-256", portal), ScramClient("SCRAM-SHA-256", "anna", PASSWORD)
    )
    scram = make_verifiers("another", 4096)
    database.set_password("anna@example.org", cheap_hash("another"), secret=None, scram=scram)
    assert isinstance(login(portal, credentials), UnauthorizedLogin)


def test_disabled_in_between(portal: Portal, database: AccountDatabase) -> None:
    credentials = prove(
        make("SCRAM-SHA-256", portal), ScramClient("SCRAM-SHA-256", "anna", PASSWORD)
    )
    database.set_user("anna@example.org", "enabled", "no")
    assert isinstance(login(portal, credentials), UnauthorizedLogin)


def test_accounts_in_trouble(portal: Portal, database: AccountDatabase) -> None:
    database.close()
    database.path.write_bytes(b"no database" * 1000)
    credentials = make("SCRAM-SHA-256", portal).respond(ScramClient("", "anna", "x").first)
    assert isinstance(credentials, ScramCredentials)
    assert isinstance(login(portal, credentials), DirectoryUnavailable)


@pytest.mark.parametrize("name", PLAIN_FORMS)
def test_library_client(portal: Portal, name: str) -> None:
    client = scramp.ScramClient([name], "anna", PASSWORD)
    mechanism = make(name, portal)
    client.set_server_first(mechanism.respond(client.get_client_first().encode()).decode())
    client.set_server_final(mechanism.respond(client.get_client_final().encode()).decode())
    assert login(portal, mechanism.respond(b"")) == "anna@example.org"


class TestAnnounced:
    def names(self, portal: Portal, kind: type[Channel] = Channel, **options: Any) -> list[str]:
        channel = kind("mail.example.org", portal)
        return offered(channel, **{"secure_line": True, "announce": (), **options})

    def test_everybody_has_a_verifier(self, portal: Portal) -> None:
        assert self.names(portal) == ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"]
        assert self.names(portal, secure_line=False) == ["SCRAM-SHA-256", "SCRAM-SHA-1"]
        assert self.names(portal, Bound) == [
            "PLAIN",
            "LOGIN",
            "SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1",
        ]

    def test_somebody_has_none(self, portal: Portal, database: AccountDatabase) -> None:
        database.add_user("dora@example.org", "h")
        assert self.names(portal) == ["PLAIN", "LOGIN"]
        assert self.names(portal, announce=["SCRAM-SHA-1"]) == ["PLAIN", "LOGIN", "SCRAM-SHA-1"]
        assert MECHANISMS["SCRAM-SHA-256"].usable_on(Channel("x", portal))
        database.set_user("dora@example.org", "enabled", "no")
        assert "SCRAM-SHA-256" in self.names(portal)

    def test_somebody_can_have_none(self, portal: Portal, database: AccountDatabase) -> None:
        scram = make_verifiers("bell \x07", 4096)
        assert scram == ""
        database.add_user("dora@example.org", "h", scram=scram)
        assert self.names(portal) == ["PLAIN", "LOGIN"]

    def test_app_password(self, portal: Portal, database: AccountDatabase) -> None:
        database.app_passwords.add("anna@example.org", "phone")
        assert self.names(portal) == ["PLAIN", "LOGIN"]
        database.app_passwords.revoke("anna@example.org", "phone")
        assert "SCRAM-SHA-256" in self.names(portal)

    def test_other_checkers(self, database: AccountDatabase) -> None:
        assert self.names(portal_of(database, "memory:anna:x")) == ["PLAIN", "LOGIN"]
        both = portal_of(database, "memory:anna:x", "embedded")
        assert self.names(both) == ["PLAIN", "LOGIN"]
        asked = prove(make("SCRAM-SHA-256", both), ScramClient("SHA-256", "anna", PASSWORD))
        assert login(both, asked) == "anna@example.org"


def test_verifiers_are_no_secret_in_clear() -> None:
    kept = make_verifiers("THE-PASSWORD", 4096)
    assert "THE-PASSWORD" not in kept
    one, other = (read_verifier(kept, name) for name in PLAIN_FORMS)
    assert one is not None
    assert other is not None
    assert one.iterations == 4096
    assert one.salt != other.salt
    assert (len(one.stored_key), len(other.stored_key)) == (32, 20)
    assert read_verifier(kept, "SCRAM-SHA-512") is None
    assert read_verifier(None, "SCRAM-SHA-256") is None
    assert make_verifiers("x", 0) == ""
    assert "stored_key" not in repr(one)
