"""The forms in which mail leaves: a Maildir, an mbox file."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from time import asctime, gmtime
from types import TracebackType

from gateway.files import sync_folder
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import records
from gateway.store.maildir.folders import make_mailbox
from gateway.store.maildir.names import NameMaker

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


class MaildirExport:
    """A Maildir that is not there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = NameMaker()
        self._records: records.Records = {}

    def __enter__(self) -> MaildirExport:
        make_mailbox(self._path)
        return self

    def add(self, octets: bytes, attributes: MessageAttributes, uidl: str) -> None:
        """Write one message."""
        text = octets.replace(b"\r\n", b"\n")
        base = self._names.make(len(text), len(octets))
        path = self._path / "new" / base
        with path.open("xb") as file:
            file.write(text)
        os.utime(path, (attributes.arrived, attributes.arrived))
        self._records[base] = replace(attributes, uidl=uidl)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._records:
            records.append(self._path, self._records)
        os.sync()


class MboxExport:
    """An mbox file in the form mboxrd: a ">" before each "From " at the start of a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> MboxExport:
        self._file = self._path.open("xb")
        self._path.chmod(0o600)
        return self

    def add(self, octets: bytes, attributes: MessageAttributes, uidl: str) -> None:  # noqa: ARG002
        """Write one message. An mbox has no place for a unique-id."""
        text = _FROM.sub(rb">\1", octets.replace(b"\r\n", b"\n"))
        when = asctime(gmtime(attributes.arrived)).encode("ascii")
        self._file.write(b"From MAILER-DAEMON " + when + b"\n" + text + b"\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sync_folder(self._path.absolute().parent)
