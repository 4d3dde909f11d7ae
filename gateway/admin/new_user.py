"""Whether an address is free for a new user, before anybody types a password for it."""

from __future__ import annotations

from gateway.accounts.database import AccountDatabase, AccountError
from gateway.accounts.names import read_address


def check_new_user(accounts: AccountDatabase, text: str) -> str:
    """Return the canonical address for a new user.

    @raise AccountError: the accounts would refuse it.
    """
    name = read_address(text)
    if not accounts.has_domain(name.domain):
        raise AccountError(
            f"the domain {name.domain} is not served here: add it with "
            f"'pop3gw domain add {name.domain}'"
        )
    if accounts.find_user(name.local_part, name.domain) is not None:
        raise AccountError(f"there is a user {name.canonical} already")
    if accounts.find_alias(name.local_part, name.domain) is not None:
        raise AccountError(
            f"{name.canonical} is an alias: remove it first with "
            f"'pop3gw alias remove {name.canonical}'"
        )
    return name.canonical
