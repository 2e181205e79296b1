"""Find ``config.toml``, lay the environment over it, check the whole once, and name every fault."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosmos_workflow.config import services
from cosmos_workflow.config.environment import NAMED, overrides, variable
from cosmos_workflow.config.settings import LOCAL, Settings
from cosmos_workflow.errors import ConfigError, did_you_mean

FILE = "config.toml"

Key = tuple[str, ...]
"""A setting's place: ``("remote", "port")``, ``("targets", "lab", "host")``."""


def load(start: Path | None = None) -> Settings:
    """The settings of the project that ``start`` (default: where we are) lies in.

    ``COSMOS_CONFIG`` names the file; else the nearest ``config.toml`` upward is read; else the
    defaults hold and ``start`` is the project.  ``COSMOS_<TABLE>_<KEY>`` wins over the file.
    Raises ConfigError naming file and line, or variable, key and what is allowed.
    """
    here = (start or Path.cwd()).absolute()
    file = find(here)
    text = _text(file) if file else ""
    data = _parse(text, file)
    from_variables = overrides(os.environ, {table: data.get(table, {}) for table in NAMED})
    for key, value in from_variables.items():
        _put(data, key, value)
    source = Source(file, text, frozenset(from_variables), data)
    settings = _from_root(_checked(data, file.parent if file else here, source))
    _check_meaning(settings, source)
    return settings


def find(start: Path) -> Path | None:
    """The ``config.toml`` that holds for ``start``: COSMOS_CONFIG, or the nearest one upward."""
    named = os.environ.get("COSMOS_CONFIG", "")
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(
                f"COSMOS_CONFIG names {path}, which is not a file",
                hint="set it to a config.toml, or unset it to have one found upward from here",
            )
        return path
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


class Source:
    """Where values came from, so that a fault can be blamed on its line or its variable."""

    def __init__(
        self, file: Path | None, text: str, variables: frozenset[Key], data: Mapping[str, Any]
    ) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.variables = variables
        self.data = data

    def of(self, key: Key) -> str:
        """``"config.toml, line 4: remote.port"`` or ``"COSMOS_REMOTE_PORT (remote.port)"``."""
        name = ".".join(key)
        for end in range(len(key), 0, -1):
            if key[:end] in self.variables:
                return f"{variable(key[:end])} ({name})"
        line = line_of(self.lines, key)
        place = f"{self.file}" + (f", line {line}" if line else "")
        return f"{place}: {name}" if self.file else name

    def value(self, key: Key) -> Any:
        """The value at ``key``, None if there is none."""
        value: Any = self.data
        for part in key:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def line_of(lines: list[str], key: Key) -> int | None:
    """The 1-based line where ``key`` (or the nearest table around it) is set in TOML ``lines``."""
    table: Key = ()
    best, best_line = 0, None
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare.startswith("["):
            found = table = _path(bare)
        elif "=" in bare and not bare.startswith("#"):
            found = (*table, *_path(bare.partition("=")[0] + "= 0"))
        else:
            continue
        if key[: len(found)] == found and len(found) > best:
            best, best_line = len(found), number
    return best_line


def _path(toml_line: str) -> Key:
    """The keys that one line of TOML opens; empty for a line that is none by itself."""
    try:
        value: Any = tomllib.loads(toml_line)
    except tomllib.TOMLDecodeError:
        return ()
    keys = []
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        keys.append(name)
        if isinstance(value, list):
            break
    return tuple(keys)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file} is not a text file in UTF-8 (byte {error.start})",
            hint="save it as UTF-8, or write a new one with: cosmos init",
        ) from error


def _parse(text: str, file: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} is not valid TOML: {error}",
            hint="each [table] stands once in the file: put the keys below the first one"
            if "twice" in str(error) or "overwrite" in str(error)
            else 'text stands in quotes: host = "gpu.example.com"',
        ) from error


def _put(data: dict[str, Any], key: Key, value: Any) -> None:
    for part in key[:-1]:
        inner = data.setdefault(part, {})
        if not isinstance(inner, dict):
            return  # the file is wrong here, and is reported for it
        data = inner
    data[key[-1]] = value


