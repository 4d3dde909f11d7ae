"""Does a gateway run on the folder, and what does it hold?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder


@dataclass(frozen=True, slots=True)
class Held:
    """What this folder's own gateways hold."""

    pids: frozenset[int]
    addresses: frozenset[str]
    """Of their listeners, as in "127.0.0.1:110" or "unix:/run/pop3gw/lmtp"."""


def check(folder: Folder) -> Iterator[Finding]:
    """Say which gateways run."""
    answers = folder.ask_gateways({"do": "ping"})
    if not answers:
        yield Finding("gateway", "does not run now")
    for answer in answers:
        if answer.failure:
            yield Finding(
                "gateway",
                f"the process {answer.pid} does not answer: {answer.failure}",
                "look into its log, and restart it",
            )
        else:
            supervisor = answer.values.get("supervisor")
            what = f", a worker of process {supervisor}" if supervisor else ""
            yield Finding("gateway", f"runs, process {answer.pid}{what}")


def held_by_gateways(folder: Folder) -> Held:
    """Ask the gateways of this folder what they hold."""
    answers = folder.ask_gateways({"do": "listeners"})
    rows = [row for answer in answers for row in answer.values.get("listeners", ())]
    pids = {answer.pid for answer in answers}
    pids |= {pid for answer in answers if (pid := answer.values.get("supervisor"))}
    return Held(frozenset(pids), frozenset(row["address"] for row in rows))
