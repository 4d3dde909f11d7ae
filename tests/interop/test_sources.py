"""The gateway with an outside source of users: who logs in, who gets mail, and when it is down."""

from __future__ import annotations

import json
import poplib
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.accounts.schemes import Argon2Parameters, hash_password
from gateway.net.local_ca import LocalCA
from tests.interop.gateway import ROOT, Gateway
from tests.programs import require_program, run

MESSAGE = "Subject: hello\r\n\r\nhello\r\n"
CHEAP = Argon2Parameters(1, 8, 1)


def configuration(checker: str, more: str = "") -> str:
    listen = "\n".join(
        f'{kind} = ["tcp:0:interface=127.0.0.1"]' for kind in ("pop3", "smtp", "pop3s")
    )
    return (
        f"[listen]\n{listen}\n[auth]\nplaintext = 'loopback'\ndefault_domain = 'example.org'\n"
        f"failure_seconds = 0.1\ncheckers = ['{checker}']\n{more}"
    )


@contextmanager
def gateway_with(folder: Path, checker: str, **env: str) -> Iterator[Gateway]:
    with Gateway(folder, configuration=configuration(checker), options=[], env=env) as gateway:
        yield gateway


def login(gateway: Gateway, name: str, password: str) -> str:
    """Log in over POP3; return the answer to PASS, or the number of messages."""
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)
    try:
        client.user(name)
        client.pass_(password)
        return f"{client.stat()[0]} messages"
    except poplib.error_proto as error:
        return str(error)
    finally:
        client.close()


def send(gateway: Gateway, recipient: str) -> int:
    """Send a message; return the code of the answer to RCPT."""
    with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=30) as client:
        client.ehlo()
        client.mail("a@example.net")
        code, _ = client.rcpt(recipient)
        if code == 250:
            assert client.data(MESSAGE)[0] == 250
        return code


def test_passwd_file(tmp_path: Path) -> None:
    users = tmp_path / "passwd"
    users.write_text(f"anna:{hash_password('secret', CHEAP)}::::::\nben@example.com:{{PLAIN}}b\n")
    with gateway_with(tmp_path, f"passwd-file:{users}") as gateway:
        assert send(gateway, "anna@example.org") == 250
        assert send(gateway, "Ben@example.com") == 250
        assert send(gateway, "nobody@example.org") == 550
        assert login(gateway, "anna", "secret") == "1 messages"
        assert login(gateway, "ANNA@example.org", "wrong").startswith("b'-ERR [AUTH]")
        assert login(gateway, "ben@example.com", "b") == "1 messages"
        with users.open("a") as file:
            file.write("carla:{PLAIN}c\n")
        assert send(gateway, "carla@example.org") == 250
        assert login(gateway, "carla", "c") == "1 messages"
        users.unlink()
        assert login(gateway, "carla", "c").startswith("b'-ERR [SYS/TEMP]")
        assert send(gateway, "carla@example.org") == 451


def test_sql(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "users.sqlite")
    with database:
        database.execute("CREATE TABLE people (address TEXT, hash TEXT, mailbox TEXT)")
        rows = [
            ("anna@example.org", hash_password("secret", CHEAP), None),
            ("al", "{PLAIN}a", "anna@example.org"),
        ]
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    database.close()
    source = tmp_path / "users.toml"
    source.write_text(
        'module = "sqlite3"\nconnect = { database = "users.sqlite" }\n'
        'password = "SELECT hash, mailbox FROM people WHERE address = ?"\n'
    )
    with gateway_with(tmp_path, f"sql:{source}") as gateway:
        assert send(gateway, "anna@example.org") == 250
        assert send(gateway, "nobody@example.org") == 550
        assert login(gateway, "anna@example.org", "secret") == "1 messages"
        assert login(gateway, "al", "a") == "1 messages"
        assert login(gateway, "anna@example.org", "wrong").startswith("b'-ERR [AUTH]")
        assert login(gateway, "' OR 1=1 --", "x").startswith("b'-ERR [AUTH]")
        (tmp_path / "users.sqlite").write_bytes(b"no database" * 1000)
        assert login(gateway, "anna@example.org", "other").startswith("b'-ERR [SYS/TEMP]")
        assert send(gateway, "nobody@example.org") == 451


