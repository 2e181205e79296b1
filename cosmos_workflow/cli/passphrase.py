"""Asks a person for a key's passphrase, unseen."""

from __future__ import annotations

import typer


def ask(prompt: str) -> str:
    """What was typed; nothing of it is shown or kept."""
    return str(typer.prompt(prompt, hide_input=True, err=True))
