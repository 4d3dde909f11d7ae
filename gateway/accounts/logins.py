"""What a gateway does about logins beside checking them: the throttle, and the notes it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.hashing import InThread
from gateway.accounts.login_notes import LoginNotes
from gateway.accounts.logins_file import LoginsFile
from gateway.accounts.throttle import RECENTLY_SECONDS, Throttle, ThrottleRules
from gateway.events import EventStream
from gateway.shared.attempts import SharedAttempts


@dataclass(frozen=True, slots=True)
class Logins:
    """All of it, for one process."""

    file: LoginsFile
    notes: LoginNotes
    throttle: Throttle


def open_logins(
    path: Path,
    directory: EmbeddedDirectory,
    in_thread: InThread,
    reactor: Any,
    events: EventStream,
    rules: ThrottleRules | None = None,
    shared: SharedAttempts | None = None,
) -> Logins:
    """Open the file, and read the events of logins from now on.

    @param shared: see `Throttle`.
    @raise DatabaseUnavailable: the file cannot be used.
    """
    rules = rules if rules is not None else ThrottleRules()
    file = LoginsFile(path)
    notes = LoginNotes(
        file,
        in_thread,
        reactor,
        wrong_seconds=rules.seconds,
        right_seconds=RECENTLY_SECONDS,
        events=events,
    )
    events.subscribe(notes)
    throttle = Throttle(rules, file, notes, directory.canonical_login, shared=shared)
    return Logins(file, notes, throttle)
