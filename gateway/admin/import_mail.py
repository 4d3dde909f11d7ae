"""`pop3gw import`: mailboxes and accounts of another server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.import_options import Choice, mailbox_options, users_options
from gateway.imports.messages import SourceMessage


@click.group()
def command() -> None:
    """Take over the mailboxes and the accounts of another server.

    Messages keep the unique-ids that mail programs know them by, so that none is fetched a second
    time. --dry-run says what each user will see, and changes nothing. The same command again goes
    on where the last one ended; nothing is imported twice.

    Example: pop3gw import dovecot /var/vmail/example.org/anna anna@example.org --dry-run
    """


@command.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "--uidl-format",
    metavar="FORMAT",
    default="%08Xu%08Xv",
    help="Dovecot's setting, as 'doveconf pop3_uidl_format' shows it. Default: %08Xu%08Xv.",
)
@click.option(
    "--control",
    metavar="DIR",
    help="The folder with dovecot-uidlist, where it is not SOURCE (CONTROL= in mail_location).",
)
@mailbox_options
@pass_folder
def dovecot(
    folder: Folder, source: str, uidl_format: str, control: str | None, choice: Choice
) -> None:
    """Import Maildirs of Dovecot's: SOURCE is the folder with new/, cur/ and dovecot-uidlist.

    For many users, named by --users, SOURCE has Dovecot's variables: %u is the login, %n and %d
    its parts before and after the @, %h the home folder.

    Example: pop3gw import dovecot /var/vmail/%d/%n --users /etc/dovecot/users --dry-run
    """
    from gateway.admin.import_run import run_import
    from gateway.admin.import_sources import FolderSource
    from gateway.imports.dovecot import read_mailbox
    from gateway.imports.uidl_format import FormatError, UidlFormat

    try:
        format = UidlFormat(uidl_format)
    except FormatError as error:
        raise click.BadParameter(str(error), param_hint="--uidl-format") from None

    def read(maildir: Path, beside: Path | None) -> list[SourceMessage]:
        return read_mailbox(maildir, format, beside)

    run_import(
        folder,
        choice,
        source,
        lambda user: FolderSource(
            user.path(source), read, None if control is None else user.path(control)
        ),
    )


@command.command()
@click.argument("source", metavar="SOURCE")
@mailbox_options
@pass_folder
def courier(folder: Folder, source: str, choice: Choice) -> None:
    """Import Maildirs of Courier's: SOURCE is the folder with courierpop3dsizelist.

    For many users, named by --users, SOURCE has the variables %u (the login), %n and %d (its parts
    before and after the @) and %h (the home folder).

    Example: pop3gw import courier /home/anna/Maildir anna@example.org --dry-run
    """
    from gateway.imports.courier import read_mailbox

    _import_folders(folder, choice, source, read_mailbox)


@command.command()
@click.argument("source", metavar="SOURCE")
@mailbox_options
@pass_folder
def maildir(folder: Folder, source: str, choice: Choice) -> None:
    """Import Maildirs of any server: the name of a file becomes the unique-id of its message.

    That is what qmail's POP3 server shows. Those of Dovecot and Courier have their own commands.

    Example: pop3gw import maildir /home/anna/Maildir anna@example.org --dry-run
    """
    from gateway.imports.maildir import read_mailbox

    _import_folders(folder, choice, source, read_mailbox)


def _import_folders(
    folder: Folder, choice: Choice, source: str, read: Callable[[Path], list[SourceMessage]]
) -> None:
    from gateway.admin.import_run import run_import
    from gateway.admin.import_sources import FolderSource

    run_import(
        folder,
        choice,
        source,
        lambda user: FolderSource(user.path(source), lambda maildir, _: read(maildir)),
    )


@command.command()
@click.argument("source", metavar="HOST[:PORT]")
@click.option("--login", metavar="NAME", default="%u", help="The user name there. Default: %u.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password there from the first line of standard input.",
)
@click.option(
    "--tls",
    type=click.Choice(["pop3s", "stls", "none"]),
    default="pop3s",
    help="What protects the connection. Default: pop3s (port 995); else port 110.",
)
@click.option(
    "--ca", metavar="FILE", help="Trust the authority in this file, in place of the system's."
)
@mailbox_options
@pass_folder
def pop3(
    folder: Folder,
    source: str,
    login: str,
    password_stdin: bool,
    tls: str,
    ca: str | None,
    choice: Choice,
) -> None:
    """Import from any server that speaks POP3: Cyrus, Exchange, a provider's.

    Messages and unique-ids are fetched as a mail program does it; nothing is deleted there. Asks
    for the password there. For many users at once, name a master user: --login '%u*admin'.

    Example: pop3gw import pop3 mail.example.org anna@example.org --dry-run
    """
    from gateway.admin.import_run import run_import
    from gateway.admin.import_sources import ServerSource, read_old_password, read_server

    server = read_server(source, tls, ca)
    password = read_old_password(password_stdin)
    run_import(
        folder, choice, None, lambda user: ServerSource(server, user.expand(login), password)
    )


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@users_options
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@pass_folder
def accounts(
    folder: Folder, file: Path, domain: str | None, table: str | None, dry_run: bool
) -> None:
    """Import accounts alone: from Dovecot's passwd-file, or from the dump of an SQL table.

    Passwords keep working: a hash is used until the next login, then replaced by one of ours.
    Whoever has an account here already keeps its password.

    Example: pop3gw import accounts /etc/dovecot/users --dry-run
    """
    from gateway.admin.import_accounts import add_accounts, read_accounts

    users = read_accounts(folder.accounts, file, domain, table)
    add_accounts(folder.accounts, users, dry_run=dry_run)
