"""Mailboxes and paths of SMTP (RFC 5321 section 4.1.2), with UTF-8 as RFC 6531 allows it.

Every pattern here is possessive or has no nested repetition: any input takes linear time.

Two deliberate liberties: an underscore is allowed in a domain, as real hosts have it, and the
limit on a local part may be raised, since the limits of RFC 5321 section 4.5.3.1 are what must be
accepted at least.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

LOCAL_PART_LIMIT = 64
"""Octets of a local part as it is written, quotes included (RFC 5321 section 4.5.3.1.1)."""
DOMAIN_LIMIT = 255
"""Octets of a domain or address literal (RFC 5321 section 4.5.3.1.2)."""
PATH_LIMIT = 256
"""Octets of a path with its angle brackets and source route (RFC 5321 section 4.5.3.1.3)."""
_LABEL_LIMIT = 63

_ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]"
_DOT_STRING = re.compile(rf"{_ATEXT}++(?:\.{_ATEXT}++)*+")
_QUOTED_STRING = re.compile(r'"((?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*+)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9._-]+")
_TAGGED = re.compile(r"\[(?!IPv6:)[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+\]", re.IGNORECASE)
_PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*+"|\[[^\]]*+\]|[^"\[>])*+)>')
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line separators and surrogates: never part of an address."""


class InvalidAddress(ValueError):
    """What was given is not an address; the text says what is wrong, in words for a person."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox as it was written. Two are the same where their `canonical` is equal."""

    local_part: str
    """Without quotes and backslashes."""
    domain: str
    """As it was written; "" for the `postmaster` that needs none (RFC 5321 section 4.5.1)."""

    def __str__(self) -> str:
        """Return the mailbox as SMTP writes it; `parse_mailbox` gives the same address again."""
        local = _quoted(self.local_part)
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def canonical(self) -> str:
        """The mailbox in lower case, its domain in A-labels: the same for all ways to write it.

        Non-ASCII domains are encoded as IDNA 2003 says, which is what the standard library has:
        "straße.de" becomes "strasse.de", not "xn--strae-oqa.de" as IDNA 2008 would have it.

        @raise InvalidAddress: the domain cannot be encoded. Never for a parsed address.
        """
        local = _quoted(unicodedata.normalize("NFC", self.local_part.lower()))
        return f"{local}@{canonical_domain(self.domain)}" if self.domain else local


@lru_cache(maxsize=2048)
def parse_mailbox(text: str, *, local_part_limit: int = LOCAL_PART_LIMIT) -> Address:
    """Parse `local-part@domain`, `local-part@[literal]` or a bare `postmaster`.

    The last ones are remembered, as the same few come again and again.

    @param local_part_limit: octets of the longest local part that is accepted.
    @raise InvalidAddress: it is nothing of this.
    """
    if _INVISIBLE.search(text):
        raise InvalidAddress("the address contains a control character")
    if text.lower() == "postmaster":
        return Address(text, "")
    local, end = _local_part(text)
    if _octets(text[:end]) > local_part_limit:
        raise InvalidAddress(
            f"the part of the address before the @ is longer than {local_part_limit} octets"
        )
    if text[end : end + 1] != "@":
        raise InvalidAddress(_without_at(text, end))
    domain = text[end + 1 :]
    check_domain(domain)
    return Address(local, domain)


def parse_path(
    text: str, *, local_part_limit: int = LOCAL_PART_LIMIT
) -> tuple[Address | None, str]:
    """Parse a path in angle brackets at the beginning of `text`.

    A source route is checked and ignored (RFC 5321 appendix C).

    @return: the address, None for the null path `<>`; and the text that follows the path.
    @raise InvalidAddress: `text` does not begin with a path.
    """
    found = _PATH.match(text)
    if found is None:
        raise InvalidAddress("the address must stand between < and >, as in <name@example.com>")
    if _octets(found[0]) > PATH_LIMIT:
        raise InvalidAddress(f"the address is longer than {PATH_LIMIT} octets")
    content, rest = found[1], text[found.end() :]
    if not content:
        return None, rest
    if content.startswith("@"):
        content = _without_route(content)
    return parse_mailbox(content, local_part_limit=local_part_limit), rest


