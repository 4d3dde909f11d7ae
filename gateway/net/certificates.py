"""The certificates the gateway serves: found in files, picked by name, renewed while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL

from gateway.config_errors import ConfigError
from gateway.events import CertificateLoaded, CertificateRejected, EventStream, Trouble
from gateway.net.local_ca import names_of
from gateway.net.pem import has_certificate, has_key, load_chain, load_key, read_pem

_FOLDER_DEPTH = 3
"""How deep below the folder pairs are looked for (Caddy: AUTHORITY/NAME/NAME.crt)."""

Source = Path | tuple[Path, ...]
"""A folder, or files."""

Stamp = tuple[tuple[int, int, int], ...]
"""(modification time in ns, octets, inode) of each file of a pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a chain and its key lie; both in one file where the paths are equal."""

    chain: Path
    key: Path

    def stamp(self) -> Stamp:
        """Return what changes when a file is replaced. Raises OSError."""
        stats = [file.stat() for file in (self.chain, self.key)]
        return tuple((s.st_mtime_ns, s.st_size, s.st_ino) for s in stats)


@dataclass(frozen=True, slots=True)
class Served:
    """A pair that was read whole and is in order."""

    pair: Pair
    stamp: Stamp
    names: tuple[str, ...]
    ends: datetime
    context: SSL.Context


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


def read_pair(pair: Pair, make_context: Callable[[], SSL.Context]) -> Served:
    """Read a pair, and check that it is whole and that the key is the certificate's.

    @raise ConfigError: it is not.
    """
    try:
        stamp = pair.stamp()
    except OSError:
        stamp = ()  # reading says what is wrong
    chain = load_chain(pair.chain, read_pem(pair.chain))
    key = load_key(pair.key, read_pem(pair.key))
    if chain[0].public_key() != key.public_key():
        raise _mismatch(pair.chain, f"the key {pair.key} does not match it")
    context = make_context()
    try:
        _fill(context, chain, key)
    except (SSL.Error, TypeError, ValueError) as error:
        raise ConfigError(
            "OpenSSL does not take the certificate",
            "use a certificate with an RSA key of 2048 bits or more, or an ECDSA P-256 key",
            file=pair.chain,
        ) from error
    return Served(pair, stamp, names_of(chain[0]), chain[0].not_valid_after_utc, context)


def _fill(context: SSL.Context, chain: list[x509.Certificate], key: object) -> None:
    context.use_certificate(chain[0])
    for issuer in chain[1:]:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(key)  # type: ignore[arg-type]
    context.check_privatekey()


class CertificateStore:
    """Knows the pairs of a source, and has an OpenSSL context ready for each.

    At most once a second, at a handshake, it looks whether files have changed. A new pair is
    read and checked whole before it replaces the old one.

    @param source: a folder or files.
    @param make_context: returns a new context with everything set but the certificate.
    @param events: hears of pairs that were taken, and of those that were not.
    @param clock: gives seconds that only grow.
    @raise ConfigError: a pair is missing, unreadable or does not match.
    """

    check_seconds = 1.0

    def __init__(
        self,
        source: Source,
        make_context: Callable[[], SSL.Context],
        events: EventStream,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._make_context = make_context
        self._events = events
        self._clock = clock
        self._rejected: dict[Path, object] = {}
        self._served = {pair: read_pair(pair, make_context) for pair in find_pairs(source)}
        self._index()
        self._checked = clock()

    def tell(self) -> None:
        """Emit what is served, and what the administrator has to see to."""
        now = datetime.now(UTC)
        for served in self._served.values():
            self._events.emit(CertificateLoaded(str(served.pair.chain), served.names))
            if served.ends <= now:
                self._events.emit(
                    Trouble(
                        str(served.pair.chain), f"the certificate ended on {served.ends:%Y-%m-%d}"
                    )
                )
            for file in dict.fromkeys((served.pair.chain, served.pair.key)):
                self._tell_unreadable(file)

    def _tell_unreadable(self, file: Path) -> None:
        try:
            file.open("rb").close()
        except OSError as error:
            self._events.emit(
                Trouble(
                    str(file),
                    f"cannot be read by the user that the gateway runs as ({error.strerror}): "
                    "a renewed certificate will not be served; make file and folders readable",
                )
            )

    def default(self) -> SSL.Context:
        """Return the context for a client that names no server, or one we have no pair for."""
        self._refresh()
        return self._default

    def select(self, server_name: str) -> SSL.Context:
        """Return the context for a server name (RFC 6066 section 3), a wildcard's included."""
        name = server_name.lower()
        context = self._by_name.get(name)
        if context is None:
            context = self._by_name.get("*." + name.partition(".")[2])
        return context if context is not None else self._default

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._checked < self.check_seconds:
            return
        self._checked = now
        try:
            pairs = find_pairs(self._source)
        except ConfigError as error:
            path = error.file or Path("[tls] certificates")
            self._reject(path, str(error), str(error))
            return
        served = {pair: found for pair in pairs if (found := self._renewed(pair)) is not None}
        if served and served != self._served:
            self._served = served
            self._index()

    def _renewed(self, pair: Pair) -> Served | None:
        old = self._served.get(pair)
        stamp: Stamp | None
        try:
            stamp = pair.stamp()
        except OSError:
            stamp = None
        if old is not None and stamp == old.stamp:
            return old
        if pair.chain in self._rejected and self._rejected[pair.chain] == stamp:
            return old
        try:
            new = read_pair(pair, self._make_context)
        except ConfigError as error:
            self._reject(pair.chain, stamp, str(error))
            return old
        self._rejected.pop(pair.chain, None)
        self._events.emit(CertificateLoaded(str(pair.chain), new.names))
        return new

    def _reject(self, path: Path, cause: object, reason: str) -> None:
        if path not in self._rejected or self._rejected[path] != cause:
            self._rejected[path] = cause
            self._events.emit(CertificateRejected(str(path), reason))

    def _index(self) -> None:
        every = list(self._served.values())
        self._default = every[0].context
        self._by_name: dict[str, SSL.Context] = {}
        for served in every:
            for name in served.names:
                self._by_name.setdefault(name, served.context)
