"""Dovecot's passwd-file: one user a line, "user:password:uid:gid:gecos:home:shell:extra fields".

All after the password may be left out. A password is "{SCHEME}HASH"; without a scheme it is what
crypt(3) makes. Of the extra fields, "nologin" and "nopassword" count here.
"""

from __future__ import annotations

from gateway.imports.errors import DamagedLine
from gateway.imports.old_users import OldUser

_HOME = 5
_EXTRA = 7
_LOCKED = ("!", "*")


def parse(text: str) -> list[OldUser]:
    """Read the file. Blank lines, and those that begin with #, are left out.

    @raise DamagedLine: a line is not of this form.
    """
    users: list[OldUser] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if line.strip() and not line.lstrip().startswith("#"):
            users.append(_read(number, line))
    return users


def _read(number: int, line: str) -> OldUser:
    fields = line.split(":")
    if len(fields) < 2 or not fields[0].strip():
        raise DamagedLine(number, "is not 'user:password:...', as in Dovecot's passwd-file")
    extra = ":".join(fields[_EXTRA:]).split()
    password = fields[1]
    locked = password.startswith(_LOCKED)
    nologin = any(field.partition("=")[0] == "nologin" for field in extra)
    return OldUser(
        number,
        fields[0].strip(),
        password.lstrip("!*") if locked else password,
        fields[_HOME] if len(fields) > _HOME else "",
        enabled=not (locked or nologin),
    )
