"""An import from its first look at the old server to the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import click

from gateway.accounts.names import read_address
from gateway.admin.folder import Folder
from gateway.admin.import_accounts import Account, add_accounts, read_accounts
from gateway.admin.import_options import Choice
from gateway.admin.import_report import show_report
from gateway.admin.import_sources import Mover, Source
from gateway.admin.progress import progress_bar
from gateway.admin.refusals import Refused, explained
from gateway.admin.uncollected import uncollected
from gateway.config_errors import one_line
from gateway.imports.errors import SourceError
from gateway.imports.importer import Importer
from gateway.imports.journal import Journal
from gateway.imports.outcome import Outcome
from gateway.imports.target import Target
from gateway.store.interfaces import MaildropInUse, StoreError


@dataclass(frozen=True, slots=True)
class Move:
    """One mailbox to import."""

    user: Mover
    source: Source


def run_import(
    folder: Folder, choice: Choice, template: str | None, open_source: Callable[[Mover], Source]
) -> None:
    """Import the mail, then the accounts, of those who were chosen.

    Everything is looked at before anything is stored. Accounts come last, so that no mail program
    logs in to a mailbox that is not filled yet, and forgets what it has fetched.

    @param template: SOURCE, where it names folders.
    @param open_source: gives the `Source` of a user.
    """
    users, accounts = _choose(folder, choice)
    if template is not None and len(users) > 1 and "%" not in template:
        raise click.UsageError(
            f"{template} is one mailbox, and there are {len(users)} users: name all their "
            "mailboxes at once, as in /var/vmail/%d/%n"
        )
    moves = [Move(user, open_source(user)) for user in users]
    with uncollected():
        total = _look(moves)
        with progress_bar("importing", total) as advance:
            outcomes = _import(folder, moves, advance, choice)
    failed = {outcome.mailbox for outcome in outcomes if not outcome.is_whole}
    add_accounts(
        folder.accounts,
        [account for account in accounts if account.address not in failed],
        dry_run=choice.dry_run,
        quiet=choice.as_json or choice.users is None,
    )
    show_report(outcomes, dry_run=choice.dry_run, as_json=choice.as_json)
    if failed:
        raise Refused(
            f"not imported whole: {', '.join(sorted(failed))}; see above, then run the same "
            "command again"
        )


def _choose(folder: Folder, choice: Choice) -> tuple[list[Mover], list[Account]]:
    """Return whose mail is imported, and those of them that the file of users names."""
    accounts: list[Account] = []
    if choice.users is not None:
        accounts = read_accounts(folder.accounts, choice.users, choice.domain, choice.table)
    if choice.address is None:
        return [Mover(a.address, a.old.login, a.old.home) for a in accounts], accounts
    address = read_address(choice.address).canonical
    chosen = [account for account in accounts if account.address == address]
    if chosen:
        return [Mover(address, chosen[0].old.login, chosen[0].old.home)], chosen
    if choice.users is not None:
        raise Refused(f"{choice.users} has no user {address}")
    if folder.accounts.user(address) is None:
        raise Refused(
            f"there is no user {address}: add it with 'pop3gw user add {address}', or bring the "
            "old password along with --users FILE"
        )
    return [Mover(address, address)], []


def _look(moves: Sequence[Move]) -> int:
    """Look at all mailboxes before the first is imported; return how many messages there are.

    @raise Refused: one cannot be read; names them all.
    """
    wrong: list[str] = []
    total = 0
    if moves and not any(move.source.exists for move in moves):
        raise Refused(f"there is no folder {moves[0].source.where}; nothing was imported")
    for move in moves:
        if not move.source.exists:
            continue
        try:
            # Of many, all messages would be too many to keep.
            with move.source.opened(keep=len(moves) == 1) as messages:
                total += len(messages)
        except SourceError as error:
            wrong.append(str(error))
    if wrong:
        raise Refused("\n".join([*wrong, "nothing was imported"]))
    return total


def _import(
    folder: Folder, moves: Sequence[Move], advance: Callable[[], object], choice: Choice
) -> list[Outcome]:
    outcomes = []
    try:
        target = Target(folder.store_kind, folder.data.path, folder.data.owner())
    except StoreError as error:
        raise Refused(one_line(str(error))) from None
    try:
        for move in moves:
            outcome = Outcome(move.user.address, move.source.where)
            outcomes.append(outcome)
            try:
                if move.source.exists:
                    _import_one(folder, target, move, outcome, advance, choice)
            except MaildropInUse as error:
                outcome.failure = _in_use(error)
            except (SourceError, StoreError) as error:
                outcome.failure = one_line(str(error))
            except OSError as error:
                outcome.failure = explained(error)
    finally:
        target.close()
    return outcomes


def _import_one(
    folder: Folder,
    target: Target,
    move: Move,
    outcome: Outcome,
    advance: Callable[[], object],
    choice: Choice,
) -> None:
    mailbox = move.user.address
    journal = Journal(folder.data.imports, mailbox, folder.data.owner())
    with ExitStack() as held:
        messages = held.enter_context(move.source.opened())
        box = None
        if not choice.dry_run:
            held.enter_context(journal.writing())
        if not choice.dry_run or folder.mail.usage(mailbox).messages:
            box = held.enter_context(target.mailbox(mailbox))
        importer = Importer(
            box, journal, outcome, advance, dry_run=choice.dry_run, again=choice.again
        )
        importer.run(messages)


def _in_use(error: MaildropInUse) -> str:
    return f"{error}: a mail program reads it now; end its session"
