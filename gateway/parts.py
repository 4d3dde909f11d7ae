"""From settings to the parts of a gateway: what lies behind the protocols, and the factories."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.hashing import PROVEN_SECONDS, HashingPool
from gateway.accounts.login import Authenticator
from gateway.accounts.logins import Logins, open_logins
from gateway.accounts.portal import build_access
from gateway.accounts.proven import ProvenPasswords, SharedProvenPasswords
from gateway.accounts.schemes import Argon2Parameters
from gateway.accounts.sources.surroundings import Surroundings
from gateway.accounts.throttle import ThrottleRules
from gateway.config_errors import ConfigError
from gateway.datafolder import DataFolder
from gateway.delivery.office import OfficeDelivery
from gateway.events import EventStream
from gateway.files import Owner, acting_as
from gateway.mailboxes import build_takeover, cares, default_policy, strictest
from gateway.net.factory import ConnectionFactory
from gateway.net.limits import ConnectionLimits, SharedConnectionLimits
from gateway.net.local_ca import machine_names
from gateway.net.tls import ServerTLS
from gateway.pop3 import POP3Factory, POP3Policy
from gateway.pop3.login_times import LoginTimes, SharedLoginTimes
from gateway.settings import Settings
from gateway.shared.tables import SharedTables
from gateway.smtp.factory import LMTPFactory, SMTPFactory
from gateway.smtp.policy import SMTPPolicy
from gateway.store.interfaces import StoreError
from gateway.store.kinds import KINDS, open_administration, open_store
from gateway.store.takeover import Takeover
from gateway.store.upkeep import Upkeep
from gateway.trace.recorder import TraceRecorder

STORE_THREADS = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What lies behind the protocols."""

    folder: DataFolder
    store_kind: str
    owner: Owner | None
    events: EventStream
    pool: ThreadPool
    database: AccountDatabase
    directory: EmbeddedDirectory
    takeover: Takeover
    store: Any
    portal: Any
    hostname: str
    logins: Logins
    addresses: Any
    """An `IDirectory`: all addresses, those of outside sources too."""
    tables: SharedTables | None
    """What workers share; None where one process serves."""


def build_parts(
    settings: Settings,
    reactor: Any,
    folder: DataFolder,
    kind: str,
    owner: Owner | None,
    events: EventStream,
    tables: SharedTables | None = None,
) -> Parts:
    pool = ThreadPool(0, STORE_THREADS, "pop3gw")
    in_thread = partial(deferToThreadPool, reactor, pool)
    try:
        with acting_as(owner):
            database = AccountDatabase(folder.accounts_file, reactor=reactor)
        directory = EmbeddedDirectory(database, settings.auth.default_domain)
        with acting_as(owner):
            logins = open_logins(
                folder.logins_file,
                directory,
                in_thread,
                reactor,
                events,
                _rules(settings),
                tables.attempts if tables is not None else None,
            )
    except AccountError as error:
        raise ConfigError(str(error)) from error
    takeover = build_takeover(settings, folder, in_thread)
    store = _open_store(settings, kind, folder, in_thread, reactor, events, takeover, tables)
    try:
        access = build_access(
            directory,
            store,
            Surroundings(reactor, in_thread, _hashing(settings, reactor, in_thread, tables)),
            checkers=settings.auth.checkers,
            events=events,
            policy_of=partial(database.policies.of, default=default_policy(settings)),
        )
    except AccountError as error:
        raise settings.error("auth.checkers", str(error)) from error
    return Parts(
        folder,
        kind,
        owner,
        events,
        pool,
        database,
        directory,
        takeover,
        store,
        access.portal,
        mail_hostname(),
        logins,
        access.directory,
        tables,
    )


def _hashing(
    settings: Settings, reactor: Any, in_thread: Any, tables: SharedTables | None
) -> HashingPool:
    return HashingPool(
        in_thread,
        reactor.seconds,
        parallel=os.cpu_count() or 2,
        parameters=Argon2Parameters(**settings.auth.argon2.model_dump()),
        scram_iterations=settings.auth.scram_iterations,
        proven=_proven(reactor, tables),
    )


def _proven(reactor: Any, tables: SharedTables | None) -> ProvenPasswords | None:
    if tables is None:
        return None
    return SharedProvenPasswords(reactor.seconds, PROVEN_SECONDS, tables.proven)


def _rules(settings: Settings) -> ThrottleRules:
    auth = settings.auth
    return ThrottleRules(
        auth.throttle_passwords, auth.throttle_seconds, auth.throttle_delay_seconds
    )


def build_mailbox_upkeep(settings: Settings, reactor: Any, parts: Parts) -> Upkeep:
    """Return what looks after the mailboxes of all users."""
    return Upkeep(
        parts.store,
        open_administration(parts.store_kind, parts.folder.path),
        partial(cares, parts.database, default_policy(settings)),
        in_thread=partial(deferToThreadPool, reactor, parts.pool),
        reactor=reactor,
        events=parts.events,
    )


