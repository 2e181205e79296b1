"""``COSMOS_<TABLE>_<KEY>`` variables as settings, read by the type that the setting has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from cosmos_workflow.config.settings import (
    ModelSettings,
    ServiceSettings,
    Settings,
    Table,
    TargetSettings,
)
from cosmos_workflow.errors import ConfigError, did_you_mean

TABLES: dict[str, type[Table]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Table)
}
NAMED: dict[str, type[Table]] = {
    "targets": TargetSettings,
    "services": ServiceSettings,
    "models": ModelSettings,
}
"""Tables of tables, whose names are a person's own."""

SERVICES = {"COSMOS_BASE_URL": "nim"}
"""Variables that make a service of their own: its address, and its name, which is its dialect."""

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

Key = tuple[str, ...]


def variable(key: Key) -> str:
    """The name of the variable that overrides ``key``: ``COSMOS_REMOTE_HOST``."""
    return "COSMOS_" + "_".join(_upper(part) for part in key)


def overrides(environ: Mapping[str, str], names: Mapping[str, Iterable[str]]) -> dict[Key, Any]:
    """Settings by key that ``environ`` holds.  ``names``: those the file has, by table of NAMED.

    Raises ConfigError for a variable of ours that names no setting, or a value of another type.
    """
    found: dict[Key, Any] = {}
    for name, service in SERVICES.items():
        if environ.get(name):
            found["services", service, "dialect"] = service
            found["services", service, "url"] = environ[name]
    for name in sorted(environ):
        for table in NAMED:
            if name.startswith(f"COSMOS_{table.upper()}_"):
                key, field = _named_key(name, table, list(names.get(table, ())))
                found[key] = _read(name, environ[name], field)
        for table, model in TABLES.items():
            start = f"COSMOS_{table.upper()}_"
            if name.startswith(start):
                word = name.removeprefix(start).lower()
                found[table, word] = _read(name, environ[name], _field(name, word, model, start))
    return found


def _field(name: str, word: str, model: type[Table], start: str) -> FieldInfo:
    if word in model.model_fields:
        return model.model_fields[word]
    known = [start + key.upper() for key in model.model_fields]
    raise ConfigError(
        f"the variable {name} names no setting",
        hint=f"{did_you_mean(name, known)}known: {', '.join(known)}",
    )


def _named_key(name: str, table: str, known: list[str]) -> tuple[Key, FieldInfo]:
    """``COSMOS_TARGETS_LAB_2_SSH_KEY`` is ``targets.lab_2.ssh_key`` (or of a target ``lab-2``)."""
    start, fields = f"COSMOS_{table.upper()}_", NAMED[table].model_fields
    rest = name.removeprefix(start)
    keys = sorted(fields, key=len, reverse=True)
    for word in keys:
        owner = rest.removesuffix("_" + word.upper())
        if owner and owner != rest:
            same = [one for one in known if _upper(one) == owner]
            return (table, (same or [owner.lower()])[0], word), fields[word]
    ends = [rest.lower().split("_", n)[-1] for n in (1, 2)]
    guess = next((hint for end in ends if (hint := did_you_mean(end, keys))), "")
    raise ConfigError(
        f"the variable {name} names no setting",
        hint=f"write {start}NAME_KEY; {guess}keys: {', '.join(fields)}",
    )


def _read(name: str, text: str, field: FieldInfo) -> Any:
    """``text`` as the type of ``field``; what pydantic can judge is left to it."""
    kind = field.annotation
    if kind is bool:
        if text.lower() not in TRUE + FALSE:
            allowed = f"{', '.join(TRUE)} or {', '.join(FALSE)}"
            raise ConfigError(f"the variable {name} is {text!r}; allowed: {allowed}")
        return text.lower() in TRUE
    if kind is int or kind is float:
        try:
            return kind(text)
        except ValueError as error:
            number = "a whole number" if kind is int else "a number"
            raise ConfigError(f"the variable {name} is {text!r}, not {number}") from error
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is tuple:
        return parts
    if get_origin(kind) is dict:
        if not all("=" in part for part in parts):
            raise ConfigError(f"the variable {name} is {text!r}; write name=value,name=value")
        return {k.strip(): v.strip() for k, _, v in (part.partition("=") for part in parts)}
    return text


def _upper(word: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in word).upper()
