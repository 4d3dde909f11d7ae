"""The data folder that a command works on, opened as far as the command needs it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from gateway.accounts.database import AccountDatabase
from gateway.control.client import Answer, ask_all
from gateway.datafolder import DEFAULT_FOLDER, DataFolder

if TYPE_CHECKING:
    from gateway.accounts.logins_file import LoginsFile
    from gateway.accounts.schemes import Argon2Parameters
    from gateway.admin.mail import OwnersMail
    from gateway.config import Settings


class Folder:
    """What the global options name. Nothing is read or made before it is asked for.

    @param config: `--config`.
    @param data: `--data`.
    @param store: `--store`.
    """

    def __init__(self, config: str | None, data: str | None, store: str | None) -> None:
        self._config = config
        self._data = data
        self._store = store
        self._open = ExitStack()

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    @cached_property
    def settings(self) -> Settings:
        """All settings. Raises `ConfigError`."""
        from gateway.config import Overrides, load

        return load(self._config, Overrides(data=self._data, store=self._store))

    @cached_property
    def data(self) -> DataFolder:
        """The folder's paths; it need not exist. Raises `ConfigError`."""
        if self._config is None and self._store is None:
            # Reading the settings would take longer than most commands.
            return DataFolder(DEFAULT_FOLDER if self._data is None else self._data)
        return DataFolder(self.settings.data)

    @cached_property
    def store_kind(self) -> str:
        """The kind of mail store; makes the folder if need be. Raises `ConfigError`."""
        asked = None
        if self._config is not None or self._store is not None:
            asked = self.settings.store.kind
        return self.data.prepare(asked).store_kind

    @property
    def configured(self) -> bool:
        """Whether there is a configuration file."""
        return self._config is not None

    @property
    def argon2(self) -> Argon2Parameters:
        """What the hash of a new password costs. Raises `ConfigError`."""
        from gateway.accounts.schemes import DEFAULT_PARAMETERS, Argon2Parameters

        if self._config is None:
            return DEFAULT_PARAMETERS
        return Argon2Parameters(**self.settings.auth.argon2.model_dump())

    @property
    def scram_iterations(self) -> int:
        """Of the SCRAM verifiers of a new password; 0 for none. Raises `ConfigError`."""
        from gateway.accounts.scram import DEFAULT_ITERATIONS

        return DEFAULT_ITERATIONS if self._config is None else self.settings.auth.scram_iterations

    @cached_property
    def logins(self) -> LoginsFile:
        """What is known of logins; makes the folder if need be."""
        from gateway.accounts.logins_file import LoginsFile

        self.store_kind  # noqa: B018  (makes the folder)
        logins = LoginsFile(self.data.logins_file)
        self._open.callback(logins.close)
        return logins

    @cached_property
    def accounts(self) -> AccountDatabase:
        """The accounts; makes the folder if need be. Raises `ConfigError` or `AccountError`."""
        self.store_kind  # noqa: B018  (makes the folder)
        accounts = AccountDatabase(self.data.accounts_file)
        self._open.callback(accounts.close)
        return accounts

    @cached_property
    def mail(self) -> OwnersMail:
        """The mail store; makes the folder if need be. Raises `ConfigError`."""
        from gateway.admin.mail import OwnersMail
        from gateway.store.kinds import open_administration

        store = open_administration(self.store_kind, self.data.path)
        return OwnersMail(store, self.data.owner())

    def ask_gateways(self, command: dict[str, Any]) -> list[Answer]:
        """Ask every gateway that runs on this folder, through its control socket."""
        return ask_all(self.data.run, command)


pass_folder = click.make_pass_decorator(Folder)
