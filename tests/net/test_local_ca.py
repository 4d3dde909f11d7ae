"""The local CA: made once, kept, renewed in time, and trusted by a real verifier."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from gateway.config_errors import ConfigError
from gateway.net.local_ca import LocalCA, machine_names, names_of

NAMES = ("localhost", "127.0.0.1", "::1", "mail.example.org")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Files:
    def __init__(self, folder: Path) -> None:
        self.ca, self.ca_key = folder / "ca.pem", folder / "ca-key.pem"
        self.chain, self.key = folder / "fullchain.pem", folder / "privkey.pem"

    def ensure(self, names: tuple[str, ...] = NAMES, now: datetime = NOW) -> bool:
        return LocalCA.open(self.ca, self.ca_key, now=now).ensure_certificate(
            self.chain, self.key, names, now
        )

    def certificates(self) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.chain.read_bytes())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_verifier_that_trusts_the_ca_takes_the_certificate(files: Files) -> None:
    assert files.ensure()
    leaf, issuer = files.certificates()
    assert issuer == x509.load_pem_x509_certificate(files.ca.read_bytes())
    verifier = PolicyBuilder().store(Store([issuer])).time(NOW)
    verifier.build_server_verifier(x509.DNSName("mail.example.org")).verify(leaf, [])
    assert set(names_of(leaf)) == set(NAMES)


def test_the_certificate_is_one_that_phones_take(files: Files) -> None:
    files.ensure()
    leaf = files.certificates()[0]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=825)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    key = load_pem_private_key(files.key.read_bytes(), None)
    assert key.public_key() == leaf.public_key()


def test_keys_are_private(files: Files) -> None:
    files.ensure()
    for key in (files.ca_key, files.key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_second_start_keeps_everything(files: Files) -> None:
    files.ensure()
    before = {path: path.read_bytes() for path in files.ca.parent.iterdir()}
    assert not files.ensure(now=NOW + timedelta(days=700))
    assert {path: path.read_bytes() for path in files.ca.parent.iterdir()} == before


def test_a_certificate_that_ends_soon_is_renewed_under_the_same_ca(files: Files) -> None:
    files.ensure()
    ca, key = files.ca.read_bytes(), files.key.read_bytes()
    later = NOW + timedelta(days=800)
    assert files.ensure(now=later)
    assert files.certificates()[0].not_valid_after_utc > later + timedelta(days=800)
    assert (files.ca.read_bytes(), files.key.read_bytes()) == (ca, key)


def test_other_names_get_a_new_certificate(files: Files) -> None:
    files.ensure()
    assert files.ensure(names=(*NAMES, "pop.example.org"))
    assert "pop.example.org" in names_of(files.certificates()[0])


def test_a_certificate_from_elsewhere_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other, files = Files(tmp_path / "other"), Files(tmp_path)
    other.ensure(names=("elsewhere.example",))
    files.chain.write_bytes(other.chain.read_bytes())
    files.key.write_bytes(other.key.read_bytes())
    assert not files.ensure(now=NOW + timedelta(days=820))
    assert files.chain.read_bytes() == other.chain.read_bytes()


def test_the_ca_is_renewed_with_the_same_key_before_it_ends(files: Files) -> None:
    files.ensure()
    old = x509.load_pem_x509_certificate(files.ca.read_bytes())
    late = old.not_valid_after_utc - timedelta(days=3)
    files.ensure(now=late)
    new = x509.load_pem_x509_certificate(files.ca.read_bytes())
    assert new.not_valid_after_utc > late + timedelta(days=3000)
    assert new.public_key() == old.public_key()


def test_no_certificate_outlives_the_ca(files: Files) -> None:
    files.ensure()
    ends = x509.load_pem_x509_certificate(files.ca.read_bytes()).not_valid_after_utc
    authority = LocalCA.open(files.ca, files.ca_key)
    key = load_pem_private_key(files.key.read_bytes(), None).public_key()
    leaf = authority.issue(key, NAMES, ends - timedelta(days=40))  # type: ignore[arg-type]
    assert leaf.not_valid_after_utc <= ends


def test_a_renewed_ca_issues_what_clients_of_the_old_one_take(files: Files) -> None:
    files.ensure()
    old = x509.load_pem_x509_certificate(files.ca.read_bytes())
    later = old.not_valid_after_utc - timedelta(days=890)
    assert files.ensure(now=later)
    assert x509.load_pem_x509_certificate(files.ca.read_bytes()) != old
    verifier = PolicyBuilder().store(Store([old])).time(later + timedelta(days=800))
    leaf = files.certificates()[0]
    verifier.build_server_verifier(x509.DNSName("mail.example.org")).verify(leaf, [])


def test_a_renewal_may_be_forced(files: Files) -> None:
    files.ensure()
    authority = LocalCA.open(files.ca, files.ca_key)
    before = files.certificates()[0]
    assert authority.ensure_certificate(files.chain, files.key, NAMES, forced=True)
    assert files.certificates()[0] != before


def test_a_ca_that_does_not_match_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other, files = Files(tmp_path / "other"), Files(tmp_path)
    other.ensure()
    files.ensure()
    files.ca_key.write_bytes(other.ca_key.read_bytes())
    with pytest.raises(ConfigError, match=r"ca\.pem: does not match its key .*ca-key\.pem"):
        files.ensure()


def test_a_key_that_was_written_before_a_crash_gets_its_certificate(files: Files) -> None:
    files.ensure()
    key = files.key.read_bytes()
    files.chain.unlink()
    assert files.ensure()
    assert files.key.read_bytes() == key


def test_the_names_of_the_machine_come_from_its_own_files(tmp_path: Path) -> None:
    host = os.uname().nodename.lower()
    hosts = tmp_path / "hosts"
    hosts.write_text(
        f"127.0.1.1  {host}.example.org {host} # here\n10.0.0.1 other.example.org other\n"
    )
    names = machine_names(hosts)
    assert names[:3] == ("localhost", "127.0.0.1", "::1")
    assert f"{host}.example.org" in names
    assert host in names
    assert "other.example.org" not in names
    assert machine_names(tmp_path / "none") == tuple(dict.fromkeys([*names[:3], host]))
