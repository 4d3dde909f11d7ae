"""The small file that says how a source is reached; it may hold a password."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.accounts.errors import AccountError


class SourceSettings(BaseModel):
    """The base of what such files hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Settings = TypeVar("Settings", bound=SourceSettings)


def read_settings(path: Path, model: type[Settings]) -> Settings:
    """Read one.

    @raise AccountError: it cannot be read, or something in it is wrong; names file and key.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return model.model_validate(values)
    except OSError as error:
        raise AccountError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AccountError(f"{path}: is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields)
        raise AccountError(f"{path}: {key}: {first['msg']}; it takes {known}") from None
