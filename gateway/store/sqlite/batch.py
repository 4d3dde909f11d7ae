"""One transaction for all that is ready. Blocks: not for a reactor thread."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store.interfaces import StoredCopy, StoreError
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.insertion import Insertion, Mailboxes
from gateway.store.sqlite.jobs import Delivery, Job, Removal
from gateway.store.sqlite.keeping import set_aside
from gateway.store.sqlite.removal import remove

Outcome = list[StoredCopy] | StoreError | None
"""The copies of a delivery, None of a removal, or why it was not done."""


class BatchWriter:
    """Does jobs, many in one commit. One call at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mailboxes = Mailboxes()

    def write(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Do jobs durably. Where they cannot be done together, each is tried by itself."""
        try:
            return self._write(jobs)
        except StoreError as error:
            if len(jobs) == 1:
                return [error]
        return [outcome for job in jobs for outcome in self.write([job])]

    def _write(self, jobs: Sequence[Job]) -> list[Outcome]:
        deliveries = [job for job in jobs if isinstance(job, Delivery)]
        layout = self._database.layout
        with (
            self._database.writer() as connection,
            told_as_store_error("write to", layout.database),
            transaction(connection),
        ):
            stored: list[list[StoredCopy]] = []
            if deliveries:
                stored = Insertion(connection, self._mailboxes).store(deliveries)
            for job in jobs:
                if not isinstance(job, Removal):
                    continue
                if job.until is None:
                    remove(connection, job.mailbox, job.runs())
                else:
                    set_aside(connection, job.mailbox, job.runs(), job.until)
        for delivery in deliveries:
            if delivery.file is not None:
                delivery.file.accept()
        copies = iter(stored)
        return [next(copies) if isinstance(job, Delivery) else None for job in jobs]
