"""A mail store of Maildir folders, shared with mutt, Dovecot, Postfix and the like."""

from gateway.store.maildir.administration import MaildirAdministration
from gateway.store.maildir.store import MaildirStore

__all__ = ["MaildirAdministration", "MaildirStore"]
