"""What a mail store promises to the protocols, whatever lies behind it.

Nothing in `gateway.pop3`, `gateway.smtp` or `gateway.delivery` assumes files: a database or an
object store fits behind these four interfaces. `tests/store/conformance.py` puts any
implementation through the same tests.

A *mailbox* is named by its address in lower case, as text ("anna@example.com"). Octets are always
canonical: CRLF ends each line, nothing is dot-stuffed. Where "Deferred" stands, a plain value is
equally allowed unless it says "always".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zope.interface import Attribute, Interface


class StoreError(Exception):
    """The store cannot do it now; the text says why, for the log. Nothing was changed."""


class OutcomeUnknown(StoreError):
    """What would have told whether it was done has died: perhaps it was."""


class StorageFull(StoreError):
    """No room is left: disk, quota of the file system, descriptors."""


class MaildropInUse(StoreError):
    """Another session holds the maildrop."""

    def __init__(self, mailbox: str, host: str = "", since: float = 0.0, pid: int = 0) -> None:
        super().__init__(f"the maildrop of {mailbox} is in use")
        self.mailbox = mailbox
        self.host = host
        """Where the holder came from, "" if not known."""
        self.since = since
        """When it began, in seconds since the epoch, 0.0 if not known."""
        self.pid = pid
        """The other process that holds it, 0 if not known or this one."""


class MessageGone(StoreError):
    """A message of the snapshot is no longer there: another program removed it."""


@dataclass(frozen=True, slots=True)
class MessageAttributes:
    """What a message carries beside its octets. A store gives back what it was given."""

    arrived: float = 0.0
    """Seconds since the epoch; 0.0 lets the store take the time of the commit."""
    uidl: str | None = None
    """A unique-id to keep (a mailbox that moves in); None lets the store make one."""
    smtputf8: bool = False
    """It came in by SMTPUTF8 (RFC 6531) with an internationalized header."""
    requiretls: bool = False
    """Its sender asked for REQUIRETLS (RFC 8689)."""


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """One copy of a committed message."""

    mailbox: str
    uidl: str


@dataclass(frozen=True, slots=True)
class DeletedMessage:
    """A message that sessions do not see any more, and that is still kept."""

    uidl: str
    octets: int
    """Its size, in canonical form where that is known without reading it."""
    arrived: float
    """Seconds since the epoch."""
    until: float
    """From when on it may be removed for good, in seconds since the epoch; `math.inf`: never."""
    header: bytes
    """Its header (RFC 5322 section 2.2) with LF line ends, cut off where it is very long."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a mailbox holds."""

    messages: int
    octets: int


class Snapshot:
    """The messages of a maildrop at the moment it was opened, in order of arrival.

    Immutable, and shared between sessions while nothing has changed: what was derived from it
    (rendered replies, say) may be kept in a `weakref.WeakKeyDictionary` for as long as it lives.
    """

    __slots__ = ("__weakref__", "octets", "sizes", "smtputf8", "uidls")

    def __init__(
        self, sizes: Sequence[int], uidls: Sequence[str], smtputf8: Sequence[int] = ()
    ) -> None:
        self.sizes = sizes
        """Octets of each message as RETR sends it, CRLF line ends, before dot-stuffing."""
        self.uidls = uidls
        """Unique-id of each message: 1 to 70 characters of 0x21 to 0x7E (RFC 1939 section 7)."""
        self.smtputf8 = smtputf8
        """Indexes, sorted, of the messages whose attributes say so."""
        self.octets = sum(sizes)
        """The sum of `sizes`."""

    def __len__(self) -> int:
        return len(self.sizes)


class IMailStore(Interface):
    """Where the gateway's mail is."""

    kind = Attribute("The name of this kind of store, as `--store` takes it: str.")

    def open_maildrop(mailbox, client):
        """Take hold of the maildrop of a mailbox for one session; make the mailbox if need be.

        @param mailbox: the mailbox: str.
        @param client: the `gateway.client.Client` for whom it is held. If `client.connected` is
            false by the time the maildrop could be handed over, it is not held.
        @return: always a Deferred of an `IMaildrop`. It fails with `MaildropInUse` or `StoreError`.
        """

    def begin_delivery(attributes):
        """Begin to store one message.

        @param attributes: `MessageAttributes`.
        @return: an `IMessageWriter`, at once. Nothing is visible in any mailbox before its commit.
        """

    def usage(mailbox, fresh=False):
        """Say what a mailbox holds, as a quota needs to know. Never blocks, and costs little.

        What this store has committed counts at once. What others added, and what was deleted, may
        be left out for up to 10 seconds, unless it is asked for.

        @param mailbox: a mailbox, which need not exist; or "@" and a domain ("@example.com"), for
            all mailboxes of that domain together: str.
        @param fresh: whether to look for changes now: bool.
        @return: a `Usage`, or a Deferred of it. It fails with `StoreError`.
        """


