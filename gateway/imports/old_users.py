"""A user as the old server knows them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OldUser:
    """One user of a passwd-file or of a table."""

    line: int
    """Where it stands in its file; 1 for the first line."""
    login: str
    """As the old server has it: an address, or its local part alone."""
    password: str = field(repr=False)
    """Its hash, with or without {SCHEME}; {PLAIN} for one in clear; "" for none."""
    home: str = ""
    """The home folder; "" where it is not said."""
    enabled: bool = True
    """Whether the user may log in."""
