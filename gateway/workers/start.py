"""From settings to a supervisor, and what else a start with `twistd` needs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import ILogObserver, textFileLogObserver
from twisted.python.components import Componentized

from gateway.files import Owner
from gateway.service import build_gateway
from gateway.settings import Settings
from gateway.shared.tables import make_tables
from gateway.workers.logfile import SharedLogFile
from gateway.workers.postponed import Postponed
from gateway.workers.supervisor import Supervisor
from gateway.workers.worker import WorkerGateway

_REACTORS = ("GatewayReactor", "EPollReactor", "PollReactor", "SelectReactor", "KQueueReactor")
"""Those that can begin anew in a process that was forked."""
_DEFAULT_LOG = "twistd.log"


def build_supervisor(
    settings: Settings,
    reactor: Any,
    owner: Owner | None = None,
    joined: Callable[[object], object] = lambda _: None,
) -> Supervisor:
    """Return a supervisor whose ports are bound, and welcome whoever starts it.

    @param owner: the user it will run as, where it starts as root.
    @param joined: see `Supervisor`.
    @raise ConfigError: something in the settings, the folder or the certificates is wrong.
    """
    kind = type(reactor).__name__
    if kind not in _REACTORS:
        raise settings.error(
            "service.workers",
            f"the reactor {kind} cannot serve in several processes",
            "leave workers out, or start twistd without --reactor",
        )
    workers = settings.service.workers
    postponed = Postponed()
    with postponed.asked_of(reactor):
        gateway = build_gateway(
            settings, reactor, owner=owner, kind=WorkerGateway, tables=make_tables(workers)
        )
    gateway.postponed = postponed
    gateway.bind()
    gateway.hold()
    sys.stdout.write(gateway.welcome())
    sys.stdout.flush()
    return Supervisor(gateway, workers, reactor, joined)


def log_to_shared_file(options: Mapping[str, Any], reactor: Any, application: object) -> None:
    """Where `twistd` is about to log to a file, have it be one that all workers can write to.

    @param options: those of `twistd`.
    @param application: what the supervisor is part of; its log observer is what `twistd` takes.
    """
    name = options.get("logfile") or ("" if options.get("nodaemon") else _DEFAULT_LOG)
    if not name or name == "-" or options.get("syslog") or not _is_twistd(options):
        return
    if not isinstance(application, Componentized):
        return
    file = SharedLogFile.fromFullPath(name)
    application.setComponent(ILogObserver, textFileLogObserver(file))
    if not signal.getsignal(signal.SIGUSR1):  # as twistd does
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))


def _is_twistd(options: Mapping[str, Any]) -> bool:
    return "nodaemon" in options
