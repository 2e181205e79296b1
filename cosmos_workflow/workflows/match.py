"""Which targets take the jobs of an engine: machines, or services that speak its dialect."""

from __future__ import annotations

from cosmos_workflow.config.environment import SERVICES
from cosmos_workflow.config.settings import ServiceSettings, Settings
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution import DIALECTS


def dialect_of(settings: Settings, target: str) -> str:
    """How a service is talked to; empty for a machine."""
    known = settings.all_targets()[target]
    return known.dialect if isinstance(known, ServiceSettings) else ""


def fitting(settings: Settings, dialect: str) -> list[str]:
    """Targets that take jobs of ``dialect`` (empty: commands), in the order of the settings."""
    return [name for name in settings.all_targets() if dialect_of(settings, name) == dialect]


def check(settings: Settings, engine: str, dialect: str, target: str) -> None:
    """Raise ConfigError where ``target`` is not of the kind that the engine speaks to."""
    speaks = dialect_of(settings, target)
    if speaks == dialect:
        return
    place = f"a service that speaks {speaks}" if speaks else "a machine that runs commands"
    wants = f"speaks to a service ({dialect})" if dialect else "is a command for a machine"
    known = fitting(settings, dialect)
    hint = f"name one of these with --target: {', '.join(known)}"
    if len(known) < 2:
        hint = f"--target {known[0]}" if known else _missing(dialect)
    raise ConfigError(f"{target} is {place}; the engine {engine} {wants}", hint=hint)


def _missing(dialect: str) -> str:
    """How a service of ``dialect`` comes to be among the targets."""
    variable = next((key for key, service in SERVICES.items() if service == dialect), "")
    if variable:
        return (
            f"export {variable}=http://localhost:8000 and --target {dialect}; "
            "or [services.NAME] in config.toml"
        )
    row = DIALECTS.load(dialect) if dialect in DIALECTS.names() else None
    if row is not None and row.url:
        return (
            f'add [services.{dialect}] with dialect = "{dialect}" to config.toml, export '
            f"{row.token}, and --target {dialect}"
        )
    return (
        f'add [services.NAME] with dialect = "{dialect}" and its url to config.toml, and '
        "--target NAME"
    )