def _with_this_machine(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """``[targets.local]`` names what is to be other than in the target that is always there."""
    targets = data.get("targets")
    own = targets.get("local") if isinstance(targets, Mapping) else None
    if not isinstance(targets, Mapping) or not isinstance(own, Mapping) or "host" in own:
        return data
    return {**data, "targets": {**targets, "local": {**LOCAL, **own}}}


def _checked(data: Mapping[str, Any], root: Path, source: Source) -> Settings:
    reserved = [name for name in ("root", "config_file") if name in data]
    if reserved:
        raise ConfigError(_unknown((reserved[0],), source))
    values = {
        **_with_this_machine(data),
        "root": str(root),
        "config_file": str(source.file) if source.file else None,
    }
    try:
        # JSON, because a strict model takes a list for a tuple only from there
        return Settings.model_validate_json(json.dumps(values, default=_not_a_setting))
    except ValidationError as error:
        faults = [_fault(dict(fault), source) for fault in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults)) from error


def _from_root(settings: Settings) -> Settings:
    """The path of an OCIO config is relative to the project, as all paths are."""
    path = Path(settings.colour.config)
    if path.suffix.lower() not in (".ocio", ".ocioz") or path.is_absolute():
        return settings
    if settings.colour.config.startswith(("~", "$", "%")):
        return settings  # of the user, or of a variable: known when it is opened
    colour = settings.colour.model_copy(update={"config": str(settings.root / path)})
    return settings.model_copy(update={"colour": colour})


def _not_a_setting(value: Any) -> Any:
    return {"date or time": str(value)}  # no setting is one: fails as the wrong type, not as text


def _fault(fault: Mapping[str, Any], source: Source) -> str:
    key = tuple(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return _unknown(key, source)
    reason = str(fault["msg"]).removeprefix("Input should be ")
    for theirs, ours in WORDS.items():
        reason = reason.replace(theirs, ours)
    if fault["type"] in ("model_type", "model_attributes_type"):
        return f"{source.of(key)} must be a table, with [{'.'.join(key)}] above its keys"
    return f"{source.of(key)} = {json.dumps(source.value(key), default=str)} must be {reason}"


WORDS = {
    "a valid string": 'text in quotes, like "this"',
    "a valid integer": "a whole number, without quotes",
    "a valid number": "a number, without quotes",
    "a valid boolean": "true or false, without quotes",
    "a valid array": 'a list, like ["this", "that"]',
    "a valid dictionary": 'a table, like { name = "this" }',
    "less than or equal to": "at most",
    "greater than or equal to": "at least",
}
"""What the checks say, and what a person understands."""


def _unknown(key: Key, source: Source) -> str:
    if len(key) == 1:
        known = [name for name in Settings.model_fields if name not in ("root", "config_file")]
        kind = "table" if isinstance(source.value(key), Mapping) else "setting"
    else:
        table = NAMED.get(key[0]) or Settings.model_fields[key[0]].annotation
        known = list(table.model_fields) if table else []
        kind = "key"
    guess = did_you_mean(key[-1], known)
    return f"{source.of(key)}: unknown {kind}; {guess}known: {', '.join(known)}"


def _check_meaning(settings: Settings, source: Source) -> None:
    """What one value alone cannot show: hosts that are no host, targets that do not exist."""
    hosts: dict[Key, str] = {("remote", "host"): settings.remote.host}
    for name, target in settings.targets.items():
        hosts["targets", name, "host"] = target.host
        if target.kind == "ssh" and not target.host:
            raise ConfigError(
                f"{source.of(('targets', name))} has no host",
                hint=f'add host = "gpu.example.com" to [targets.{name}], or kind = "local"',
            )
    for name, model in settings.models.items():
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", model.slug):
            raise ConfigError(
                f"{source.of(('models', name, 'slug'))} = {json.dumps(model.slug)} is no model",
                hint='"owner/name", as in its address there: lightricks/ltx-video-0.9.7',
            )
    services.check(settings, source.of)
    for name, service in settings.services.items():
        if service.webhook and not service.webhook.startswith("https://"):
            place = source.of(("services", name, "webhook"))
            raise ConfigError(
                f"{place} = {json.dumps(service.webhook)} is no https address",
                hint="services call over https alone; cosmos webhook says how to get there",
            )
    for key, host in hosts.items():
        if "@" in host or host.startswith("-") or any(c.isspace() for c in host):
            raise ConfigError(
                f"{source.of(key)} = {json.dumps(host, ensure_ascii=False)} is not a host name",
                hint="a name, an address or an alias of ~/.ssh/config; user is a key of its own",
            )
    known = list(settings.all_targets())
    if settings.default_target not in known:
        wanted = settings.default_target
        raise ConfigError(
            f"{source.of(('defaults', 'target'))} = {json.dumps(wanted)}: there is no such target",
            hint=f"{did_you_mean(wanted, known)}known: {', '.join(known)}",
        )
