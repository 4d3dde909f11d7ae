"""Deletes the mail of a user who was removed."""

from __future__ import annotations

import time

from gateway.admin.folder import Folder
from gateway.admin.refusals import Refused
from gateway.imports.journal import Journal
from gateway.store.interfaces import MaildropInUse

_PATIENCE = 5.0
"""Seconds for sessions that were told to end to let go of the maildrop."""


def purge(folder: Folder, address: str) -> int:
    """Delete a mailbox with all its mail; return how many messages it had.

    @param address: in canonical form.
    """
    messages = folder.mail.usage(address).messages
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            folder.mail.purge(address)
            Journal(folder.data.imports, address, folder.data.owner()).forget()
            return messages
        except MaildropInUse:
            if time.monotonic() > deadline:
                raise Refused(
                    f"the mail of {address} is still there: another program holds the mailbox; "
                    f"try again with 'pop3gw user remove --purge {address}'"
                ) from None
            time.sleep(0.1)
        except Refused as error:
            raise Refused(f"the mail of {address} is still there: {error}") from None
