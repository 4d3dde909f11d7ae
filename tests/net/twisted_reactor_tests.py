"""Run in a process of its own: Twisted's tests of reactors with one reactor, failures as JSON.

Arguments: the class of the reactor, or nothing for Twisted's own.
"""

import json
import sys
from pathlib import Path

from twisted.internet import epollreactor
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.python.reflect import namedAny
from twisted.trial.reporter import MinimalReporter
from twisted.trial.runner import TestLoader, TrialRunner

_MODULES = ("core", "fdset", "process", "tcp", "threads", "time", "tls", "unix")
_NAME = "EPollReactor"
"""By which some of the tests know what epoll(7) cannot do."""


def main(reactor: str | None) -> None:
    """Print the names of the tests that ran, and of those that failed."""
    if reactor is not None:
        setattr(epollreactor, _NAME, type(_NAME, (namedAny(reactor),), {}))
    ReactorBuilder._reactors = [f"twisted.internet.epollreactor.{_NAME}"]
    suite = TestLoader().loadByNames([f"twisted.internet.test.test_{name}" for name in _MODULES])
    with Path("output").open("w") as output:
        result = TrialRunner(MinimalReporter, stream=output, workingDirectory="trial").run(suite)
    failed = [test.id() for test, _ in (*result.errors, *result.failures)]
    json.dump({"ran": result.testsRun, "failed": failed}, sys.__stdout__)


main(*(sys.argv[1:] or [None]))
