"""Where chains and keys lie, in the layouts that ACME clients leave behind, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL

from gateway.config_errors import ConfigError
from gateway.net.local_ca import names_of
from gateway.net.pem import has_certificate, has_key, load_chain, load_key, read_pem

_FOLDER_DEPTH = 3
"""How deep below the folder pairs are looked for (Caddy: AUTHORITY/NAME/NAME.crt)."""

Source = Path | tuple[Path, ...]
"""A folder, or files."""

Stamp = tuple[tuple[int, int, int, int], ...]
"""(modification and change time in ns, octets, inode) of each file of a pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a chain and its key lie; both in one file where the paths are equal."""

    chain: Path
    key: Path

    def stamp(self) -> Stamp:
        """Return what changes when a file is replaced. Raises OSError."""
        stats = [file.stat() for file in (self.chain, self.key)]
        return tuple((s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_ino) for s in stats)


@dataclass(frozen=True, slots=True)
class Content:
    """What a pair holds, read whole and in order."""

    pair: Pair
    stamp: Stamp
    digest: bytes
    """Of all octets: files that were only touched are the same pair."""
    names: tuple[str, ...]
    ends: datetime
    chain: tuple[x509.Certificate, ...]
    key: Any

    def fill(self, context: SSL.Context) -> None:
        """Have `context` serve it. Raises `ConfigError` where OpenSSL does not take it."""
        try:
            context.use_certificate(self.chain[0])
            for issuer in self.chain[1:]:
                context.add_extra_chain_cert(issuer)
            context.use_privatekey(self.key)
            context.check_privatekey()
        except (SSL.Error, TypeError, ValueError) as error:
            raise ConfigError(
                "OpenSSL does not take the certificate",
                "use a certificate with an RSA key of 2048 bits or more, or an ECDSA P-256 key",
                file=self.pair.chain,
            ) from error


def find_pairs(source: Source) -> list[Pair]:
    """Return the pairs of a source, that for clients which name no server first.

    In a folder, and in the folders in it, these count: `fullchain.pem` with `privkey.pem`
    (certbot), `fullchain.cer` with `NAME.key` (acme.sh), `NAME.crt` with `NAME.key` (lego, Caddy).

    @raise ConfigError: there is none, or a file of the list has no partner.
    """
    if isinstance(source, tuple):
        return _pairs_of_files(source)
    pairs = list(dict.fromkeys(_pairs_in(source, _FOLDER_DEPTH)))
    if not pairs:
        missing = "there is no such folder" if not source.exists() else "holds no certificate"
        raise ConfigError(
            missing,
            "put fullchain.pem and privkey.pem there",
            file=source,
            key="[tls] certificates",
        )
    return pairs


def _pairs_in(folder: Path, depth: int) -> Iterator[Pair]:
    try:
        entries = sorted(folder.iterdir())
    except NotADirectoryError:
        raise ConfigError(
            "is not a folder", 'write a single file as a list: ["..."]', file=folder
        ) from None
    except FileNotFoundError:
        return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot be read: {reason}",
            "make it readable for the user that the gateway runs as",
            file=folder,
        ) from None
    names = {entry.name for entry in entries}
    if names & {"fullchain.pem", "privkey.pem"}:
        yield Pair(folder / "fullchain.pem", folder / "privkey.pem")
    keys = [entry for entry in entries if entry.suffix == ".key"]
    for key in keys:
        if f"{key.stem}.crt" in names:
            yield Pair(key.with_suffix(".crt"), key)
        elif "fullchain.cer" in names:
            yield Pair(folder / "fullchain.cer", key)
    if depth:
        folders = [e for e in entries if e.is_dir() and not e.name.startswith(".")]
        for below in sorted(folders, key=lambda entry: entry.name != "default"):
            yield from _pairs_in(below, depth - 1)


def _pairs_of_files(files: tuple[Path, ...]) -> list[Pair]:
    texts = {file: read_pem(file) for file in files}
    keys = {f: load_key(f, pem).public_key() for f, pem in texts.items() if has_key(pem)}
    pairs: list[Pair] = []
    for file, pem in texts.items():
        if not has_certificate(pem):
            if file not in keys:
                load_chain(file, pem)  # says what is wrong
            continue
        public_key = load_chain(file, pem)[0].public_key()
        key = next((k for k in (file, *keys) if keys.get(k) == public_key), None)
        if key is None:
            raise _mismatch(file, "no key in the list matches it")
        pairs.append(Pair(file, key))
    for key in keys:
        if key not in {pair.key for pair in pairs}:
            raise _mismatch(key, "no certificate in the list matches it")
    if not pairs:
        raise ConfigError(
            "names no certificate", "list a chain and its key", key="[tls] certificates"
        )
    return pairs


def _mismatch(file: Path, problem: str) -> ConfigError:
    return ConfigError(
        problem,
        "put the certificate and the key that were made together there",
        file=file,
    )


def read_pair(pair: Pair) -> Content:
    """Read a pair, and check that it is whole and that the key is the certificate's.

    @raise ConfigError: it is not.
    """
    try:
        stamp = pair.stamp()
    except OSError:
        stamp = ()  # reading says what is wrong
    chain_pem, key_pem = read_pem(pair.chain), read_pem(pair.key)
    chain = load_chain(pair.chain, chain_pem)
    key = load_key(pair.key, key_pem)
    if chain[0].public_key() != key.public_key():
        raise _mismatch(pair.chain, f"the key {pair.key} does not match it")
    content = Content(
        pair,
        stamp,
        hashlib.sha256(chain_pem + key_pem).digest(),
        names_of(chain[0]),
        chain[0].not_valid_after_utc,
        tuple(chain),
        key,
    )
    content.fill(SSL.Context(SSL.TLS_SERVER_METHOD))
    return content