def _open_store(
    settings: Settings,
    kind: str,
    folder: DataFolder,
    in_thread: Any,
    reactor: Any,
    events: EventStream,
    takeover: Takeover,
    tables: SharedTables | None,
) -> Any:
    if kind not in KINDS:
        raise ConfigError(
            f"there is no mail store of the kind {kind!r} in this version, only {', '.join(KINDS)}",
            "install the version that made this folder, or name another data folder",
            file=folder.format_file,
        )
    try:
        return open_store(
            kind,
            folder.path,
            in_thread=in_thread,
            reactor=reactor,
            events=events,
            takeover=takeover,
            tally=tables.deliveries if tables is not None else None,
            side_process=settings.store.side_process,
        )
    except StoreError as error:
        raise ConfigError(str(error)) from error


def mail_hostname() -> str:
    """Return what this machine calls itself, as fully as it knows without asking the network."""
    dotted = [n for n in machine_names() if "." in n and not n[-1].isdigit()]
    return dotted[0] if dotted else socket.gethostname()


def build_trace(settings: Settings, reactor: Any, parts: Parts) -> TraceRecorder | None:
    """Let the trace of messages be written, unless it is switched off."""
    days = settings.service.trace_days
    if not days:
        return None
    in_thread = partial(deferToThreadPool, reactor, parts.pool)
    recorder = TraceRecorder(parts.folder.trace_file, days, in_thread, reactor, parts.events)
    parts.events.subscribe(recorder)
    return recorder


def build_factories(
    settings: Settings, reactor: Any, parts: Parts, tls: ServerTLS
) -> dict[str, ConnectionFactory]:
    shared: dict[str, Any] = {
        "events": parts.events,
        "limits": _limits(settings, parts.tables),
        "reactor": reactor,
        "authenticator": Authenticator(
            parts.portal,
            parts.events,
            reactor=reactor,
            failure_seconds=settings.auth.failure_seconds,
            throttle=parts.logins.throttle,
        ),
    }
    delivery = OfficeDelivery(
        parts.addresses,
        parts.store,
        hostname=parts.hostname,
        recipient_delimiter=settings.smtp.recipient_delimiter,
        home_domain=parts.directory.home_domain,
        first_user=parts.directory.first_user,
        events=parts.events,
    )
    pop3 = {
        **shared,
        "policy": _pop3_policy(settings),
        "hostname": parts.hostname,
        "login_times": _login_times(reactor, parts.tables),
        "strictest_policy": partial(strictest, parts.database, default_policy(settings)),
    }
    smtp = {**shared, "policy": _smtp_policy(settings, parts.hostname), "tls": tls}
    return {
        "pop3": POP3Factory(parts.portal, protocol_name="pop3", tls=tls, **pop3),
        "pop3s": POP3Factory(parts.portal, protocol_name="pop3s", **pop3),
        "smtp": SMTPFactory(delivery, parts.portal, **smtp),
        "lmtp": LMTPFactory(delivery, None, **{**smtp, "authenticator": None}),
    }


def _limits(settings: Settings, tables: SharedTables | None) -> ConnectionLimits:
    values = settings.limits
    limits = values.connections, values.connections_per_address, values.exempt_networks
    if tables is None:
        return ConnectionLimits(*limits)
    return SharedConnectionLimits(tables.connections, *limits)


def _login_times(reactor: Any, tables: SharedTables | None) -> LoginTimes:
    return LoginTimes(reactor) if tables is None else SharedLoginTimes(reactor, tables.logins)


def _pop3_policy(settings: Settings) -> POP3Policy:
    return POP3Policy(
        idle_seconds=settings.limits.pop3_idle_seconds,
        plaintext=settings.auth.plaintext,
        announce=settings.auth.announce,
        errors=settings.limits.errors,
        maildrop=default_policy(settings).announced,
        language=settings.pop3.language,
        extensions=settings.pop3.extensions,
    )


def _smtp_policy(settings: Settings, hostname: str) -> SMTPPolicy:
    return SMTPPolicy(
        hostname=hostname,
        message_octets=settings.limits.message_octets,
        recipients=settings.limits.recipients,
        messages=settings.limits.session_messages,
        commands=settings.limits.session_commands,
        errors=settings.limits.errors,
        idle_seconds=settings.limits.smtp_idle_seconds,
        plaintext=settings.auth.plaintext,
        announce=settings.auth.announce,
        bare_newlines=settings.smtp.bare_newlines,
        lenient_networks=tuple(map(str, settings.smtp.lenient_networks)),
        smtputf8=settings.smtp.smtputf8,
        greeting_delay_seconds=settings.smtp.greeting_delay_seconds,
    )
