"""Keeps a certificate from an ACME server in files, and renews it before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.acme.issuing import Server, obtain
from gateway.acme.responder import Challenges
from gateway.files import Owner, make_folder, replace_file, write_new
from gateway.net.local_ca import names_of
from gateway.net.pem import load_chain, load_key, read_pem


@dataclass(frozen=True, slots=True)
class AcmeCertificate:
    """One certificate for some names, in a folder, with `fullchain.pem` and `privkey.pem`.

    The key stays the same, so that a renewal replaces one file, at once.

    @ivar folder: where it is kept; the folder around it exists.
    @ivar account_key_file: the key that says to the server who we are; made when it is missing.
    """

    server: Server
    names: tuple[str, ...]
    folder: Path
    account_key_file: Path
    challenges: Challenges

    def ensure(self, owner: Owner | None = None) -> bool:
        """Get a certificate where there is none, or where it ends soon. Blocks.

        @param owner: to whom belongs what is written.
        @return: whether a new one was written.
        @raise ConfigError: the server did not give one.
        @raise OSError: it cannot be written.
        """
        chain_file = self.folder / "fullchain.pem"
        if chain_file.exists():
            if not self._is_due(chain_file):
                return False
            self._obtain(self.folder, owner)
        else:
            # Under a name that is not looked at, until chain and key are there.
            pending = self.folder.with_name(f".{self.folder.name}")
            make_folder(pending, owner)
            self._obtain(pending, owner)
            pending.rename(self.folder)
        return True

    def _obtain(self, folder: Path, owner: Owner | None) -> None:
        account_key = _kept_key(self.account_key_file, owner)
        _kept_key(folder / "privkey.pem", owner)
        key_pem = read_pem(folder / "privkey.pem")
        chain = obtain(self.server, account_key, key_pem, self.names, self.challenges)
        replace_file(folder / "fullchain.pem", chain, owner=owner, mode=0o644)

    def _is_due(self, chain_file: Path) -> bool:
        certificate = load_chain(chain_file, read_pem(chain_file))[0]
        names = set(names_of(certificate))
        return names != set(self.names) or datetime.now(UTC) >= renewal_time(certificate)


def renewal_time(certificate: x509.Certificate) -> datetime:
    """Return when a certificate is renewed: in the last third of its time, 30 days at most."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return ends - min((ends - begins) / 3, timedelta(days=30))


def _kept_key(file: Path, owner: Owner | None) -> Any:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_new(file, pem, owner=owner, mode=0o600)
    return load_key(file, read_pem(file))


def in_thread_of_its_own(reactor: Any, work: Callable[[], object]) -> Deferred[Any]:
    """Call `work` in a thread that does not keep the process from ending, however long it takes."""
    done: Deferred[Any] = Deferred()

    def run() -> None:
        try:
            result = work()
        except Exception:
            reactor.callFromThread(done.errback, Failure())
        else:
            reactor.callFromThread(done.callback, result)

    threading.Thread(target=run, name="acme", daemon=True).start()
    return done
