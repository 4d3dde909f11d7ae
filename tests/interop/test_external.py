"""EXTERNAL with a client certificate, over real TLS, in both protocols (RFC 4422 appendix A)."""

from __future__ import annotations

import poplib
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway
from tests.programs import require_program, run

ANNA = "anna@example.org"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA for clients, and the certificate of Anna."""
    folder = tmp_path_factory.mktemp("external")
    make = [require_program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "9"]
    make += ["-pkeyopt", "ec_paramgen_curve:P-256"]
    ca, ca_key = folder / "clients.pem", folder / "clients-key.pem"
    run([*make, "-subj", "/CN=clients", "-keyout", ca_key, "-out", ca])
    by = ["-CA", ca, "-CAkey", ca_key, "-addext", "extendedKeyUsage=clientAuth"]
    person = ["-subj", "/CN=anna", "-addext", f"subjectAltName=email:{ANNA}"]
    run([*make, *by, *person, "-keyout", folder / "key.pem", "-out", folder / "chain.pem"])
    return folder


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway that asks clients for a certificate."""
    with Gateway(folder, configuration='[tls]\nclient_ca = "clients.pem"\n') as running:
        running.admin("domain", "add", "example.org")
        for address in (ANNA, "bert@example.org"):
            running.admin("user", "add", address, "--password-stdin", input="s3cret\n")
        yield running


def context_of(gateway: Gateway, folder: Path, *, certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(gateway.ca))
    if certificate:
        context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


def pop3(gateway: Gateway, context: ssl.SSLContext, kind: str) -> poplib.POP3:
    if kind == "pop3s":
        return poplib.POP3_SSL("localhost", gateway.ports["pop3s"], context=context, timeout=20)
    session = poplib.POP3("localhost", gateway.ports["pop3"], timeout=20)
    session.stls(context)
    return session


@pytest.mark.parametrize("kind", ["pop3s", "pop3"])
@pytest.mark.parametrize("response", ["=", b64encode(ANNA.encode()).decode()])
def test_pop3_with_the_certificate(
    gateway: Gateway, folder: Path, kind: str, response: str
) -> None:
    session = pop3(gateway, context_of(gateway, folder, certificate=True), kind)
    assert "EXTERNAL" in session.capa()["SASL"]
    assert session._shortcmd(f"AUTH EXTERNAL {response}").startswith(b"+OK")
    assert session.stat() == (0, 0)
    session.quit()


def test_pop3_as_somebody_else(gateway: Gateway, folder: Path) -> None:
    session = pop3(gateway, context_of(gateway, folder, certificate=True), "pop3s")
    other = b64encode(b"bert@example.org").decode()
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
        session._shortcmd(f"AUTH EXTERNAL {other}")
    session.quit()


def test_pop3_without_a_certificate(gateway: Gateway, folder: Path) -> None:
    session = pop3(gateway, context_of(gateway, folder, certificate=False), "pop3s")
    assert "EXTERNAL" not in session.capa()["SASL"]
    with pytest.raises(poplib.error_proto):
        session._shortcmd("AUTH EXTERNAL =")
    session.user(ANNA)
    session.pass_("s3cret")
    session.quit()


def test_smtp_with_the_certificate(gateway: Gateway, folder: Path) -> None:
    with smtplib.SMTP("localhost", gateway.ports["smtp"], timeout=20) as session:
        session.starttls(context=context_of(gateway, folder, certificate=True))
        session.ehlo()
        assert "EXTERNAL" in session.esmtp_features["auth"]
        assert session.docmd("AUTH", "EXTERNAL =")[0] == 235
