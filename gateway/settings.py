"""Every setting there is: its name, its type, its default. `conf/pop3gw.toml` documents them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    Strict,
    ValidationInfo,
)

from gateway.config_errors import ConfigError, line_of, shown_key
from gateway.datafolder import DEFAULT_FOLDER

Network = IPv4Network | IPv6Network


def _network(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('must be a network as text, for instance "192.168.1.0/24"')
    try:
        return ip_network(value, strict=False)
    except ValueError:
        raise ValueError(
            f'must be a network, for instance "192.168.1.0/24" or "10.1.2.3", not "{value}"'
        ) from None


def _beside_file(value: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / value.expanduser()


def _not_empty(value: Any) -> Any:
    if value == "":
        raise ValueError("must not be empty; name a folder or file")
    return value


_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(gt=0)]
_Network = Annotated[Network, BeforeValidator(_network)]
_Path = Annotated[Path, Strict(False), BeforeValidator(_not_empty), AfterValidator(_beside_file)]
_Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Listen(_Table):
    """Twisted endpoint strings for each kind of listener."""

    pop3: tuple[_Text, ...] = ()
    pop3s: tuple[_Text, ...] = ()
    smtp: tuple[_Text, ...] = ()
    lmtp: tuple[_Text, ...] = ()


DEFAULT_LISTEN = Listen(
    smtp=("tcp:2525:interface=127.0.0.1",),
    pop3=("tcp:1110:interface=127.0.0.1",),
    pop3s=("tcp:1995:interface=127.0.0.1",),
)
"""Where nothing is said about listeners: this machine only, ports that need no privileges."""


class TLS(_Table):
    certificates: _Path | tuple[_Path, ...] | None = None
    """A folder, or a list of files; None is the folder `tls` of the data folder."""
    profile: Literal["modern", "legacy"] = "modern"
    client_ca: _Path | None = None


class Net(_Table):
    proxies: tuple[_Network, ...] = ()


class Limits(_Table):
    connections: _Count = 2000
    """At a time, over all listeners; 0 for no limit."""
    connections_per_address: _Count = 500
    """At a time from one address; 0 for no limit."""
    message_octets: _Positive = 52_428_800
    recipients: _Positive = 1000
    """For each message (RFC 5321 section 4.5.3.1.8 asks for at least 100)."""
    errors: _Positive = 20
    """Commands answered with an error before a connection is closed."""
    pop3_idle_seconds: _Seconds = 600
    """RFC 1939 section 3 asks for at least 600."""
    smtp_idle_seconds: _Seconds = 300
    """RFC 5321 section 4.5.3.2.7 asks for at least 300."""


class SMTP(_Table):
    bare_newlines: Literal["refuse", "normalise"] = "refuse"
    lenient_networks: tuple[_Network, ...] = ()
    """From these, bare newlines are normalised whatever `bare_newlines` says."""
    recipient_delimiter: Annotated[str, Field(max_length=1)] = "+"
    """Begins the part of a local part that does not count; "" for none."""


class POP3(_Table):
    login_delay_seconds: _Count = 0
    expire_days: _Count = 0
    """0: never."""
    keep: bool = False
    takeover_seconds: _Positive = 600


class Auth(_Table):
    plaintext: Literal["never", "loopback", "always"] = "never"
    """Where a password may cross a connection without TLS."""
    announce: tuple[Literal["APOP", "CRAM-MD5"], ...] = ()
    checkers: tuple[_Text, ...] = ("embedded",)
    default_domain: _Text | None = None


class Store(_Table):
    kind: Literal["maildir"] | None = None
    """The kind for a new data folder; None takes what the folder has."""


class Service(_Table):
    workers: _Positive = 1


class Settings(_Table):
    """All settings, whole and checked."""

    data: _Path = Field(default=Path(DEFAULT_FOLDER), validate_default=True)
    """The data folder, absolute or relative to the working directory."""
    listen: Listen = DEFAULT_LISTEN
    tls: TLS = TLS()
    net: Net = Net()
    limits: Limits = Limits()
    smtp: SMTP = SMTP()
    pop3: POP3 = POP3()
    auth: Auth = Auth()
    store: Store = Store()
    service: Service = Service()

    _origin: Origin = PrivateAttr(default_factory=lambda: Origin())

    @property
    def origin(self) -> Origin:
        """Where the values were set."""
        return self._origin

    @property
    def embedded(self) -> bool:
        """True on the embedded default: no configuration file."""
        return self._origin.file is None

    def error(self, key: str, problem: str, remedy: str = "") -> ConfigError:
        """Return the error to raise for a value that turned out to be wrong when it was used.

        @param key: dotted, as in "listen.pop3".
        """
        return self._origin.error(key, problem, remedy)

    def placed(self, key: str, error: ConfigError) -> ConfigError:
        """Return the error of a file as one of the setting that names it, where one does.

        @param key: dotted, as in "tls.certificates".
        """
        if not self._origin.sets(key):
            return error
        file = f"{error.file}: " if error.file is not None else ""
        return self._origin.error(key, f"{file}{error.problem}", error.remedy)


class Origin:
    """Where settings were set: in which file and line, or by which option.

    @param file: the configuration file, None on the embedded default.
    @param text: what is in it.
    @param options: for each dotted key that the command line set, its option.
    """

    def __init__(
        self, file: Path | None = None, text: str = "", options: dict[str, str] | None = None
    ) -> None:
        self.file = file
        self.text = text
        self.options = options or {}

    def sets(self, key: str) -> bool:
        """Say whether the file or the command line sets the dotted `key`."""
        return key in self.options or line_of(self.text, key) is not None

    def error(self, key: str, problem: str, remedy: str = "") -> ConfigError:
        """Return a `ConfigError` that names the place of the dotted `key`."""
        if option := self.options.get(key):
            return ConfigError(problem, remedy, key=option)
        return ConfigError(
            problem,
            remedy,
            file=self.file,
            line=line_of(self.text, key),
            key=shown_key(key),
        )
