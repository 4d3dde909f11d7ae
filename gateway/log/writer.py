"""The log: one short line for each event worth telling, the same shape every time.

A line begins with what happened and the kind of listener; then come `name=value` pairs, the
client's address always before anything that the client said. Text from outside is quoted, so that
nobody can write a line of their own into the log, or another's address into theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.logger import Logger, LogLevel

from gateway import events
from gateway.client import Client
from gateway.log.prefix import LINE_FORMAT

_SHOWN = 10
"""How many names of a list are written out."""


@dataclass(slots=True)
class _Work:
    """What a session did."""

    messages: int = 0
    octets: int = 0
    deleted: int = 0


@dataclass(slots=True)
class LogWriter:
    """A reader of events that writes the log. Mere connections leave no line."""

    logger: Logger = field(default_factory=lambda: Logger("pop3gw"))
    _work: dict[Client, _Work] = field(default_factory=dict)

    def __call__(self, event: events.Event) -> None:
        """Write the line of an event, if it has one."""
        if isinstance(event, events.InternalError):
            where = f" {_session(event.client)}" if event.client else ""
            self.logger.failure(
                "internal error in {where}{session}",
                failure=event.failure,
                where=event.where,
                session=where,
            )
            return
        method = _LINES.get(type(event))
        if method is not None:
            level, line = method(self, event)
            if line:
                self.logger.emit(level, LINE_FORMAT, line=line)

    def _retrieved(self, event: events.MessageRetrieved) -> tuple[Any, str]:
        work = self._work.setdefault(event.client, _Work())
        work.messages += 1
        work.octets += event.octets
        return LogLevel.debug, ""

    def _deleted(self, event: events.MessagesDeleted) -> tuple[Any, str]:
        self._work.setdefault(event.client, _Work()).deleted += len(event.uidls)
        return LogLevel.debug, ""

    def _closed(self, event: events.SessionClosed) -> tuple[Any, str]:
        work = self._work.pop(event.client, None)
        if event.client.user is None:
            return LogLevel.debug, ""
        work = work or _Work()
        return LogLevel.info, (
            f"closed {_session(event.client)} user={_text(event.client.user)}"
            f" retrieved={work.messages} octets={work.octets} deleted={work.deleted}"
            f" seconds={event.seconds:.1f} reason={_text(event.reason)}"
        )


def _listening(_: LogWriter, event: events.ListenerBound) -> tuple[Any, str]:
    return LogLevel.info, f"listening {event.protocol} {event.address}"


def _ready(_: LogWriter, __: events.GatewayReady) -> tuple[Any, str]:
    return LogLevel.info, "pop3gw is ready"


def _injected(_: LogWriter, event: events.PlaintextInjected) -> tuple[Any, str]:
    return LogLevel.warn, f"plaintext injected before TLS {_session(event.client)}"


def _proxy_header(_: LogWriter, event: events.ProxyHeaderRefused) -> tuple[Any, str]:
    return LogLevel.warn, (
        f"proxy header refused {event.protocol} peer={event.peer} reason={_text(event.reason)}"
    )


def _too_early(_: LogWriter, event: events.TalkedTooEarly) -> tuple[Any, str]:
    return LogLevel.info, f"talked before the greeting {_session(event.client)}"


def _login(_: LogWriter, event: events.LoginSucceeded) -> tuple[Any, str]:
    tls = event.client.tls.version if event.client.tls else "none"
    return LogLevel.info, (
        f"login {_session(event.client)} tls={tls} mechanism={_text(event.mechanism)}"
        f" user={_text(event.user)}"
    )


def _login_failed(_: LogWriter, event: events.LoginFailed) -> tuple[Any, str]:
    return LogLevel.warn, (
        f"login failed {_session(event.client)} mechanism={_text(event.mechanism)}"
        f" user={_text(event.name)} reason={_text(event.reason)}"
    )


def _recipient_refused(_: LogWriter, event: events.RecipientRefused) -> tuple[Any, str]:
    return LogLevel.info, (
        f"recipient refused {_session(event.client)} from={_text(event.sender)}"
        f" to={_text(event.recipient)} reply={_text(event.reply)}"
    )


def _stored(_: LogWriter, event: events.MessageStored) -> tuple[Any, str]:
    return LogLevel.info, (
        f"stored {_session(event.client)} id={event.id} octets={event.octets}"
        f" from={_text(event.sender)} to={_list(event.recipients)}"
    )


def _refused(_: LogWriter, event: events.MessageRefused) -> tuple[Any, str]:
    return LogLevel.warn, (
        f"message refused {_session(event.client)} id={event.id} from={_text(event.sender)}"
        f" to={_list(event.recipients)} reply={_text(event.reply)}"
    )


def _abandoned(_: LogWriter, event: events.MessageAbandoned) -> tuple[Any, str]:
    return LogLevel.info, (
        f"message abandoned {_session(event.client)} id={event.id} from={_text(event.sender)}"
        f" to={_list(event.recipients)}"
    )


def _expired(_: LogWriter, event: events.MessagesExpired) -> tuple[Any, str]:
    return LogLevel.info, f"expired mailbox={_text(event.mailbox)} messages={len(event.uidls)}"


def _update_failed(_: LogWriter, event: events.UpdateFailed) -> tuple[Any, str]:
    return LogLevel.error, (
        f"deletion failed {_session(event.client)} mailbox={_text(event.mailbox)}"
        f" messages={len(event.uidls)}"
    )


def _certificate(_: LogWriter, event: events.CertificateLoaded) -> tuple[Any, str]:
    return LogLevel.info, f"certificate {_text(event.path)} for {', '.join(event.names)}"


def _certificate_rejected(_: LogWriter, event: events.CertificateRejected) -> tuple[Any, str]:
    return LogLevel.error, f"certificate not taken, the old one stays: {_plain(event.reason)}"


def _worker_started(_: LogWriter, event: events.WorkerStarted) -> tuple[Any, str]:
    return LogLevel.info, f"worker {event.number} started process={event.pid}"


def _worker_ended(_: LogWriter, event: events.WorkerEnded) -> tuple[Any, str]:
    return LogLevel.error, (
        f"worker {event.number} ended process={event.pid} how={_text(event.how)}"
        f" replaced_in={event.delay:.1f}"
    )


def _trouble(_: LogWriter, event: events.Trouble) -> tuple[Any, str]:
    return LogLevel.error, f"trouble with {_plain(event.where)}: {_plain(event.what)}"


_LINES: dict[type[events.Event], Callable[[LogWriter, Any], tuple[Any, str]]] = {
    events.ListenerBound: _listening,
    events.GatewayReady: _ready,
    events.SessionClosed: LogWriter._closed,
    events.PlaintextInjected: _injected,
    events.ProxyHeaderRefused: _proxy_header,
    events.TalkedTooEarly: _too_early,
    events.LoginSucceeded: _login,
    events.LoginFailed: _login_failed,
    events.RecipientRefused: _recipient_refused,
    events.MessageStored: _stored,
    events.MessageRefused: _refused,
    events.MessageAbandoned: _abandoned,
    events.MessageRetrieved: LogWriter._retrieved,
    events.MessagesDeleted: LogWriter._deleted,
    events.MessagesExpired: _expired,
    events.UpdateFailed: _update_failed,
    events.CertificateLoaded: _certificate,
    events.CertificateRejected: _certificate_rejected,
    events.Trouble: _trouble,
    events.WorkerStarted: _worker_started,
    events.WorkerEnded: _worker_ended,
}


def _session(client: Client) -> str:
    return f"{client.protocol} peer={client.host} session={client.id}"


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)


def _text(text: str) -> str:
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _list(names: Sequence[str]) -> str:
    shown = ",".join(_text(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
