"""Stores the messages of one source mailbox in one of ours, none of them twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from gateway.imports.copies import Copy
from gateway.imports.journal import Journal
from gateway.imports.messages import (
    TAKEN,
    TWICE,
    MessageUnreadable,
    MessageVanished,
    SourceMessage,
)
from gateway.imports.outcome import Outcome
from gateway.imports.target import TargetMailbox
from gateway.store.interfaces import MessageAttributes

_STEP = 2e-6
"""Seconds between two messages that arrived at once: stores tell microseconds apart."""


class Importer:
    """Imports into one mailbox.

    @param box: ours, held; None where it is empty and stays so (a dry run).
    @param journal: in use for writing, unless it is a dry run.
    @param progress: called after each message.
    @param dry_run: only count what would be done.
    @param again: import also what was imported before and is no longer here.
    """

    def __init__(
        self,
        box: TargetMailbox | None,
        journal: Journal,
        outcome: Outcome,
        progress: Callable[[], object],
        *,
        dry_run: bool,
        again: bool = False,
    ) -> None:
        self._box = box
        self._journal = journal
        self._outcome = outcome
        self._progress = progress
        self._dry_run = dry_run
        self._latest = 0.0
        self._given: set[str] = set()
        uidls: Sequence[str] = box.uidls if box is not None else ()
        self._places = {uidl: index for index, uidl in enumerate(uidls)}
        self._imported = {} if again else dict(journal.uidls)
        self._unclaimed: dict[int, list[int]] = {}
        """Messages here of which it is not known whether they came from the source, by size."""
        self._replaced: list[int] = []

    def run(self, messages: Sequence[SourceMessage]) -> None:
        """Import messages in order.

        @raise StoreError, SourceError: it cannot go on; what was stored so far stays, and a
            further run goes on from there.
        """
        self._outcome.messages = len(messages)
        self._look_for_unclaimed(messages)
        try:
            for message in messages:
                self._take(message)
                self._progress()
        finally:
            if self._box is not None and not self._dry_run:
                self._box.finish()
                self._box.delete(sorted(self._replaced))

    def _look_for_unclaimed(self, messages: Sequence[SourceMessage]) -> None:
        """What has the unique-id of a message of the source is that one, or none of its."""
        if self._box is None:
            return
        known = {message.uidl for message in messages} | set(self._imported.values())
        for uidl, index in self._places.items():
            if uidl not in known:
                self._unclaimed.setdefault(self._box.sizes[index], []).append(index)

    def _claim(self, copy: Copy) -> int | None:
        """Return the unclaimed message that is the same, and claim it."""
        for index in self._unclaimed.get(copy.octets, ()):
            if self._is_same(index, copy):
                self._unclaimed[copy.octets].remove(index)
                return index
        return None

    def _take(self, message: SourceMessage) -> None:
        if message.uidl is not None and message.uidl in self._given:
            message = replace(message, uidl=None, new_because=TWICE)
        if message.uidl is not None:
            self._given.add(message.uidl)
        if message.key in self._imported:
            self._latest = max(self._latest, message.arrived or 0.0)
            self._outcome.here += 1
        elif self._dry_run and not self._may_be_here(message):
            self._count(message)
        else:
            try:
                with Copy(message) as copy:
                    self._decide(message, copy)
            except MessageVanished:
                self._outcome.vanished += 1
            except MessageUnreadable as error:
                self._outcome.unreadable.append(str(error))

    def _may_be_here(self, message: SourceMessage) -> bool:
        return bool(self._unclaimed) or message.uidl in self._places

    def _decide(self, message: SourceMessage, copy: Copy) -> None:
        """Look whether the message is here already, and store it if not."""
        place = self._places.get(message.uidl) if message.uidl is not None else None
        if place is not None:
            if self._is_same(place, copy):
                self._find(message, place)
                return
            message = replace(message, uidl=None, new_because=TAKEN)
        twin = self._claim(copy)
        if twin is not None and message.uidl is None:
            self._find(message, twin)
        elif self._dry_run:
            self._count(message, twin)
        else:
            self._store(message, copy, twin)

    def _is_same(self, index: int, copy: Copy) -> bool:
        box = self._box
        if box is None or box.sizes[index] != copy.octets:
            return False
        return box.digest(index) == copy.digest

    def _find(self, message: SourceMessage, index: int) -> None:
        """The message is here."""
        self._outcome.here += 1
        if self._box is not None and not self._dry_run:
            self._journal.add(message.key, self._box.uidls[index])

    def _count(self, message: SourceMessage, twin: int | None = None) -> None:
        if twin is not None:
            self._outcome.renamed += 1
        if message.uidl is None:
            self._outcome.new[message.new_because] += 1
        else:
            self._outcome.kept += 1

    def _store(self, message: SourceMessage, copy: Copy, twin: int | None) -> None:
        """Store a message behind all that came before it from the same source.

        @param twin: the same message, here under another unique-id, which goes.
        """
        arrived = message.arrived if message.arrived is not None else copy.arrived()
        now = time.time()
        # Where nothing tells the time it is a late one: a message must not expire early.
        self._latest = max(self._latest + _STEP, min(arrived or self._latest or now, now))
        attributes = MessageAttributes(
            arrived=self._latest,
            uidl=message.uidl,
            smtputf8=message.smtputf8,
            requiretls=message.requiretls,
        )
        if self._box is not None:
            stored = partial(self._stored, message, copy.octets, twin)
            self._box.store(copy.blocks(), attributes, stored)

    def _stored(self, message: SourceMessage, octets: int, twin: int | None, uidl: str) -> None:
        """A message is on stable storage."""
        self._journal.add(message.key, uidl)
        self._outcome.octets += octets
        self._count(message, twin)
        if twin is not None:
            self._replaced.append(twin)
