"""A dump of the SQL table that holds the users of a mail server.

Read are the dumps of mysqldump (MySQL, MariaDB), pg_dump (COPY, or --inserts) and of SQLite's
.dump. Of the columns, those are taken that mail servers commonly have: Postfixadmin's
mailbox(username, password), virtual_users(email, password), Courier's users(id, crypt), ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.old_users import OldUser
from gateway.imports.sql_values import Values

LOGIN = ("username", "email", "user", "address", "login", "userid", "id")
PASSWORD = ("password", "crypt", "password_hash", "passwd", "hash", "pw")
_HOME = ("home", "homedir")
_DOMAIN = ("domain",)
_ACTIVE = ("active", "enabled")
_NO = frozenset({"0", "f", "false", "n", "no"})

_NAME = r"[`\"\[]?(?:[\w]+[`\"\]]?\.[`\"\[]?)?([\w]+)[`\"\]]?"
_STATEMENT = re.compile(
    rf"^(?:CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\("
    rf"|INSERT\s+INTO\s+{_NAME}\s*(\([^()]*\))?\s*VALUES\s*"
    rf"|COPY\s+{_NAME}\s*\(([^()]*)\)\s+FROM\s+stdin;\n)",
    re.IGNORECASE | re.MULTILINE,
)
_COLUMN = re.compile(r"\s*[`\"\[]?([\w]+)[`\"\]]?\s+[a-z]", re.IGNORECASE)
_NO_COLUMNS = ("primary", "unique", "key", "constraint", "index", "foreign", "check", "fulltext")
_PG_ESCAPE = re.compile(r"\\(.)")
_PG_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(slots=True)
class _Table:
    name: str
    columns: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    """The line of each, and its values."""


def is_dump(text: str) -> bool:
    """Say whether a text looks like a dump and not like a passwd-file."""
    return _STATEMENT.search(text) is not None


def parse(text: str, table: str | None = None) -> list[OldUser]:
    """Read the users of a dump.

    @param table: the name of the table that holds them; None finds it.
    @raise DamagedLine: a row cannot be read.
    @raise SourceError: there is no such table, or there are several.
    """
    found = _choose(_tables(text), table)
    columns = found.columns
    login, password = _position(columns, LOGIN), _position(columns, PASSWORD)
    domain, home = _position(columns, _DOMAIN), _position(columns, _HOME)
    active = _position(columns, _ACTIVE)
    users: list[OldUser] = []
    for line, row in found.rows:
        if len(row) != len(columns):
            raise DamagedLine(
                line, f"a row of {found.name} has {len(row)} values for {len(columns)} columns"
            )
        name = row[login]
        if "@" not in name and domain >= 0 and row[domain]:
            name = f"{name}@{row[domain]}"
        enabled = active < 0 or row[active].lower() not in _NO
        users.append(
            OldUser(line, name, row[password], row[home] if home >= 0 else "", enabled=enabled)
        )
    return users


def _choose(tables: Sequence[_Table], name: str | None) -> _Table:
    if name is not None:
        tables = [table for table in tables if table.name == name]
    fit = [
        table
        for table in tables
        if table.rows
        and _position(table.columns, LOGIN) >= 0
        and _position(table.columns, PASSWORD) >= 0
    ]
    if len(fit) == 1:
        return fit[0]
    if fit:
        names = ", ".join(table.name for table in fit)
        raise SourceError(f"several tables may hold the users: name one of {names} with --table")
    raise SourceError(
        "no table with rows has a column for the user "
        f"({', '.join(LOGIN)}) and one for the password ({', '.join(PASSWORD)}): make a file of "
        "lines 'user:password' from it"
    )


def _position(columns: Sequence[str], names: Sequence[str]) -> int:
    return next((columns.index(name) for name in names if name in columns), -1)


def _tables(text: str) -> list[_Table]:
    tables: dict[str, _Table] = {}
    values = Values("`" in text or "MySQL dump" in text or "MariaDB dump" in text)
    at = 0
    while (match := _STATEMENT.search(text, at)) is not None:
        created, inserted, listed, copied, copied_columns = match.groups()
        name = created or inserted or copied
        table = tables.setdefault(name, _Table(name))
        at = match.end()
        if created:
            table.columns = list(_created_columns(text, at))
        elif inserted:
            if listed:
                table.columns = _names(listed[1:-1])
            at = _read_inserted(text, at, table, values)
        else:
            table.columns = _names(copied_columns)
            at = _read_copied(text, at, table)
    return list(tables.values())


def _names(listed: str) -> list[str]:
    return [name.strip(' `"[]\n').lower() for name in listed.split(",")]


def _created_columns(text: str, at: int) -> Iterator[str]:
    """Yield the names of the columns of a CREATE TABLE, from behind its parenthesis on."""
    depth = 0
    start = at
    for match in re.compile(r"'(?:[^']|'')*'|[(),]").finditer(text, at):
        sign = match[0]
        depth += (sign == "(") - (sign == ")")
        if depth < 0 or (sign == "," and depth == 0):
            column = _COLUMN.match(text[start : match.start()])
            if column is not None and column[1].lower() not in _NO_COLUMNS:
                yield column[1].lower()
            start = match.end()
        if depth < 0:
            return


def _read_inserted(text: str, at: int, table: _Table, values: Values) -> int:
    """Read the rows of an INSERT; return where it ends."""
    line = text.count("\n", 0, at) + 1
    while True:
        opening = re.compile(r"\s*\(").match(text, at)
        line += text.count("\n", at, at if opening is None else opening.end())
        row = None if opening is None else values.row(text, opening.end())
        if opening is None or row is None:
            raise DamagedLine(line, f"a row of {table.name} is not whole: make the dump again")
        table.rows.append((line, row[0]))
        line += text.count("\n", opening.end(), row[1])
        at = row[1]
        after = re.compile(r"\s*,").match(text, at)
        if after is None:
            return at
        at = after.end()


def _read_copied(text: str, at: int, table: _Table) -> int:
    """Read the rows of a COPY; return where it ends."""
    end = text.find("\n\\.", at - 1)
    line = text.count("\n", 0, at) + 1
    if end < 0:
        raise DamagedLine(line, f"the rows of {table.name} do not end with '\\.': dump it again")
    for number, row in enumerate(text[at:end].split("\n") if end >= at else (), line):
        table.rows.append((number, [_pg_plain(value) for value in row.split("\t")]))
    return end


def _pg_plain(value: str) -> str:
    if value == "\\N":
        return ""
    return _PG_ESCAPE.sub(lambda match: _PG_ESCAPES.get(match[1], match[1]), value)
