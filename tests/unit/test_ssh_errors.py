"""Every error of the SSH library has its word in the product's tree."""

from __future__ import annotations

import inspect
import socket

import pytest
from paramiko import ssh_exception as foreign

from cosmos_workflow.connection.ssh_errors import SAID, translated
from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    CosmosError,
    HostError,
    HostUnreachable,
    SpecError,
)

CLASSES = [
    kind
    for _, kind in inspect.getmembers(foreign, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == foreign.__name__
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_of_the_library_is_named(kind: type[Exception]) -> None:
    assert kind.__name__ in SAID


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (foreign.SSHException("odd"), HostUnreachable),
        (foreign.AuthenticationException("Authentication failed."), AuthenticationFailed),
        (foreign.AuthenticationException("Authentication timeout."), HostUnreachable),
        (foreign.PasswordRequiredException("x"), AuthenticationFailed),
        (foreign.BadAuthenticationType("x", ["password"]), AuthenticationFailed),
        (foreign.PartialAuthentication(["password"]), AuthenticationFailed),
        (foreign.ChannelException(1, "prohibited"), HostError),
        (foreign.IncompatiblePeer("no kex"), HostError),
        (foreign.MessageOrderError("x"), HostError),
        (foreign.ProxyCommandFailure("nc", 1), HostUnreachable),
        (foreign.NoValidConnectionsError({("10.0.0.1", 22): OSError("no")}), HostUnreachable),
        (foreign.ConfigParseError("line 1"), ConfigError),
        (foreign.CouldNotCanonicalize("x"), ConfigError),
        (socket.gaierror(-2, "Name or service not known"), HostUnreachable),
        (ConnectionRefusedError(111, "refused"), HostUnreachable),
        (TimeoutError("timed out"), HostUnreachable),
        (EOFError(), HostUnreachable),
        (ConnectionResetError(104, "reset"), HostUnreachable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_each_becomes_the_right_one(error: Exception, expected: type[CosmosError]) -> None:
    with pytest.raises(CosmosError) as caught, translated("the-host"):
        raise error
    assert type(caught.value) is expected
    assert "the-host" in caught.value.message and caught.value.hint


def test_the_products_own_errors_and_mistakes_pass() -> None:
    with pytest.raises(SpecError), translated("x"):
        raise SpecError("mine")
    with pytest.raises(KeyError), translated("x"):
        raise KeyError("a mistake is not a network error")


def test_a_port_that_does_not_speak_ssh_is_told_as_that() -> None:
    greeting = pytest.raises(HostUnreachable, match="does not greet as an SSH server")
    with greeting, translated("the-host"):
        raise foreign.SSHException("No existing session")
