"""Reads the configuration: file and command line in, `Settings` out, or an error that helps."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.config_errors import ConfigError
from gateway.config_rules import refuse_contradictions
from gateway.settings import Origin, Settings

__all__ = ["ConfigError", "Overrides", "Settings", "load"]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a command line sets; None (or an empty tuple) leaves it to the file."""

    data: str | None = None
    store: str | None = None
    pop3: tuple[str, ...] = ()
    pop3s: tuple[str, ...] = ()
    smtp: tuple[str, ...] = ()
    lmtp: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    workers: int | None = None


_LISTENERS = ("pop3", "pop3s", "smtp", "lmtp")


def load(path: Path | str | None = None, overrides: Overrides | None = None) -> Settings:
    """Read the settings.

    @param path: the configuration file; None is the embedded default.
    @param overrides: what the command line says, which wins.
    @raise ConfigError: something is wrong in the file or on the command line.
    """
    overrides = overrides or Overrides()
    file = None if path is None else Path(path)
    text = "" if file is None else _read(file)
    values = _parse(text, file)
    if file is None:
        values["auth"] = {"plaintext": "loopback"}
    origin = Origin(file, text, _apply(overrides, values))
    folder = Path.cwd() if file is None else file.absolute().parent
    settings = _validate(values, origin, folder)
    refuse_contradictions(settings)
    return settings


def _read(file: Path) -> str:
    try:
        octets = file.read_bytes()
    except IsADirectoryError:
        raise ConfigError("is a folder", "name the file in it", file=file) from None
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file",
            "correct --config, or leave it out for the embedded default",
            file=file,
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot be read: {reason}", "make it readable for this user", file=file
        ) from None
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"is not UTF-8 text (octet 0x{octets[error.start]:02X})",
            "save the file in the encoding UTF-8",
            file=file,
            line=line,
        ) from None


_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _parse(text: str, file: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise ConfigError(
            f"is not TOML: {_PLACE.sub('', message)}",
            'write key = "text", key = 1, key = true or key = ["text"], below a [table]',
            file=file,
            line=line,
        ) from None


def _apply(overrides: Overrides, values: dict[str, Any]) -> dict[str, str]:
    """Put the command line's values in, and return the option of each key it set."""
    options: dict[str, str] = {}

    def put(table: str, name: str, value: Any, option: str) -> None:
        options[f"{table}.{name}"] = option
        below = values.setdefault(table, {})
        if isinstance(below, dict):
            below[name] = value

    listeners = {name: getattr(overrides, name) for name in _LISTENERS}
    if any(listeners.values()):
        values["listen"] = {}
        for name, endpoints in listeners.items():
            put("listen", name, endpoints, f"--{name}")
    if overrides.data is not None:
        values["data"] = overrides.data and str(Path(overrides.data).absolute())
        options["data"] = "--data"
    if overrides.store is not None:
        put("store", "kind", overrides.store, "--store")
    if overrides.auth:
        put("auth", "checkers", overrides.auth, "--auth")
    if overrides.workers is not None:
        put("service", "workers", overrides.workers, "--workers")
    return options


def _validate(values: dict[str, Any], origin: Origin, folder: Path) -> Settings:
    try:
        settings = Settings.model_validate(_frozen(values), context={"folder": folder})
    except ValidationError as error:
        raise _explained(error.errors(include_url=False)[0], origin) from None
    settings._origin = origin
    return settings


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


_WANTED = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": 'must be text in quotes, for instance "..."',
    "string_too_short": "must not be empty",
    "path_type": 'must be a path in quotes, for instance "/etc/pop3gw"',
    "tuple_type": 'must be a list in brackets, for instance ["..."]',
    "model_type": "must be a table",
    "string_too_long": "must be at most {max_length} character(s)",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
}


def _explained(error: Any, origin: Origin) -> ConfigError:
    """Turn one finding of pydantic's into our words."""
    names = _names(error["loc"])
    key = ".".join(names)
    if error["type"] == "extra_forbidden":
        return origin.error(key, "there is no such setting", _suggestion(names))
    template = _WANTED.get(error["type"])
    if template is not None:
        wanted = template.format_map(error.get("ctx", {}))
        return origin.error(key, f"{wanted}, not {_shown(error['input'])}", _table_hint(names))
    return origin.error(key, error["msg"].removeprefix("Value error, "))


def _names(location: tuple[int | str, ...]) -> list[str]:
    """Return the names of tables and keys in a location, without indexes and names of types."""
    names: list[str] = []
    model: Any = Settings
    for part in location:
        names.append(str(part))
        field = model.model_fields.get(part)
        model = field.annotation if field is not None else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
    return names


def _suggestion(names: list[str]) -> str:
    fields = Settings.model_fields
    for name in names[:-1]:
        fields = fields[name].annotation.model_fields  # type: ignore[union-attr]
    near = get_close_matches(names[-1], fields, 1)
    if near:
        return f"did you mean {near[0]}?"
    tables = [table for table, field in _tables() if names[-1] in field.model_fields]
    if tables:
        return f"it belongs below [{tables[0]}]"
    return f"there are {', '.join(fields)}"


def _tables() -> list[tuple[str, type[BaseModel]]]:
    return [
        (name, field.annotation)
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]


def _table_hint(names: list[str]) -> str:
    if len(names) == 1 and names[0] in dict(_tables()):
        return f"write [{names[0]}] on a line, and its settings below"
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value[:60]}"'
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    return str(value)
