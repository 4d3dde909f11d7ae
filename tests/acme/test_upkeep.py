"""When a certificate from an ACME server is due, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.acme.issuing import Server
from gateway.acme.responder import Challenges
from gateway.acme.upkeep import AcmeCertificate, renewal_time
from gateway.config_errors import ConfigError
from gateway.net.local_ca import LocalCA
from gateway.net.pem import load_key, read_pem

NOWHERE = "https://127.0.0.1:1/dir"


@pytest.fixture
def certificate(tmp_path: Path) -> AcmeCertificate:
    return AcmeCertificate(
        Server(NOWHERE), ("a.example",), tmp_path / "a.example", tmp_path / "account", Challenges()
    )


def _put(certificate: AcmeCertificate, now: datetime) -> None:
    folder = certificate.folder
    folder.mkdir()
    authority = LocalCA.open(folder / "ca.pem", folder / "ca-key.pem", now=now)
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    authority.ensure_certificate(chain, key, certificate.names, now)
    leaf = authority.issue(load_key(key, read_pem(key)).public_key(), certificate.names, now)
    chain.write_bytes(leaf.public_bytes(Encoding.PEM))


def test_one_that_lasts_is_left_alone(certificate: AcmeCertificate) -> None:
    _put(certificate, datetime.now(UTC) - timedelta(days=700))
    assert not certificate.ensure()


@pytest.mark.parametrize("days", [800, 1000])
def test_one_that_ends_soon_is_asked_for(certificate: AcmeCertificate, days: int) -> None:
    _put(certificate, datetime.now(UTC) - timedelta(days=days))
    before = (certificate.folder / "fullchain.pem").read_bytes()
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1/dir cannot be used: .*refused"):
        certificate.ensure()
    assert (certificate.folder / "fullchain.pem").read_bytes() == before


def test_one_for_other_names_is_asked_for(certificate: AcmeCertificate) -> None:
    _put(certificate, datetime.now(UTC))
    other = AcmeCertificate(
        certificate.server,
        ("a.example", "b.example"),
        certificate.folder,
        certificate.account_key_file,
        certificate.challenges,
    )
    with pytest.raises(ConfigError, match="cannot be used"):
        other.ensure()


def test_keys_of_a_failed_attempt_are_used_again_and_not_looked_at(
    certificate: AcmeCertificate,
) -> None:
    keys = []
    for _ in range(2):
        with pytest.raises(ConfigError):
            certificate.ensure()
        pending = certificate.folder.with_name(".a.example")
        keys.append((pending / "privkey.pem").read_bytes())
        keys.append(certificate.account_key_file.read_bytes())
    assert keys[:2] == keys[2:]
    assert not certificate.folder.exists()


def test_short_lived_certificates_are_renewed_in_their_last_third(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = LocalCA.open(tmp_path / "ca.pem", tmp_path / "key.pem", now=now)
    ends = authority.certificate.not_valid_after_utc
    key = authority.certificate.public_key()
    begins = ends - timedelta(days=6)
    leaf = authority.issue(key, ("a.example",), begins)  # type: ignore[arg-type]
    assert leaf.not_valid_after_utc == ends
    assert timedelta(days=2) <= ends - renewal_time(leaf) < timedelta(days=2, hours=1)
    assert ends - renewal_time(authority.certificate) == timedelta(days=30)
