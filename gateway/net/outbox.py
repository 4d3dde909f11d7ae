"""What is said in one turn of the reactor, written at its end."""

from __future__ import annotations

from typing import Any, Protocol


class Speaker(Protocol):
    """A connection that has something to say."""

    @property
    def ending(self) -> bool:
        """Whether it is to be closed."""

    def write_out(self) -> None:
        """Write it. Raises nothing."""


class Outbox:
    """Lets connections write one after the other when all that came in has been worked on.

    Whoever is written to wakes up and answers, or comes again; to be woken is the dearest part of a
    short session, for the client's machine and for ours. So all who talked in one turn of the
    reactor get their answers together, and what they say then is there together, too.

    Who talks while nobody else does has its answer at once.
    """

    def __init__(self) -> None:
        self._speakers: list[Speaker] = []
        self._last: Speaker | None = None

    def add(self, speaker: Speaker, reactor: Any) -> None:
        """Have a connection write, at the end of this turn of its reactor at the latest."""
        if speaker is self._last and not speaker.ending:
            speaker.write_out()
            return
        self._last = speaker
        if not self._speakers:
            reactor.callLater(0, self._write_all)
        self._speakers.append(speaker)

    def forget(self, speaker: Speaker) -> None:
        """A connection has ended."""
        if speaker is self._last:
            self._last = None

    def _write_all(self) -> None:
        speakers, self._speakers = self._speakers, []
        for speaker in speakers:
            speaker.write_out()
