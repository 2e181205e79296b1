"""Fetching models from the hub into its cache: the only file here that uses the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cosmos_workflow.errors import ConfigError, CosmosError, TransferError
from cosmos_workflow.local_ai.model import WEIGHTS, Model, NotHere, folder_of
from cosmos_workflow.local_ai.place import check_extra

Report = Callable[[str, float], None]
"""Called with what is being fetched and how far it is, 0..1."""

_SMALL = ("*.json", "vocab.txt", "merges.txt")
_SECONDS = 10.0


def fetch(models: Sequence[Model], report: Report | None = None) -> list[Model]:
    """Bring every model that is not whole on this machine; those that were brought.

    Raises ConfigError (no such model or revision, closed to you, HF_HUB_OFFLINE), TransferError
    (the network), MissingExtra (no library).
    """
    check_extra()
    brought = []
    for model in models:
        try:
            folder_of(model)
        except NotHere:
            _fetch(model, report)
            folder_of(model)
            brought.append(model)
    return brought


def _fetch(model: Model, report: Report | None) -> None:
    from huggingface_hub import HfApi, hf_hub_download

    with _translated(model):
        info = HfApi().model_info(
            model.source, revision=model.revision or None, files_metadata=True, timeout=_SECONDS
        )
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        wanted = needed(list(sizes))
        meter = _meter(f"fetching {model}", sum(sizes[name] for name in wanted), report)
        for name in wanted:
            hf_hub_download(
                model.source,
                name,
                revision=model.revision or None,
                tqdm_class=meter,
                etag_timeout=_SECONDS,
            )


def needed(names: Sequence[str]) -> list[str]:
    """Of a model's files those that are read: small ones, and one kind of weights."""
    top = [name for name in names if "/" not in name]
    small = [n for n in top if any(fnmatch(n, p) for p in _SMALL) and "index" not in n]
    for weights in WEIGHTS:
        stem, ending = Path(weights).stem, Path(weights).suffix
        pieces = [n for n in top if fnmatch(n, f"{stem}-*-of-*{ending}")]
        if weights in top:
            return [*small, weights]
        if f"{weights}.index.json" in top:
            return [*small, f"{weights}.index.json", *pieces]
    return small


def _meter(what: str, total: int, report: Report | None) -> type:
    """A progress bar as the hub's library takes it, which only adds up bytes of all files."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    done = 0

    class Meter(tqdm):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **{**named, "disable": True})  # type: ignore[no-untyped-call]
            self._count(named.get("initial", 0))

        def update(self, n: float | None = 1) -> bool | None:
            self._count(n or 0)
            return None

        def _count(self, n: float) -> None:
            nonlocal done
            done += int(n)
            if report:
                report(what, min(1.0, done / max(total, 1)))

    return Meter


@contextmanager
def _translated(model: Model) -> Iterator[None]:
    """The one place where faults of the hub's library become ours."""
    from huggingface_hub import errors as hub

    try:
        yield
    except hub.GatedRepoError as error:
        raise ConfigError(
            f"{model} is closed: its owner wants to know who uses it",
            hint="accept its terms on its page, then: hf auth login",
        ) from error
    except hub.RevisionNotFoundError as error:
        raise ConfigError(
            f"{model.source} has no revision {model.revision!r}",
            hint=f'{model.role}_revision = "" in [ai] is the newest',
        ) from error
    except hub.RepositoryNotFoundError as error:
        raise ConfigError(
            f"{model.key} = {model.source!r}: the hub has no such model, or not for you",
            hint="look at its spelling; for a private one: hf auth login",
        ) from error
    except hub.OfflineModeIsEnabled as error:
        raise ConfigError(
            f"{model} cannot be fetched: HF_HUB_OFFLINE is set",
            hint=f"unset it for once, or {NotHere([model]).hint.partition('; or, ')[2]}",
        ) from error
    except (hub.LocalEntryNotFoundError, hub.HTTPError) as error:  # type: ignore[attr-defined]
        raise TransferError(
            f"{model} cannot be fetched: {_reason(error)}",
            hint="is there a network, and a proxy that it needs? what has arrived is kept; or,"
            f" {NotHere([model]).hint.partition('; or, ')[2]}",
        ) from error
    except OSError as error:
        raise CosmosError(
            f"{model} cannot be written: {error.strerror or _reason(error)}",
            hint="the cache is ~/.cache/huggingface, or where HF_HOME says",
        ) from error


def _reason(error: BaseException) -> str:
    """The first line of what the library says, or of what it was caused by."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__
