"""The lines that a gateway puts before a message it takes responsibility for (RFC 5321 4.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from ipaddress import ip_address

from gateway.delivery.interfaces import Envelope

_NOT_OF_A_NAME = re.compile(r"[^\w.:\[\]-]")


def own_mark(hostname: str) -> str:
    """Return what every Received field of the gateway called `hostname` contains."""
    return f"by {hostname} (pop3gw) with"


def trace_headers(envelope: Envelope, hostname: str, sole: tuple[str, str] | None) -> bytes:
    """Return Return-Path, Delivered-To and Received for one message.

    @param sole: recipient and mailbox, where the transaction has a single recipient that means a
        single mailbox. None where there are several: then none of them is named, so that a copy
        betrays nobody (RFC 5321 section 7.2).
    """
    lines = [f"Return-Path: <{envelope.sender}>"]
    if sole is not None:
        lines.append(f"Delivered-To: {sole[1]}")
    lines.append(f"Received: from {_peer(envelope)}")
    tls = envelope.client.tls
    if tls is not None:
        lines.append(f"\t(using {tls.version} with cipher {tls.cipher})")
    lines.append(f"\t{own_mark(hostname)} {envelope.protocol} id {envelope.id}")
    if sole is not None:
        lines.append(f"\tfor <{sole[0]}>")
    lines[-1] += ";"
    lines.append("\t" + _date(int(envelope.received_at)))
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


@lru_cache(maxsize=16)
def _date(second: int) -> str:
    # Many messages come within one second, and formatting costs as much as all the rest here.
    return format_datetime(datetime.fromtimestamp(second, UTC))


def _peer(envelope: Envelope) -> str:
    """Extended-Domain of RFC 5321 section 4.4: what the client says, and where it came from."""
    said = _NOT_OF_A_NAME.sub("?", envelope.helo) or "unknown"
    return f"{said} ({_address_literal(envelope.client.host)})"


@lru_cache(maxsize=1024)
def _address_literal(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return "local"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
