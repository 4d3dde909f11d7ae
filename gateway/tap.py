"""`twistd pop3gw`: the command line, and the service made from it."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from twisted.application.service import IService
from twisted.python import usage

from gateway.accounts.strings import described_kinds
from gateway.config import ConfigError, Overrides, load
from gateway.files import Owner
from gateway.service import GatewayService, build_gateway, settle_memory
from gateway.signals import reload_on_hangup, stop_once
from gateway.workers.start import build_supervisor, log_to_shared_file
from gateway.workers.supervisor import Supervisor

EXIT_USAGE = 2
"""The exit status where the configuration is wrong."""


class Options(usage.Options):
    """The options of `twistd pop3gw`."""

    synopsis = "[options]"
    longdesc = (
        "Receives mail over SMTP or LMTP, keeps it, serves it over POP3. Without a configuration "
        "file it serves this machine only, on unprivileged ports. ENDPOINT is a Twisted endpoint "
        "string, for instance tcp:1110:interface=127.0.0.1; if one listener is given here, only "
        "those given here start."
    )
    optParameters = [  # noqa: RUF012  (usage.Options reads it from the class)
        ["config", "c", None, "The configuration file (TOML)."],
        ["data", "d", None, "The data folder; wins over the file. Default: pop3gw-data."],
        ["store", None, None, "The kind of mail store of a new data folder: maildir or sqlite."],
        ["workers", None, None, "How many processes serve. Default: 1.", int],
    ]

    def __init__(self) -> None:
        super().__init__()
        for name in ("pop3", "pop3s", "smtp", "lmtp", "auth"):
            self[name] = ()

    def opt_pop3(self, endpoint: str) -> None:
        """Serve POP3 at this ENDPOINT. May be repeated."""
        self["pop3"] += (endpoint,)

    def opt_pop3s(self, endpoint: str) -> None:
        """Serve POP3 over TLS, with our certificates, at this ENDPOINT. May be repeated."""
        self["pop3s"] += (endpoint,)

    def opt_smtp(self, endpoint: str) -> None:
        """Receive over SMTP at this ENDPOINT. May be repeated."""
        self["smtp"] += (endpoint,)

    def opt_lmtp(self, endpoint: str) -> None:
        """Receive over LMTP at this ENDPOINT. May be repeated."""
        self["lmtp"] += (endpoint,)

    def opt_auth(self, checker: str) -> None:
        """Prove passwords with this CHECKER instead of the embedded accounts. May be repeated."""
        self["auth"] += (checker,)

    def opt_help_auth(self) -> None:
        """Show which checkers there are, and exit."""
        sys.stdout.write("Checkers for --auth and [auth] checkers, as KIND or KIND:ARGUMENT:\n")
        sys.stdout.writelines(f"  {kind}\n      {what}\n" for kind, what in described_kinds())
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """Return the gateway as the command line wants it, bound to its ports.

    Ends the process with status 2, the last line on stderr saying why, where that cannot be.
    """
    _choose_reactor()
    from twisted.internet import reactor

    overrides = Overrides(
        data=options["data"],
        store=options["store"],
        pop3=options["pop3"],
        pop3s=options["pop3s"],
        smtp=options["smtp"],
        lmtp=options["lmtp"],
        auth=options["auth"],
        workers=options["workers"],
    )
    parent: Mapping[str, Any] = getattr(options, "parent", None) or {}
    owner = _owner(parent.get("uid"), parent.get("gid"))
    with _mistakes_told():
        settings = load(options["config"], overrides)
        if settings.service.workers > 1:
            gateway: GatewayService | Supervisor = build_supervisor(
                settings, reactor, owner, partial(log_to_shared_file, parent, reactor)
            )
        else:
            gateway = build_gateway(settings, reactor, owner=owner, kind=GatewayService)
            _greet(gateway)
    reload_on_hangup(gateway.reload, reactor)
    stop_once(reactor)
    settle_memory()
    return gateway


def make_gateway(
    config: str | None = None, overrides: Overrides | None = None, owner: Owner | None = None
) -> GatewayService:
    """Return a gateway, bound to its ports; this is what a .tac file calls.

    @param config: the configuration file; None is the embedded default.
    @param owner: the user that it will run as, where it starts as root and drops privileges.
    """
    from twisted.internet import reactor

    with _mistakes_told():
        settings = load(config, overrides)
        if settings.service.workers > 1:
            raise settings.error(
                "service.workers",
                "a gateway that is part of an application serves in one process",
                "leave it out, or start it with twistd pop3gw",
            )
        gateway = build_gateway(settings, reactor, owner=owner, kind=GatewayService)
        _greet(gateway)
    settle_memory()
    return gateway


def _choose_reactor() -> None:
    try:
        from gateway.net.reactor import install_by_default
    except ImportError:
        return  # this system has no epoll: Twisted knows what else there is
    install_by_default()


def _greet(gateway: GatewayService) -> None:
    """Bind the gateway, and welcome whoever starts it. Raises `ConfigError`."""
    gateway.bind()
    sys.stdout.write(gateway.welcome())
    sys.stdout.flush()


@contextmanager
def _mistakes_told() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        _end(str(error))


def _owner(uid: int | None, gid: int | None) -> Owner | None:
    if os.geteuid() != 0 or (uid is None and gid is None):
        return None
    if uid is None:
        uid = os.geteuid()
    if gid is None:
        try:
            gid = pwd.getpwuid(uid).pw_gid
        except KeyError:
            _end(f"--uid: there is no user {uid}; name its group with --gid")
    return uid, gid


def _end(reason: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(f"pop3gw: {reason}\n")
    sys.stderr.flush()
    raise SystemExit(EXIT_USAGE)
