"""Settings and names into the parts of one run: the bench that workflows work at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cosmos_workflow.config.environment import SERVICES
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.engine import Configured, Engine
from cosmos_workflow.errors import ConfigError, did_you_mean
from cosmos_workflow.execution import TARGETS
from cosmos_workflow.execution.target import Target
from cosmos_workflow.runs.store import Store
from cosmos_workflow.workflows import match


@dataclass(frozen=True)
class Bench:
    """An engine, a target and the place where runs are kept."""

    settings: Settings
    engine: Engine
    target: Target
    store: Store


def store(settings: Settings) -> Store:
    """All runs of the project."""
    return Store(settings.outputs_dir)


def engine(name: str, settings: Settings | None = None) -> Engine:
    """The engine called ``name``, with what the settings say of it.  Raises ConfigError."""
    loaded: Engine = ENGINES.load(name)()
    if settings is not None and isinstance(loaded, Configured):
        return loaded.configured(settings)
    return loaded


def target(settings: Settings, name: str, ask: Callable[[str], str] | None = None) -> Target:
    """The target called ``name`` in the settings.  Raises ConfigError; nothing is connected."""
    known = settings.all_targets()
    variable = next((key for key, service in SERVICES.items() if service == name), "")
    if name not in known and variable:
        others = "".join(f"--target {one}, or " for one in match.fitting(settings, name))
        raise ConfigError(
            f"there is no service {name}: {variable} is not set",
            hint=f"{others}export {variable}=http://localhost:8000, or add [services.{name}] with "
            "dialect and url to config.toml",
        )
    if name not in known:
        raise ConfigError(
            f"there is no target named {name!r}",
            hint=f"{did_you_mean(name, list(known))}known: {', '.join(known)}; "
            f"add [targets.{name}] to config.toml, or set [remote] host",
        )
    build = TARGETS.load(known[name].kind)
    built: Target = build(settings, name, ask)
    return built


def bench(
    settings: Settings,
    engine_name: str,
    target_name: str = "",
    ask: Callable[[str], str] | None = None,
) -> Bench:
    """Everything one run needs.  Raises ConfigError."""
    return Bench(
        settings=settings,
        engine=engine(engine_name, settings),
        target=target(settings, target_name or settings.default_target, ask),
        store=store(settings),
    )
