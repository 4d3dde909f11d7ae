"""The one spelling under which an address or a domain is kept."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from gateway.accounts.errors import AccountError
from gateway.wire.addresses import InvalidAddress, parse_mailbox
from gateway.wire.addresses import canonical_domain as encode_domain


@dataclass(frozen=True, slots=True)
class AccountName:
    """The name of a user or an alias, all of it in canonical form."""

    canonical: str
    """In lower case; it names the mailbox. "@example.org" is the catch-all of that domain."""
    local_part: str
    """Without quotes; "" for a catch-all."""
    domain: str
    """In A-labels (RFC 5890)."""


def read_address(text: str) -> AccountName:
    """Read an address that somebody typed; its domain may be in Unicode.

    @raise AccountError: it is none.
    """
    try:
        address = parse_mailbox(text.strip())
        if not address.domain:
            raise InvalidAddress("it has no @ and domain")
        if address.domain.startswith("["):
            raise InvalidAddress("it has an IP address in place of a domain")
        domain = encode_domain(address.domain)
    except InvalidAddress as error:
        raise AccountError(
            f"{text!r} is not an address for an account: {error}; write it as name@example.org"
        ) from None
    local_part = unicodedata.normalize("NFC", address.local_part.lower())
    return AccountName(address.canonical, local_part, domain)


def canonical_domain(text: str) -> str:
    """Return a domain that somebody typed in canonical form.

    @raise AccountError: it is none.
    """
    try:
        domain = encode_domain(text.strip())
        if domain.startswith("["):
            raise InvalidAddress("it is an IP address, and those of this machine need no adding")
    except InvalidAddress as error:
        raise AccountError(f"{text!r} is not a domain: {error}; write it as example.org") from None
    return domain


def read_alias(text: str) -> AccountName:
    """Read the address of an alias, which may be a catch-all.

    @raise AccountError: it is neither.
    """
    if text.strip().startswith("@"):
        domain = canonical_domain(text.strip()[1:])
        return AccountName(f"@{domain}", "", domain)
    return read_address(text)


def read_target(text: str, alias: AccountName) -> AccountName:
    """Read the address of a target of `alias`.

    @raise AccountError: it is none.
    """
    if text.strip().startswith("@"):
        raise AccountError(
            f"the alias {alias.canonical} cannot lead to {text.strip()}: "
            "name the addresses one by one"
        )
    return read_address(text)
