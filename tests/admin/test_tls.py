"""`pop3gw tls`: what is served, a new one, and the CA for clients."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.admin.commands import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def _chain(office: Office) -> x509.Certificate:
    pem = (office.data / "tls" / "fullchain.pem").read_bytes()
    return x509.load_pem_x509_certificates(pem)[0]


def test_renew_makes_a_new_one_for_the_names_in_use(office: Office) -> None:
    assert office("tls", "renew").out == f"renewed {office.data / 'tls' / 'fullchain.pem'}\n"
    first = _chain(office)
    ca = (office.data / "ca.pem").read_bytes()
    office("tls", "renew")
    assert _chain(office).serial_number != first.serial_number
    assert (office.data / "ca.pem").read_bytes() == ca


def test_renew_takes_the_names_of_the_configuration(office: Office, tmp_path: Path) -> None:
    config = tmp_path / "pop3gw.toml"
    config.write_text('[tls]\nnames = ["Mail.Example.org", "192.0.2.7"]\n')
    office("--config", config, "tls", "renew")
    (row,) = office("--config", config, "tls", "show", "--json").json
    assert {"localhost", "mail.example.org", "192.0.2.7"} <= set(row["names"])


def test_show_lists_names_end_and_issuer(office: Office) -> None:
    office("tls", "renew")
    (row,) = office("tls", "show", "--json").json
    certificate = _chain(office)
    assert row["chain"] == str(office.data / "tls" / "fullchain.pem")
    assert row["key"] == str(office.data / "tls" / "privkey.pem")
    assert row["ends"] == f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    assert row["sha256"] == certificate.fingerprint(hashes.SHA256()).hex()
    assert "localhost" in row["names"]
    line = office("tls", "show").out
    assert "localhost" in line
    assert row["ends"] in line


def test_show_says_what_is_wrong_with_a_pair(office: Office) -> None:
    office("tls", "renew")
    other = office.data / "tls" / "other"
    other.mkdir()
    (other / "fullchain.pem").write_bytes((office.data / "tls" / "fullchain.pem").read_bytes())
    own, broken = office("tls", "show", "--json").json
    assert "problem" not in own
    assert broken["problem"].startswith(f"{other / 'privkey.pem'}: there is no such file")


def test_a_certificate_from_elsewhere_is_not_renewed(office: Office, tmp_path: Path) -> None:
    other = Office(tmp_path / "other")
    (tmp_path / "other").mkdir()
    for one in (office, other):
        one("tls", "renew")
    for file in ("fullchain.pem", "privkey.pem"):
        (office.data / "tls" / file).write_bytes((other.data / "tls" / file).read_bytes())
    before = _chain(office)
    done = office("tls", "renew", status=1)
    assert "is not from the local CA; renew it where it comes from" in done.err
    assert _chain(office) == before


def test_with_certificates_of_the_configuration(office: Office, tmp_path: Path) -> None:
    office("tls", "renew")
    config = tmp_path / "pop3gw.toml"
    config.write_text(f'[tls]\ncertificates = "{office.data / "tls"}"\n')
    done = office("--config", config, "tls", "renew", status=1)
    assert "[tls] certificates: the certificates in use are not the gateway's own" in done.err


def test_export_ca_writes_it_and_says_who_trusts_it_how(office: Office, tmp_path: Path) -> None:
    office("tls", "renew")
    pem = (office.data / "ca.pem").read_bytes()
    file = tmp_path / "office.crt"
    done = office("tls", "export-ca", file)
    assert file.read_bytes() == pem
    fingerprint = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
    assert fingerprint.hex(":").upper() in done.out
    for program in ("Thunderbird", "Outlook", "iOS", "macOS", "Android"):
        assert f"\n{program}" in done.out
    to_pipe = office("tls", "export-ca")
    assert to_pipe.out.encode() == pem
    assert "Thunderbird" in to_pipe.err


def test_export_ca_before_the_first_start(office: Office) -> None:
    assert "ca.pem: there is no such file" in office("tls", "export-ca", status=1).err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works for others")
def test_what_root_renews_belongs_to_the_owner_of_the_folder(open_folder: Path) -> None:
    office = Office(open_folder)
    office("tls", "renew")
    for path in (office.data, *office.data.rglob("*")):
        os.chown(path, 65534, 65534)
    office("tls", "renew")
    for file in ("ca.pem", "ca-key.pem", "tls/fullchain.pem", "tls/privkey.pem"):
        assert (office.data / file).stat().st_uid == 65534, file
