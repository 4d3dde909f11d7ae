"""The file of `pop3gw user add --from`: its lines read, checked and hashed."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gateway.accounts.database import AccountDatabase
from gateway.accounts.errors import AccountError
from gateway.accounts.foreign_hashes import split_scheme
from gateway.accounts.schemes import (
    DEFAULT_PARAMETERS,
    Argon2Parameters,
    check_scheme,
    hash_password,
)
from gateway.accounts.scram import DEFAULT_ITERATIONS, make_verifiers
from gateway.admin.new_user import check_new_user
from gateway.admin.passwords import obstacle
from gateway.admin.refusals import Refused


@dataclass(frozen=True, slots=True)
class Line:
    """One user to add."""

    number: int
    """1 for the first line of the file."""
    address: str
    password: str
    """In clear, or its hash."""
    hashed: bool


class _Wrong(Exception):
    """What is wrong with one line."""


def read_lines(path: Path) -> list[Line]:
    """Read a file of users: "address,password" or "address,{SCHEME}hash", quoted as in CSV.

    Blank lines, and lines that begin with #, are left out. A hash may hold commas; a password that
    does is quoted.

    @raise Refused: the file cannot be read, or lines of it are wrong; names them all.
    """
    lines: list[Line] = []
    wrong: list[str] = []
    for number, octets in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            text = octets.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\r")
            if text.strip() and not text.lstrip().startswith("#"):
                lines.append(_read_line(number, text))
        except UnicodeDecodeError:
            wrong.append(f"{path}, line {number}: is not UTF-8; save the file in that encoding")
        except (AccountError, _Wrong) as error:
            wrong.append(f"{path}, line {number}: {error}")
    _refuse(wrong)
    return lines


def _read_line(number: int, text: str) -> Line:
    try:
        address, *values = next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise _Wrong(f"is not CSV: {error}; write address,password") from None
    if not values:
        raise _Wrong("has no password; write address,password")
    password = ",".join(values)
    scheme, body = split_scheme(password)
    if len(values) > 1 and not scheme:
        raise _Wrong('has more than two columns; put a password with a comma in quotes: "..."')
    if scheme == "PLAIN":
        scheme, password = "", body
    reason = obstacle(password)
    if reason is not None:
        raise _Wrong(reason)
    if scheme:
        check_scheme(password)
    return Line(number, address, password, hashed=bool(scheme))


def check_lines(path: Path, lines: list[Line], accounts: AccountDatabase) -> None:
    """Refuse lines that the accounts would not take.

    @raise Refused: names them all.
    """
    first: dict[str, int] = {}
    wrong: list[str] = []
    for line in lines:
        try:
            name = check_new_user(accounts, line.address)
            if first.setdefault(name, line.number) != line.number:
                raise _Wrong(f"line {first[name]} has {name} already")
        except (AccountError, _Wrong) as error:
            wrong.append(f"{path}, line {line.number}: {error}")
    _refuse(wrong)


def hash_lines(
    lines: list[Line],
    progress: Callable[[], object],
    argon2: Argon2Parameters = DEFAULT_PARAMETERS,
    iterations: int = DEFAULT_ITERATIONS,
) -> Iterator[tuple[str, str, str | None]]:
    """Yield (address, hash, SCRAM verifiers) of each line, several at a time made in threads.

    @param progress: called after each.
    @param argon2: what a hash costs.
    @param iterations: of the SCRAM verifiers.
    """

    def make(line: Line) -> tuple[str, str | None]:
        if line.hashed:
            return line.password, None
        return hash_password(line.password, argon2), make_verifiers(line.password, iterations)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            for line, made in zip(lines, threads.map(make, lines), strict=True):
                progress()
                yield line.address, *made
        finally:
            threads.shutdown(cancel_futures=True)


def _refuse(wrong: list[str]) -> None:
    if wrong:
        wrong.append("nothing was added")
        raise Refused("\n".join(wrong))
