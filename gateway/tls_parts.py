"""From settings to what keeps the line safe: the server's TLS, and the upkeep of certificates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from gateway.datafolder import DataFolder
from gateway.events import EventStream
from gateway.net.listeners import Listener
from gateway.net.networks import Networks
from gateway.net.pairs import Source
from gateway.net.tls import ServerTLS
from gateway.net.upkeep import Upkeep
from gateway.own_certificate import renew_own
from gateway.settings import Settings

Run = Callable[[Callable[[], object]], Deferred[Any]]
"""Calls what blocks in a thread."""


def build_tls(settings: Settings, source: Source, events: EventStream) -> ServerTLS:
    """Return the server's side of TLS. Raises `ConfigError`."""
    tls = settings.tls
    default_name = tls.default_name or next(iter(tls.acme_names), None)
    return ServerTLS(
        source,
        events,
        default_name=default_name,
        client_ca=tls.client_ca,
        legacy_networks=Networks(tls.legacy_networks),
    )


def give_legacy(settings: Settings, tls: ServerTLS, listeners: list[Listener]) -> None:
    """Offer old TLS on the listeners that the settings name."""
    for listener in listeners:
        if listener.endpoint in settings.tls.legacy_listeners:
            tls.serve_legacy(listener.accepted)


@dataclass(frozen=True, slots=True)
class UpkeepParts:
    """What renews certificates while the gateway runs."""

    services: tuple[Upkeep, ...] = ()
    listeners: tuple[Listener, ...] = ()
    """Where an ACME server asks."""


def build_upkeep(
    settings: Settings, reactor: Any, folder: DataFolder, run: Run, events: EventStream
) -> UpkeepParts:
    """Return what the settings ask for. Raises `ConfigError`."""
    if settings.tls.certificates is not None:
        return UpkeepParts()
    # Not the owner of the start: by then we may be that user, and may give nothing away.
    own = Upkeep(
        str(folder.chain_file),
        lambda: renew_own(settings, folder, folder.owner()),
        run,
        reactor,
        events,
    )
    if not settings.tls.acme_names:
        return UpkeepParts((own,))
    acme, listeners = _build_acme(settings, reactor, folder, events)
    return UpkeepParts((own, acme), listeners)


def _build_acme(
    settings: Settings, reactor: Any, folder: DataFolder, events: EventStream
) -> tuple[Upkeep, tuple[Listener, ...]]:
    tls = settings.tls
    try:
        from gateway.acme.issuing import Server
        from gateway.acme.responder import Challenges, challenge_site
        from gateway.acme.upkeep import AcmeCertificate, in_thread_of_its_own
    except ImportError as error:
        raise settings.error(
            "tls.acme_names",
            f"a library is missing ({error.name})",
            'install it with: pip install "pop3gw[acme]"',
        ) from error
    challenges = Challenges()
    certificate = AcmeCertificate(
        Server(
            tls.acme_directory, tls.acme_email, None if tls.acme_ca is None else str(tls.acme_ca)
        ),
        tls.acme_names,
        folder.tls / tls.acme_names[0],
        folder.acme_key_file,
        challenges,
    )
    upkeep = Upkeep(
        f"the certificate for {tls.acme_names[0]}",
        lambda: certificate.ensure(folder.owner()),
        partial(in_thread_of_its_own, reactor),
        reactor,
        events,
        first_delay=0,
    )
    site = challenge_site(challenges)
    return upkeep, tuple(Listener("acme", endpoint, site) for endpoint in tls.acme_listen)