class Endpoint(BaseHTTPRequestHandler):
    """Knows anna, and is ill when asked for ill."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(question)
        right = (question["username"], question["password"]) == ("anna@example.org", "sécret")
        status = 500 if question["username"] == "ill" else 200 if right else 403
        body = json.dumps({"user": "Anna@example.org"}).encode() if right else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def endpoint(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_http(tmp_path: Path) -> None:
    with endpoint() as port, gateway_with(tmp_path, f"http:http://127.0.0.1:{port}/") as gateway:
        gateway.admin("domain", "add", "example.org")
        # It cannot say who exists: the embedded list does.
        gateway.admin(
            "user", "add", "anna@example.org", "--password-stdin", input="of no importance\n"
        )
        assert send(gateway, "anna@example.org") == 250
        Endpoint.asked.clear()
        assert login(gateway, "anna@example.org", "of no importance").startswith("b'-ERR [AUTH]")
        assert login(gateway, "ill", "x").startswith("b'-ERR [SYS/TEMP]")
        assert Endpoint.asked[0] == {
            "username": "anna@example.org",
            "password": "of no importance",
            "protocol": "pop3",
            "address": "127.0.0.1",
        }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "trusted", "answer"),
    [
        ("localhost", True, b"+OK"),
        ("127.0.0.1", True, b"-ERR [SYS/TEMP]"),  # the certificate has another name
        ("localhost", False, b"-ERR [SYS/TEMP]"),
    ],
)
def test_https_is_verified(tmp_path: Path, host: str, trusted: bool, answer: bytes) -> None:
    authority = LocalCA.open(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    pair = tmp_path / "chain.pem", tmp_path / "key.pem"
    authority.ensure_certificate(*pair, ("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    env = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")} if trusted else {}
    with (
        endpoint(context) as port,
        gateway_with(tmp_path, f"http:https://{host}:{port}/", **env) as gateway,
    ):
        gateway.admin("domain", "add", "example.org")
        gateway.admin("user", "add", "anna@example.org", "--password-stdin", input="x\n")
        response = b64encode("\0anna@example.org\0sécret".encode())
        with socket.create_connection(("127.0.0.1", gateway.ports["pop3"]), 30) as client:
            file = client.makefile("rwb")
            file.readline()
            file.write(b"AUTH PLAIN " + response + b"\r\n")
            file.flush()
            assert file.readline().startswith(answer)


SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw adminpw
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn="cn=admin,dc=example,dc=org" read by * none
"""
PEOPLE = """\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: cn=Anna (the first),dc=example,dc=org
objectClass: inetOrgPerson
sn: A
cn: Anna (the first)
uid: anna
mail: anna@example.org
userPassword: secret
"""


