"""What a `SideProcess` runs: takes jobs from standard input, answers on standard output.

In: pickled (number, job). Out: `LENGTH`, then pickled (number, result); at first the stamp of the
code: ready. It imports nothing of Twisted, so that it is small and starts fast.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from gateway.store.code_stamp import code_stamp

LENGTH = struct.Struct("!I")
"""What comes before each answer: how many octets it has."""

Answer = Callable[[Any], None]


def serve(work: Callable[[Any, Answer], None]) -> None:
    """Do jobs until no more come: the gateway has ended, or wants us to.

    @param work: called with each job, in order, and with what takes its result: in any thread, once
        for each job. A result that is an exception is raised where the job came from.
    """
    # To stop is for the gateway to say, once it has stopped itself: a signal to the whole group,
    # as from a terminal or systemd, must not take away what it still needs.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    jobs, answers = sys.stdin.buffer, _Answers()
    answers.send(code_stamp())
    while True:
        try:
            number, job = pickle.load(jobs)  # noqa: S301 - the gateway is at the other end
        except (EOFError, pickle.UnpicklingError):
            return
        work(job, answers.of(number))


class _Answers:
    """The way back."""

    def __init__(self) -> None:
        # Whatever else is printed goes to standard error.
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def of(self, number: int) -> Answer:
        return lambda result: self.send((number, result))

    def send(self, answer: Any) -> None:
        octets = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        rest = memoryview(LENGTH.pack(len(octets)) + octets)
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError:
                return  # nobody wants to know any more; the jobs end as well
