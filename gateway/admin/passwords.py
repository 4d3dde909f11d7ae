"""Where a password comes from: typed twice at a terminal, or one line of standard input."""

from __future__ import annotations

import sys

import click

from gateway.admin.refusals import Refused, say

password_stdin_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input, spaces included.",
)

_WARNING = (
    "warning: the password of {address} is kept in clear in the data folder, as APOP and CRAM-MD5 "
    "need it. Whoever reads that folder, or a backup of it, can log in as {address}. "
    "Leave out --apop unless a mail program has no other way."
)


def read_password(from_stdin: bool) -> str:
    """Return the password for an account.

    @param from_stdin: whether it is to be read from standard input.
    """
    if from_stdin:
        return _checked(_read_line())
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask for the password: add --password-stdin and give it "
            "on standard input"
        )
    password: str = click.prompt("Password", hide_input=True, err=True, confirmation_prompt=True)
    return _checked(password)


def warn_of_secret(address: str) -> None:
    """Say what it means that an account keeps its password in clear."""
    say(_WARNING.format(address=address))


def obstacle(password: str) -> str | None:
    """Return why a text cannot be a password, None where it can."""
    if not password:
        return "the password is empty"
    if password.endswith("\r"):
        return "the password ends in a carriage return: save the file with Unix line ends"
    if any(character in password for character in "\0\r\n"):
        return "a password cannot hold a line break or a NUL, as no mail program could send it"
    return None


def _read_line() -> str:
    line = sys.stdin.buffer.readline()
    if not line:
        raise Refused("there was no password on standard input")
    try:
        return line.removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        raise Refused("the password is not in UTF-8: give it in that encoding") from None


def _checked(password: str) -> str:
    reason = obstacle(password)
    if reason is not None:
        raise Refused(reason)
    return password