@contextmanager
def slapd(folder: Path, tls: str = "") -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    program = require_program("slapd")
    (folder / "db").mkdir()
    settings = folder / "slapd.conf"
    settings.write_text(tls + SLAPD.format(folder=folder))
    people = folder / "people.ldif"
    people.write_text(PEOPLE)
    run([require_program("slapadd"), "-f", settings, "-l", people])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "-f", settings, "-h", f"ldap{'s' if tls else ''}://localhost:{port}/", "-d", "0"]
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "slapd does not listen"
                time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_ldap(tmp_path: Path) -> None:
    folder = tmp_path / "ldap"
    folder.mkdir()
    source = tmp_path / "ldap.toml"
    with slapd(folder) as (port, server):
        source.write_text(
            f'server = "ldap://127.0.0.1:{port}"\nbase = "dc=example,dc=org"\n'
            'filter = "(|(mail={name})(uid={name}))"\n'
            'bind_dn = "cn=admin,dc=example,dc=org"\nbind_password = "adminpw"\n'
        )
        with gateway_with(tmp_path, f"ldap:{source}") as gateway:
            assert send(gateway, "anna@example.org") == 250
            assert send(gateway, "nobody@example.org") == 550
            assert login(gateway, "anna@example.org", "secret") == "1 messages"
            assert login(gateway, "anna", "secret") == "1 messages"
            assert login(gateway, "anna", "wrong").startswith("b'-ERR [AUTH]")
            assert login(gateway, "*", "secret").startswith("b'-ERR [AUTH]")
            # An empty password would be an anonymous bind, which a server grants.
            assert "-ERR" in login(gateway, "anna", "")
            server.terminate()
            server.wait(timeout=20)
            assert login(gateway, "anna", "secret").startswith("b'-ERR [SYS/TEMP]")
            assert send(gateway, "anna2@example.org") == 451


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "ca", "answer"),
    [
        ("localhost", "ca.pem", "0 messages"),
        ("localhost", "other.pem", "b'-ERR [SYS/TEMP]"),
        ("127.0.0.1", "ca.pem", "b'-ERR [SYS/TEMP]"),  # the certificate has another name
    ],
)
def test_ldaps_is_verified(tmp_path: Path, host: str, ca: str, answer: str) -> None:
    folder = tmp_path / "ldap"
    folder.mkdir()
    LocalCA.open(tmp_path / "other.pem", tmp_path / "other-key.pem")
    authority = LocalCA.open(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    chain, key = folder / "chain.pem", folder / "key.pem"
    authority.ensure_certificate(chain, key, ("localhost",))
    source = tmp_path / "ldap.toml"
    tls = f"TLSCertificateFile {chain}\nTLSCertificateKeyFile {key}\n"
    with slapd(folder, tls) as (port, _):
        source.write_text(
            f'server = "ldaps://{host}:{port}"\nbase = "dc=example,dc=org"\nca = "{ca}"\n'
            'bind_dn = "cn=admin,dc=example,dc=org"\nbind_password = "adminpw"\n'
        )
        with gateway_with(tmp_path, f"ldap:{source}") as gateway:
            gateway.admin("domain", "add", "example.org")
            gateway.admin("user", "add", "anna@example.org", "--password-stdin", input="x\n")
            assert login(gateway, "anna@example.org", "secret").startswith(answer)


PLUGIN = """
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory
from twisted.plugin import IPlugin
from zope.interface import implementer

from gateway.accounts.credentials import IBearerToken


class Checker:
    credentialInterfaces = (IBearerToken,)

    def requestAvatarId(self, credentials):
        if credentials.token != b"good-token":
            raise UnauthorizedLogin
        return credentials.username


@implementer(ICheckerFactory, IPlugin)
class Factory:
    authType = "tokens"
    authHelp = "Tokens."
    argStringFormat = "nothing"
    credentialInterfaces = (IBearerToken,)

    def generateChecker(self, argument):
        return Checker()


tokens = Factory()
"""


def test_bearer_tokens_with_curl_and_mpop(tmp_path: Path) -> None:
    plugins = tmp_path / "more" / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "tokens_plugin.py").write_text(PLUGIN)
    text = configuration("embedded").replace("['embedded']", "['embedded', 'tokens']")
    env = {"PYTHONPATH": f"{ROOT}:{tmp_path / 'more'}"}
    with Gateway(tmp_path, configuration=text, options=[], env=env) as gateway:
        gateway.admin("domain", "add", "example.org")
        gateway.admin("user", "add", "anna@example.org", "--password-stdin", input="x\n")
        letter = tmp_path / "letter"
        letter.write_text(MESSAGE)
        curl = [require_program("curl"), "--silent", "--show-error", "--max-time", "30"]
        curl += ["--cacert", str(gateway.ca), "--user", "anna@example.org:"]
        good = [*curl, "--oauth2-bearer", "good-token"]
        bad = [*curl, "--oauth2-bearer", "bad-token"]
        smtp = f"smtp://localhost:{gateway.ports['smtp']}/"
        envelope = ["--mail-from", "anna@example.org", "--mail-rcpt", "anna@example.org"]
        run([*good, "--ssl-reqd", *envelope, "--upload-file", letter, smtp])
        pop3s = f"pop3s://localhost:{gateway.ports['pop3s']}/"
        assert len(run([*good, pop3s]).stdout.splitlines()) == 1
        assert_refusal_is_explained(gateway)
        login_denied = 67
        run([*bad, pop3s], status=login_denied)
        for way in ("oauthbearer", "xoauth2"):
            mpop(gateway, tmp_path, way)
            assert f'mechanism="{way.upper()}" user="anna@example.org"' in gateway.log
        assert (tmp_path / "mbox").read_text().count("Subject: hello") == 1
        assert "good-token" not in gateway.log
        assert "bad-token" not in gateway.log


def assert_refusal_is_explained(gateway: Gateway) -> None:
    """RFC 7628 section 3.2.3: a challenge says why, the client acknowledges it, then it fails."""
    message = b"n,a=anna@example.org,\x01auth=Bearer bad-token\x01\x01"
    response = b64encode(message).decode()
    context = ssl.create_default_context(cafile=str(gateway.ca))
    port = gateway.ports["pop3s"]
    with closing(poplib.POP3_SSL("localhost", port, context=context, timeout=20)) as pop3:
        pop3._putcmd(f"AUTH OAUTHBEARER {response}")
        mark, _, challenge = pop3._getline()[0].partition(b" ")
        assert mark == b"+"
        assert json.loads(b64decode(challenge))["status"] == "invalid_token"
        with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
            pop3._shortcmd("AQ==")
        pop3.quit()
    with smtplib.SMTP("localhost", gateway.ports["smtp"], timeout=20) as smtp:
        smtp.starttls(context=context)
        smtp.ehlo()
        code, challenge = smtp.docmd("AUTH", f"OAUTHBEARER {response}")
        assert code == 334
        assert json.loads(b64decode(challenge))["status"] == "invalid_token"
        assert smtp.docmd("AQ==")[0] == 535


def mpop(gateway: Gateway, home: Path, way: str) -> None:
    settings = home / "mpoprc"
    settings.write_text(
        f"account default\nhost localhost\nport {gateway.ports['pop3s']}\ntls on\n"
        f"tls_starttls off\ntls_trust_file {gateway.ca}\nauth {way}\n"
        f"user anna@example.org\npassword good-token\ndelivery mbox {home}/mbox\n"
        f"uidls_file {home}/uidls\n"
    )
    settings.chmod(0o600)
    run([require_program("mpop"), "-q", "-C", settings])
