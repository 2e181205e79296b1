"""The service file of a worker, as text: for systemd, per user."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from cosmos_workflow.config.settings import Settings

UNIT = """\
# Put this into ~/.config/systemd/user/cosmos-queue.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now cosmos-queue
#   loginctl enable-linger          # it works on after you log out
[Unit]
Description=cosmos queue of {root}
After=network-online.target

[Service]
WorkingDirectory={root}
ExecStart={command}
# What runs on the hosts runs on; the next start finds it.
KillMode=process
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


def unit(
    settings: Settings,
    targets: Sequence[str],
    label: str,
    idle_stop: str,
    on_idle: str,
    budget: float | None,
) -> str:
    """A unit that works as the flags say."""
    flags = {"--targets": ",".join(targets), "--label": label, "--idle-stop": idle_stop}
    flags |= {"--on-idle": on_idle, "--budget": "" if budget is None else f"{budget:g}"}
    argv = [sys.executable, "-m", "cosmos_workflow", "queue", "work"]
    for flag, value in flags.items():
        argv += [flag, value] if value else []
    quoted = " ".join(_quoted(word) for word in argv)
    return UNIT.format(root=str(settings.root).replace("%", "%%"), command=quoted)


def _quoted(word: str) -> str:
    """A word of ExecStart: systemd has C's escapes in quotes, and its own % and $."""
    plain = shlex.quote(word) == word
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return word if plain else f'"{word}"'
