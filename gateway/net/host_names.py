"""Names and addresses of machines, as certificates have them."""

from __future__ import annotations

import re
from ipaddress import ip_address

_DNS_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


def is_host_name(name: str) -> bool:
    """Say whether a certificate can be for `name`: a DNS name in lower case, or an IP address."""
    return is_address(name) or _DNS_NAME.fullmatch(name) is not None


def is_address(name: str) -> bool:
    """Say whether `name` is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
