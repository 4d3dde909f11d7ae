"""PEM files (RFC 7468) of certificates and private keys; each error names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config_errors import ConfigError

_PEM_LIMIT = 1_000_000
"""Octets; no chain is longer, and it is read on the reactor thread."""


def read_pem(file: Path) -> bytes:
    """Return the content of a file that should be PEM.

    @raise ConfigError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(_PEM_LIMIT)
    except FileNotFoundError:
        raise ConfigError("there is no such file", "put the PEM file there", file=file) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot be read: {reason}",
            "make it readable for the user that the gateway runs as",
            file=file,
        ) from None


def has_key(pem: bytes) -> bool:
    """Say whether there is a private key in a PEM text."""
    return b"PRIVATE KEY-----" in pem


def has_certificate(pem: bytes) -> bool:
    """Say whether there is a certificate in a PEM text."""
    return b"BEGIN CERTIFICATE-----" in pem


def load_chain(file: Path, pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, the first of which is the server's.

    @param file: where it came from, for the error.
    @raise ConfigError: there is none, or one cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise ConfigError(
            "holds no certificate in PEM form",
            "put the chain there: the server's certificate first, then those that issued it",
            file=file,
        ) from None


def load_key(file: Path, pem: bytes) -> Any:
    """Return the private key of a PEM text.

    @param file: where it came from, for the error.
    @raise ConfigError: there is none, or it cannot be read.
    """
    try:
        return load_pem_private_key(pem, None)
    except TypeError:
        raise ConfigError(
            "the private key is encrypted",
            "store it without a passphrase (openssl pkey -in OLD -out NEW)",
            file=file,
        ) from None
    except Exception:  # ValueError, UnsupportedAlgorithm: no text of theirs goes anywhere
        raise ConfigError(
            "holds no private key in PEM form", "put the certificate's key there", file=file
        ) from None
