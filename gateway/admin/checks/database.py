"""Are the accounts readable and whole?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.accounts.database import AccountDatabase, AccountError
from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder
from gateway.admin.output import counted
from gateway.files import acting_as


def check(folder: Folder) -> Iterator[Finding]:
    """Look at the accounts, where there are any."""
    file = folder.data.accounts_file
    if not file.exists():
        yield Finding("accounts", "none yet; next: pop3gw domain add DOMAIN")
        return
    with acting_as(folder.data.owner()):
        yield _accounts(file)


def _accounts(file: Path) -> Finding:
    try:
        damage = _damage(file)
        if damage is not None:
            return Finding("accounts", f"{file} is damaged: {damage}", "restore it from a backup")
        with closing(AccountDatabase(file)) as accounts:
            domains, users = len(accounts.domains()), len(accounts.users())
            aliases = len(accounts.aliases())
    except AccountError as error:
        return Finding("accounts", str(error), "see above, or restore it from a backup")
    except sqlite3.Error as error:
        return Finding("accounts", f"cannot use {file}: {error}", "restore it from a backup")
    return Finding(
        "accounts",
        f"{counted(domains, 'domain')}, {counted(users, 'user')}, {counted(aliases, 'alias')}",
    )


def _damage(file: Path) -> str | None:
    with closing(sqlite3.connect(file)) as connection:
        found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if found == "ok" else found.replace("\n", " ")
