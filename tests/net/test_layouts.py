"""What certbot, acme.sh, lego and Caddy leave behind, file by file, and its renewal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.events import CertificateLoaded, Event, EventStream
from gateway.net.local_ca import LocalCA
from gateway.net.pairs import find_pairs
from gateway.net.tls import ServerTLS

NAMES = ("mail.example.org", "*.example.org")
Chain = tuple[bytes, bytes]
"""A chain and its key in PEM form."""


class Issuer:
    """Makes chains for `NAMES`, each with a key of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._authority = LocalCA.open(folder / "ca.pem", folder / "ca-key.pem")

    def __call__(self) -> Chain:
        chain, key = self._folder / "chain", self._folder / "key"
        chain.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        self._authority.ensure_certificate(chain, key, NAMES)
        return chain.read_bytes(), key.read_bytes()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _leaf(chain: bytes) -> bytes:
    end = b"-----END CERTIFICATE-----\n"
    return chain.partition(end)[0] + end


def _issuers(chain: bytes) -> bytes:
    return chain.removeprefix(_leaf(chain))


def certbot(folder: Path, made: Chain, number: int) -> Path:
    """`live/NAME/*.pem` are links to `archive/NAME/*N.pem`; `live` is named."""
    contents = {
        "cert": _leaf(made[0]),
        "chain": _issuers(made[0]),
        "fullchain": made[0],
        "privkey": made[1],
    }
    live = folder / "live" / "mail.example.org"
    live.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _write(folder / "archive" / "mail.example.org" / f"{name}{number}.pem", content)
        link = live / f"new-{name}.pem"
        link.symlink_to(f"../../archive/mail.example.org/{name}{number}.pem")
        link.replace(live / f"{name}.pem")
    _write(folder / "live" / "README", b"This directory contains your keys\n")
    _write(live / "README", b"This directory contains your keys\n")
    return folder / "live"


def acme_sh(folder: Path, made: Chain, number: int) -> Path:
    """`NAME_ecc/` with chain, key, the parts of the chain and settings."""
    own = folder / "mail.example.org_ecc"
    _write(own / "fullchain.cer", made[0])
    _write(own / "mail.example.org.cer", _leaf(made[0]))
    _write(own / "ca.cer", _issuers(made[0]))
    _write(own / "mail.example.org.key", made[1])
    _write(own / "mail.example.org.conf", b"Le_Domain='mail.example.org'\n")
    _write(own / "mail.example.org.csr", b"-----BEGIN CERTIFICATE REQUEST-----\n")
    _write(folder / "account.conf", b"ACCOUNT_EMAIL=''\n")
    return folder


def lego(folder: Path, made: Chain, number: int) -> Path:
    """`certificates/NAME.crt` and `.key` beside each other, a wildcard's name with `_`."""
    for name in ("mail.example.org", "_.example.org"):
        own = folder / "certificates"
        _write(own / f"{name}.crt", made[0])
        _write(own / f"{name}.issuer.crt", _issuers(made[0]))
        _write(own / f"{name}.key", made[1])
        _write(own / f"{name}.json", b"{}")
    return folder / "certificates"


def caddy(folder: Path, made: Chain, number: int) -> Path:
    """`certificates/AUTHORITY/NAME/NAME.crt` and `.key`; the data folder is named."""
    for name in ("mail.example.org", "wildcard_.example.org"):
        authority = folder / "certificates" / "acme-v02.api.letsencrypt.org-directory"
        _write(authority / name / f"{name}.crt", made[0])
        _write(authority / name / f"{name}.key", made[1])
        _write(authority / name / f"{name}.json", b"{}")
    _write(folder / "acme" / "acme-v02" / "users" / "x" / "x.key", b"-----BEGIN")
    return folder


@pytest.mark.parametrize("layout", [certbot, acme_sh, lego, caddy])
def test_a_layout_is_served_and_its_renewal_too(
    tmp_path: Path, layout: Callable[[Path, Chain, int], Path]
) -> None:
    issue, events, now = Issuer(tmp_path / "ca"), list[Event](), [0.0]
    source = layout(tmp_path / "client", issue(), 1)
    pairs = find_pairs(source)
    assert pairs
    tls = ServerTLS(source, EventStream(events.append), clock=lambda: now[0])
    old = tls.certificates.select("mail.example.org")
    assert tls.certificates.select("other.example.org") is not None
    layout(tmp_path / "client", issue(), 2)
    now[0] += 2
    tls.certificates.default()
    assert tls.certificates.select("mail.example.org") is not old
    assert events == [CertificateLoaded(str(pair.chain), NAMES) for pair in pairs]


def test_a_file_that_was_only_touched_is_no_news(tmp_path: Path) -> None:
    events, now = list[Event](), [0.0]
    source = lego(tmp_path / "client", Issuer(tmp_path / "ca")(), 1)
    tls = ServerTLS(source, EventStream(events.append), clock=lambda: now[0])
    context = tls.certificates.default()
    for file in source.iterdir():
        file.touch()
    now[0] += 2
    assert tls.certificates.default() is context
    assert events == []


def test_content_that_keeps_size_and_time_of_its_file_is_seen(tmp_path: Path) -> None:
    events, now = list[Event](), [0.0]
    issue = Issuer(tmp_path / "ca")
    source = acme_sh(tmp_path / "client", issue(), 1)
    tls = ServerTLS(source, EventStream(events.append), clock=lambda: now[0])
    pair = find_pairs(source)[0]
    times = {file: file.stat() for file in (pair.chain, pair.key)}
    chain, key = issue()
    pair.chain.write_bytes(chain)
    pair.key.write_bytes(key)
    for file, status in times.items():
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    now[0] += 2
    tls.certificates.default()
    assert events == [CertificateLoaded(str(pair.chain), NAMES)]
