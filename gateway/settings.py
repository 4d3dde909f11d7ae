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
from gateway.net.host_names import is_host_name

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


def _host(value: str) -> str:
    name = value.lower().rstrip(".")
    if not is_host_name(name):
        raise ValueError(
            f'must be a host name, for instance "mail.example.org", not "{value[:60]}"'
        )
    return name


def _https(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError(f'must be a URL with https://, not "{value[:60]}"')
    return value


_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(gt=0)]
_Network = Annotated[Network, BeforeValidator(_network)]
_Path = Annotated[Path, Strict(False), BeforeValidator(_not_empty), AfterValidator(_beside_file)]
_Text = Annotated[str, Field(min_length=1)]
_Host = Annotated[str, AfterValidator(_host)]
_HTTPS = Annotated[str, AfterValidator(_https)]


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
    names: tuple[_Host, ...] = ()
    """Further names of the certificate that the local CA makes."""
    default_name: _Host | None = None
    """Whose certificate clients get that name no server."""
    profile: Literal["modern", "legacy"] = "modern"
    """For everybody; the fixed name of a setting, of which only one value is sound."""
    legacy_listeners: tuple[_Text, ...] = ()
    """Endpoints, written as in `[listen]`."""
    legacy_networks: tuple[_Network, ...] = ()
    client_ca: _Path | None = None
    acme_directory: _HTTPS = "https://acme-v02.api.letsencrypt.org/directory"
    acme_email: _Text | None = None
    acme_names: tuple[_Host, ...] = ()
    """For these an ACME server is asked for a certificate; none: ACME is off."""
    acme_listen: tuple[_Text, ...] = ("tcp:80",)
    """Endpoints where the ACME server's challenges are answered."""
    acme_ca: _Path | None = None
    """The authorities that the ACME server's own certificate is checked with; None: public ones."""


class Net(_Table):
    proxies: tuple[_Network, ...] = ()


class Limits(_Table):
    connections: _Count = 2000
    """At a time, over all listeners; 0 for no limit."""
    connections_per_address: _Count = 500
    """At a time from one address; 0 for no limit."""
    exempt_networks: tuple[_Network, ...] = ()
    """Relays and filters that are exempt from the limit for one address."""
    message_octets: _Positive = 52_428_800
    recipients: _Positive = 1000
    """For each message (RFC 5321 section 4.5.3.1.8 asks for at least 100)."""
    session_messages: _Count = 10_000
    """In one SMTP session; 0 for no limit."""
    session_commands: _Count = 10_000
    """In an SMTP session, in a row, that lead to nothing; 0 for no limit."""
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
    smtputf8: bool = True
    """Whether internationalized addresses and headers are taken (RFC 6531)."""
    greeting_delay_seconds: Annotated[float, Field(ge=0, le=60)] = 0.0
    """How long strangers wait for the greeting, and are refused if they talk meanwhile."""
    recipient_delimiter: Annotated[str, Field(max_length=4)] = "+"
    """Each character begins the part of a local part that does not count; "" for none."""


class POP3(_Table):
    login_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    login_delay_hard: bool = True
    """False: the delay is announced, but not enforced."""
    expire_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """0: never."""
    keep: bool = False
    """Whether deleted messages are kept for ever."""
    undelete_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """How long deleted messages can be brought back."""
    takeover_seconds: _Positive = 600
    language: Literal["en", "fr"] = "en"
    extensions: tuple[Literal["LAST", "SLEEPING", "DELI", "UID-PARAM", "MULTI-LINE-IND"], ...] = ()


class Argon2(_Table):
    """What a new password hash costs; the defaults are `schemes.Argon2Parameters`."""

    time_cost: Annotated[int, Field(ge=1, le=1000)] = 2
    memory_cost: Annotated[int, Field(ge=8, le=4_194_304)] = 19_456
    """KiB."""
    parallelism: Annotated[int, Field(ge=1, le=64)] = 1


def _iterations(value: int) -> int:
    if value and value < 4096:
        raise ValueError("must be 0 (no verifiers) or at least 4096 (RFC 7677 section 4)")
    return value


_Announced = Literal[
    "APOP",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
]


class Auth(_Table):
    plaintext: Literal["never", "loopback", "always"] = "never"
    """Where a password may cross a connection without TLS."""
    announce: tuple[_Announced, ...] = ()
    checkers: tuple[_Text, ...] = ("embedded",)
    default_domain: _Text | None = None
    argon2: Argon2 = Argon2()
    scram_iterations: Annotated[int, Field(ge=0, le=10_000_000), AfterValidator(_iterations)] = (
        100_000
    )
    """Of the SCRAM verifiers kept beside a hash; 0 keeps none."""
    failure_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    """A wrong login is answered no earlier than this."""
    throttle_passwords: _Count = 10
    """Distinct wrong passwords of a user from one network before it is refused; 0 for no limit."""
    throttle_seconds: _Seconds = 900
    """How long each of them counts."""
    throttle_delay_seconds: Annotated[float, Field(ge=0, le=60)] = 15.0
    """The longest that an attempt after wrong ones waits."""


class Store(_Table):
    kind: Literal["maildir", "sqlite"] | None = None
    """The kind for a new data folder; None takes what the folder has."""
    side_process: bool = True
    """Whether further processes work on the disk while many messages, or large ones, arrive, or
    many are deleted."""


class Service(_Table):
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """How many processes serve."""
    trace_days: _Count = 30
    """For how long the life of a message is kept; 0: not at all."""


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
