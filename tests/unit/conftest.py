"""Unit tests cannot touch the world: sockets, programs and SSH raise here."""

from __future__ import annotations

import socket
import subprocess
from typing import Any, NoReturn

import pytest


class TouchedTheWorld(AssertionError):
    """A unit test opened a socket or started a program."""


def _refuse(*args: Any, **named: Any) -> NoReturn:
    raise TouchedTheWorld("a unit test may not open sockets or start programs; see tests/lab")


@pytest.fixture(autouse=True)
def closed_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's doors to the world are shut; our own code is as it is."""
    monkeypatch.setattr(subprocess, "Popen", _refuse)
    monkeypatch.setattr(socket.socket, "connect", _refuse)
    monkeypatch.setattr(socket.socket, "bind", _refuse)
