"""From settings to TLS: what is renewed while the gateway runs, and what ACME needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from gateway.config import load
from gateway.datafolder import DataFolder
from gateway.events import Event, EventStream, Trouble
from gateway.net.local_ca import LocalCA, machine_names
from gateway.net.upkeep import INTERVAL
from gateway.settings import Settings
from gateway.tls_parts import UpkeepParts, build_upkeep


class Kept:
    """A data folder, its upkeep, and a clock in hand."""

    def __init__(self, folder: Path, text: str = "") -> None:
        file = folder / "pop3gw.toml"
        file.write_text(text)
        self.settings: Settings = load(file)
        self.data = DataFolder(folder / "data")
        self.data.prepare()
        self.clock = Clock()
        self.events: list[Event] = []

    def made(self, days_ago: float) -> None:
        then = datetime.now(UTC) - timedelta(days=days_ago)
        authority = LocalCA.open(self.data.ca_file, self.data.ca_key_file, now=then)
        pair = (self.data.chain_file, self.data.key_file)
        authority.ensure_certificate(*pair, machine_names(), then)

    def build(self) -> UpkeepParts:
        return build_upkeep(
            self.settings, self.clock, self.data, maybeDeferred, EventStream(self.events.append)
        )

    @property
    def ends(self) -> datetime:
        pem = self.data.chain_file.read_bytes()
        return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc


@pytest.mark.parametrize(("age", "renewed"), [(700, False), (800, True), (900, True)])
def test_the_own_certificate_is_renewed_while_the_gateway_runs(
    tmp_path: Path, age: int, renewed: bool
) -> None:
    kept = Kept(tmp_path)
    kept.made(age)
    before = kept.ends
    (service,) = kept.build().services
    service.startService()
    kept.clock.advance(INTERVAL - 1)
    assert kept.ends == before
    kept.clock.advance(1)
    assert (kept.ends > before) is renewed
    assert kept.events == []


def test_what_keeps_it_from_being_renewed_is_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.made(800)
    kept.data.ca_key_file.write_text("nothing")
    (service,) = kept.build().services
    service.startService()
    kept.clock.advance(INTERVAL)
    (event,) = kept.events
    assert isinstance(event, Trouble)
    assert event.where == str(kept.data.chain_file)
    assert "ca-key.pem: holds no private key in PEM form" in event.what


def test_certificates_from_elsewhere_are_renewed_there(tmp_path: Path) -> None:
    assert Kept(tmp_path, '[tls]\ncertificates = "x"\n').build() == UpkeepParts()


def test_acme_is_off_until_names_are_given(tmp_path: Path) -> None:
    off = Kept(tmp_path).build()
    assert (len(off.services), off.listeners) == (1, ())
    on = Kept(tmp_path, '[tls]\nacme_names = ["a.example"]\n').build()
    assert len(on.services) == 2
    assert [(one.protocol, one.endpoint) for one in on.listeners] == [("acme", "tcp:80")]
