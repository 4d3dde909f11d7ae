"""A certificate authority of the gateway's own, and the certificate it gives the gateway."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificateIssuerPublicKeyTypes,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.config_errors import ConfigError
from gateway.files import Owner, replace_file, write_new
from gateway.net.host_names import is_address, is_host_name
from gateway.net.pem import load_chain, load_key, read_pem

CA_DAYS = 3652
CERTIFICATE_DAYS = 824
"""iOS takes at most 825 days from a user-installed authority."""
RENEW_DAYS = 30
"""A certificate that ends sooner than this is renewed."""
RENEW_CA_DAYS = 900
"""An authority that ends sooner than this is renewed, with the same key: what it issues verifies
with the old one too, so that clients have years to trust the new one."""


def machine_names(hosts: Path = Path("/etc/hosts")) -> tuple[str, ...]:
    """Return the names by which this machine is reached, without asking the network.

    @param hosts: the file with the names of addresses.
    """
    host = socket.gethostname().lower()
    names = ["localhost", "127.0.0.1", "::1", host]
    try:
        lines = hosts.read_text("utf-8", "replace").lower().splitlines()
    except OSError:
        lines = []
    for line in lines:
        address_and_names = line.partition("#")[0].split()
        if host in address_and_names[1:]:
            names += address_and_names[1:]
    usable = [n for n in names if is_host_name(n)]
    return tuple(dict.fromkeys(usable))


class LocalCA:
    """The authority in two files: its certificate, that clients are told to trust, and its key.

    @raise ConfigError: the files are not what they should be.
    """

    def __init__(
        self,
        certificate: x509.Certificate,
        key: CertificateIssuerPrivateKeyTypes,
        owner: Owner | None = None,
    ) -> None:
        self.certificate = certificate
        self._key = key
        self._owner = owner

    @classmethod
    def open(
        cls, file: Path, key_file: Path, owner: Owner | None = None, now: datetime | None = None
    ) -> LocalCA:
        """Read the authority; make what is missing, renew its certificate when it ends soon.

        @param owner: to whom belongs what is written.
        @param now: the present time, aware; of the clock by default.
        """
        now = now or datetime.now(UTC)
        new_key = ec.generate_private_key(ec.SECP256R1())
        write_new(key_file, _key_pem(new_key), owner=owner, mode=0o600)
        key = load_key(key_file, read_pem(key_file))
        write_new(file, _pem(_self_signed(key, now)), owner=owner, mode=0o644)
        certificate = load_chain(file, read_pem(file))[0]
        if not _matches(certificate, key):
            raise ConfigError(
                f"does not match its key {key_file}",
                "put the matching pair back, or remove both files to get a new authority, "
                "which every client has to trust anew",
                file=file,
            )
        if _ends_soon(certificate, now, RENEW_CA_DAYS):
            certificate = _self_signed(key, now)
            replace_file(file, _pem(certificate), owner=owner, mode=0o644)
        return cls(certificate, key, owner)

    def ensure_certificate(
        self,
        chain_file: Path,
        key_file: Path,
        names: tuple[str, ...],
        now: datetime | None = None,
        *,
        forced: bool = False,
    ) -> bool:
        """Make the gateway's pair, or renew it when it ends soon or `names` are others.

        A certificate that this authority did not issue is never touched.

        @param forced: whether it is renewed in any case.
        @return: whether a certificate was written.
        """
        now = now or datetime.now(UTC)
        if chain_file.exists():
            if not key_file.exists() or not self.has_issued(chain_file, key_file):
                return False
            leaf = load_chain(chain_file, read_pem(chain_file))[0]
            if not (forced or _ends_soon(leaf, now) or set(names_of(leaf)) != set(names)):
                return False
        else:
            new_key = ec.generate_private_key(ec.SECP256R1())
            write_new(key_file, _key_pem(new_key), owner=self._owner, mode=0o600)
        leaf = self.issue(load_key(key_file, read_pem(key_file)).public_key(), names, now)
        chain = _pem(leaf) + _pem(self.certificate)
        replace_file(chain_file, chain, owner=self._owner, mode=0o644)
        return True

    def has_issued(self, chain_file: Path, key_file: Path) -> bool:
        """Say whether a pair is one that this authority made. Raises `ConfigError`."""
        leaf = load_chain(chain_file, read_pem(chain_file))[0]
        return self._issued(leaf) and _matches(leaf, load_key(key_file, read_pem(key_file)))

    def _issued(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except Exception:  # of several kinds, by kind of key and signature
            return False
        return True

    def issue(
        self, public_key: CertificateIssuerPublicKeyTypes, names: tuple[str, ...], now: datetime
    ) -> x509.Certificate:
        """Return a certificate for a TLS server of these names (DNS names and IP addresses)."""
        ends = min(now + timedelta(days=CERTIFICATE_DAYS), self.certificate.not_valid_after_utc)
        title = next((n for n in reversed(names) if not is_address(n) and len(n) <= 64), "pop3gw")
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return (
            _builder(title, public_key, now, ends)
            .issuer_name(self.certificate.subject)
            .add_extension(alternative, critical=False)
            .add_extension(authority, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names (in lower case) and IP addresses that a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    alternative = extension.value
    names = [name.lower() for name in alternative.get_values_for_type(x509.DNSName)]
    return (*names, *(str(a) for a in alternative.get_values_for_type(x509.IPAddress)))


def _self_signed(key: CertificateIssuerPrivateKeyTypes, now: datetime) -> x509.Certificate:
    title = f"pop3gw local CA on {socket.gethostname()}"[:64]
    builder = _builder(title, key.public_key(), now, now + timedelta(days=CA_DAYS))
    return (
        builder.issuer_name(_name(title))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _builder(
    title: str, public_key: CertificateIssuerPublicKeyTypes, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    # It begins an hour ago for the sake of clients whose clocks are late.
    return (
        x509.CertificateBuilder()
        .subject_name(_name(title))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(title: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])


def _key_usage(sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    if is_address(name):
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)


def _ends_soon(certificate: x509.Certificate, now: datetime, days: int = RENEW_DAYS) -> bool:
    return certificate.not_valid_after_utc - now < timedelta(days=days)


def _matches(certificate: x509.Certificate, key: CertificateIssuerPrivateKeyTypes) -> bool:
    return certificate.public_key() == key.public_key()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