def check_domain(domain: str) -> None:
    """Check a domain or an address literal.

    @raise InvalidAddress: it is neither.
    """
    if not domain:
        raise InvalidAddress("the address has no domain after the @")
    if _octets(domain) > DOMAIN_LIMIT:
        raise InvalidAddress(f"the domain is longer than {DOMAIN_LIMIT} octets")
    if domain.startswith("["):
        if literal_ip(domain) is None and not _TAGGED.fullmatch(domain):
            raise InvalidAddress(
                "the address literal must be like [192.0.2.1] or [IPv6:2001:db8::1]"
            )
    else:
        canonical_domain(domain)  # raises where there is nothing to return


def canonical_domain(domain: str) -> str:
    """Return a domain in lower case and A-labels, or an address literal in its shortest form.

    @raise InvalidAddress: the domain is not valid.
    """
    if domain.startswith("["):
        address = literal_ip(domain)
        if address is None:
            return domain.lower()
        return f"[ipv6:{address}]" if ":" in address else f"[{address}]"
    encoded = domain if domain.isascii() else _a_labels(domain)
    if not _ASCII_DOMAIN.fullmatch(encoded):
        raise InvalidAddress("the domain contains a character that is not allowed in one")
    for label in encoded.split("."):
        if not _LABEL.fullmatch(label):
            raise InvalidAddress(
                "each part of the domain must begin and end with a letter or digit"
                if label
                else "the domain has an empty part: a dot at its beginning, end, or before another"
            )
        if len(label) > _LABEL_LIMIT:
            raise InvalidAddress(f"a part of the domain is longer than {_LABEL_LIMIT} octets")
    return encoded.lower()


def literal_ip(domain: str) -> str | None:
    """Return the IP address of an address literal (RFC 5321 section 4.1.3) in its usual form.

    @return: "192.0.2.1" for "[192.0.2.1]", "::1" for "[IPv6:::1]"; None for anything else.
    """
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    content = domain[1:-1]
    try:
        if content[:5].lower() != "ipv6:":
            return str(IPv4Address(content))
        return None if "%" in content else str(IPv6Address(content[5:]))
    except ValueError:
        return None


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _local_part(text: str) -> tuple[str, int]:
    """Return the unquoted local part at the beginning of `text`, and where it ends."""
    if text.startswith('"'):
        found = _QUOTED_STRING.match(text)
        if found is None:
            raise InvalidAddress("the quoted part of the address is not ended by a quote")
        return _QUOTED_PAIR.sub(r"\1", found[1]), found.end()
    found = _DOT_STRING.match(text)
    if found is None:
        raise InvalidAddress(
            "the address must begin with a name, as in name@example.com"
            if text[:1] in ("", "@")
            else f"the address must not begin with {text[:1]!r}"
        )
    return found[0], found.end()


def _without_at(text: str, end: int) -> str:
    """Say why no @ follows the local part that ends at `end`."""
    if end == len(text):
        return "the address has no @ and domain: write it as name@example.com"
    if text[end] == ".":
        return "a dot in the address must stand between other characters, or the name in quotes"
    return f"{text[end]!r} is not allowed in the address before the @ unless the name is in quotes"


def _without_route(content: str) -> str:
    route, colon, mailbox = content.partition(":")
    if not colon:
        raise InvalidAddress("the source route has no colon after it")
    for hop in route.split(","):
        if not hop.startswith("@") or hop.startswith("@["):
            raise InvalidAddress("the source route must be like @one.example,@two.example:")
        check_domain(hop[1:])
    return mailbox


def _a_labels(domain: str) -> str:
    # What the codec gives is checked again: it maps characters, a full-width @ to "@" for one.
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidAddress("the domain is not a valid internationalized name") from error


def _quoted(local_part: str) -> str:
    if _DOT_STRING.fullmatch(local_part):
        return local_part
    escaped = local_part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
