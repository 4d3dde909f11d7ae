"""Run in a process of its own: Twisted's tests of reactors with one reactor, failures as JSON.

Arguments: the class of the reactor, or nothing for Twisted's own.
"""

import sys

from twisted.internet import epollreactor
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.python.reflect import namedAny

from tests.net.trial_run import report

_MODULES = ("core", "fdset", "process", "tcp", "threads", "time", "tls", "unix")
_NAME = "EPollReactor"
"""By which some of the tests know what epoll(7) cannot do."""


def main(reactor: str | None) -> None:
    """Print the names of the tests that ran, and of those that failed."""
    if reactor is not None:
        setattr(epollreactor, _NAME, type(_NAME, (namedAny(reactor),), {}))
    ReactorBuilder._reactors = [f"twisted.internet.epollreactor.{_NAME}"]
    report([f"twisted.internet.test.test_{name}" for name in _MODULES])


main(*(sys.argv[1:] or [None]))
