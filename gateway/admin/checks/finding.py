"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config_errors import ConfigError


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    item: str
    """What was looked at."""
    text: str
    """How it is, or what is wrong with it."""
    remedy: str | None = None
    """What to do; None where all is well."""

    @classmethod
    def of(cls, item: str, error: ConfigError) -> Finding:
        """Return the finding that an error of the configuration is."""
        without_remedy = ConfigError(error.problem, file=error.file, line=error.line, key=error.key)
        return cls(item, str(without_remedy), error.remedy or "mend it")