class IMessageWriter(Interface):
    """One message on its way in. Ends with `commit` or `abort`, and then takes nothing more."""

    octets = Attribute("How many octets were written so far: int.")

    def write(octets):
        """Take the next octets of the message, in canonical form, split anywhere.

        @return: None, or a Deferred that fires when more may be written. It may fail with
            `StoreError`, at once or at a later call; `abort` is then still to be called.
        """

    def commit(mailboxes):
        """Store the message in each of `mailboxes` (no name twice), in all of them or in none.

        @return: always a Deferred of a list of `StoredCopy`, in the order of `mailboxes`. When it
            fires the message is on stable storage. It fails with `StoreError`, and then no copy is
            visible.
        """

    def abort():
        """Drop the message. Never raises, does nothing after `commit`."""


class IMaildrop(Interface):
    """A maildrop held by one session (RFC 1939 section 4), seen as it was when it was opened."""

    mailbox = Attribute("The mailbox: str.")
    snapshot = Attribute("The `Snapshot`. Never changes while the maildrop is held.")

    def open_message(index):
        """Open the message at `index` (0-based) for reading.

        @return: a Deferred of an `IMessageReader`; fails with `MessageGone` or `StoreError`.
        """

    def attributes(index):
        """@return: the `MessageAttributes` of the message at `index`, at once."""

    def commit(deleted):
        """Remove messages for good (RFC 1939 section 6), and durably.

        @param deleted: a sorted sequence of 0-based indexes.
        @return: always a Deferred of a list of those indexes that could *not* be removed. A
            message that was already gone counts as removed.
        """

    def release():
        """Let go of the maildrop. At once, never raises, may be called again."""


@dataclass(frozen=True, slots=True)
class MaildropPolicy:
    """What was decided about a maildrop, as far as its client is told (RFC 2449)."""

    login_delay_seconds: int = 0
    """The least time from one login to the next (section 6.5); 0: none is asked for."""
    login_delay_hard: bool = True
    """Whether a login that comes earlier is refused; else it is only asked not to."""
    expire_days: int | None = None
    """The fewest days for which a message is kept (section 6.7); None: for ever."""


class IMaildropPolicy(Interface):
    """What a maildrop may provide beside `IMaildrop`, where policies differ between users."""

    policy = Attribute("The `MaildropPolicy` of this maildrop. Never changes while it is held.")


class IKeepingMaildrop(Interface):
    """What a maildrop provides beside `IMaildrop` where its store can keep what is deleted."""

    def set_aside(deleted, until):
        """As `IMaildrop.commit`: no session sees these messages any more. But they are kept.

        Their unique-ids are theirs for ever: when `IKeepingAdministration.undelete` brings one
        back, it is the same message as before, in its old place.

        @param until: from when on they may be removed for good, in seconds since the epoch;
            `math.inf` keeps them for ever.
        @return: as `IMaildrop.commit`.
        """

    def older_than(moment):
        """Find the messages that arrived before a moment, whatever evidence there is.

        @param moment: in seconds since the epoch.
        @return: a Deferred of a sorted list of indexes. A message of which anything says that it
            came later is not among them.
        """


class IMessageReader(Interface):
    """The octets of one message, pulled in blocks."""

    def read():
        """@return: the next block (bytes, 1 to 128 KiB; b"" after the last), or a Deferred of it.

        The sum of all blocks is exactly the size in the snapshot. Where the stored message no
        longer yields that, it raises (or fails with) `StoreError`, at the latest instead of b"".
        """

    def close():
        """Give back what reading held. May be called at any time, and again."""


class IStoreAdministration(Interface):
    """What the `pop3gw` command asks of a store. Each call may block: not for a reactor thread."""

    def usage(mailbox):
        """@return: the `Usage` of a mailbox; of none at all, `Usage(0, 0)`."""

    def mailboxes():
        """@return: the names of all mailboxes that there are, sorted, empty ones too."""

    def location(mailbox):
        """@return: the absolute `pathlib.Path` where a person finds the mailbox, or None."""

    def purge(mailbox):
        """Delete a mailbox with all its mail, durably. Raises `MaildropInUse` or `StoreError`."""


class IKeepingAdministration(Interface):
    """What an `IStoreAdministration` provides, too, where its store can keep what is deleted."""

    def deleted(mailbox):
        """@return: a list of `DeletedMessage`, in order of arrival. Raises `StoreError`."""

    def undelete(mailbox, uidls):
        """Let sessions see messages again, durably. Raises `StoreError`.

        @param uidls: a collection of unique-ids.
        @return: a list of those that were kept, and are back.
        """

    def remove_overdue(mailbox, moment, most):
        """Remove for good what need not be kept any longer. Raises `StoreError`.

        @param moment: now, in seconds since the epoch.
        @param most: how many messages at most, so that the work can be done in portions.
        @return: how many were removed.
        """
