"""What is to happen when the reactor runs: in each worker, and not in the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_METHODS = ("callWhenRunning", "addSystemEventTrigger")


class Postponed:
    """Keeps what is asked of a reactor while a gateway is built, such as to start a pool of
    threads, which must not be there when a process is forked.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    @contextmanager
    def asked_of(self, reactor: Any) -> Iterator[None]:
        """Within the block, keep what would be called at the start or the end."""
        for method in _METHODS:
            setattr(reactor, method, self._keep(method))
        try:
            yield
        finally:
            for method in _METHODS:
                delattr(reactor, method)

    def ask(self, reactor: Any) -> None:
        """Ask it of the reactor of a worker."""
        for method, arguments, named in self._calls:
            getattr(reactor, method)(*arguments, **named)

    def _keep(self, method: str) -> Callable[..., None]:
        def keep(*arguments: Any, **named: Any) -> None:
            self._calls.append((method, arguments, named))

        return keep
