"""How a refusal reaches the administrator: one line on stderr, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from gateway.accounts.errors import AccountError
from gateway.config_errors import ConfigError, one_line


class Refused(click.ClickException):
    """Not done, or something to mend. The text says why, and what to do."""

    exit_code = 1

    def show(self, file: object = None) -> None:  # noqa: ARG002  (click's signature)
        say(self.message)


def say(text: str) -> None:
    """Tell the administrator something, beside the result."""
    click.echo(f"pop3gw: {text}", err=True)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what our parts refuse into `Refused`."""
    try:
        yield
    except (AccountError, ConfigError) as error:
        raise Refused(str(error)) from None
    except BrokenPipeError:
        raise  # click ends quietly
    except OSError as error:
        raise Refused(explained(error)) from None


def explained(error: OSError) -> str:
    """Return what the operating system has against it, on one line."""
    reason = (error.strerror or str(error)).lower()
    return one_line(f"{error.filename}: {reason}" if error.filename else reason)
