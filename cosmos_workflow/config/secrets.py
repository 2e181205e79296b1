"""Secrets are names everywhere; here, and only at the last moment, they become values."""

from __future__ import annotations

import os
from collections.abc import Iterable

from cosmos_workflow.errors import ConfigError


def values(names: Iterable[str]) -> dict[str, str]:
    """The value of each named secret, from the environment.

    Raises ConfigError, naming the variable and never its value, when one is unset, empty or has
    a line break in it (a job reads one secret a line).
    """
    found = {}
    for name in names:
        value = os.environ.get(name, "")
        if not value:
            raise ConfigError(
                f"the secret {name} is not set",
                hint=f"export {name} in the shell that runs cosmos; it is kept in no file",
            )
        if "\n" in value or "\r" in value or "\0" in value:
            raise ConfigError(
                f"the secret {name} has a line break in it",
                hint="pass a token of one line; a file belongs on the host",
            )
        found[name] = value
    return found


def mask(text: str, secret_values: Iterable[str]) -> str:
    """``text`` with each secret as asterisks of the same length in UTF-8 bytes.

    The length stays, so that byte offsets in a job's log still mean the same place.
    """
    for value in sorted(secret_values, key=len, reverse=True):
        if value:
            text = text.replace(value, "*" * len(value.encode()))
    return text


def present(names: Iterable[str]) -> list[str]:
    """The values of those named secrets that are set here: what to mask in a job's log."""
    return [os.environ[name] for name in names if os.environ.get(name)]
