"""Ends the live sessions of a user, in every gateway that runs on the folder."""

from __future__ import annotations

from gateway.admin.folder import Folder
from gateway.admin.refusals import say


def end_sessions(folder: Folder, address: str) -> None:
    """End a user's sessions, without the UPDATE of RFC 1939 section 6. Tells what cannot be done.

    @param address: in canonical form.
    """
    for answer in folder.ask_gateways({"do": "kick", "user": address}):
        failure = answer.failure or answer.values.get("error")
        if failure:
            say(
                f"warning: the gateway process {answer.pid} did not end the sessions of "
                f"{address} ({failure}); they end when it is restarted"
            )
