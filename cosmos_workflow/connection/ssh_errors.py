"""What paramiko and sockets raise, said in the product's own errors, in this one place."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    CosmosError,
    HostError,
    HostUnreachable,
)

_AGAIN = "Check the network and the address, then run the command again."
_KEYS = (
    "Set ssh_key, or IdentityFile in ~/.ssh/config, to a key that is in the host's "
    "authorized_keys; `ssh -v` to the same host shows what it accepts."
)
_NO_GREETING = ("No existing session", "Error reading SSH protocol banner")
_LINK_GONE = ("transport shut down", "timeout")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise CosmosErrors for whatever a block of SSH work raises; ``where`` names the host."""
    try:
        yield
    except CosmosError:
        raise
    except (OSError, EOFError) as error:
        raise translate(error, where) from error
    except Exception as error:
        from paramiko.ssh_exception import SSHException

        if isinstance(error, SSHException):
            raise translate(error, where) from error
        raise


def translate(error: BaseException, where: str) -> CosmosError:
    """The product's error for a foreign one: the most particular class that is known decides."""
    for kind in type(error).__mro__:
        maker = SAID.get(kind.__name__)
        if maker is not None:
            return maker(error, where)
    return _unreachable(error, where)


def _unreachable(error: BaseException, where: str) -> CosmosError:
    text = str(error) or type(error).__name__
    if any(sign in text for sign in _NO_GREETING):
        return HostUnreachable(
            f"{where} accepts connections, but does not greet as an SSH server does.",
            hint="Check the port; if it is right, sshd there is overloaded or blocked: " + _AGAIN,
        )
    return HostUnreachable(f"The connection to {where} broke: {text}.", hint=_AGAIN)


def _refused(error: BaseException, where: str) -> CosmosError:
    return HostUnreachable(
        f"{where} answers, but nothing listens for SSH on that port.",
        hint="Check the port, and that sshd runs on the host.",
    )


def _unnamed(error: BaseException, where: str) -> CosmosError:
    return HostUnreachable(
        f"No machine is known by the name of {where}.",
        hint="Check the spelling, the VPN, or HostName in ~/.ssh/config.",
    )


def _late(error: BaseException, where: str) -> CosmosError:
    return HostUnreachable(f"{where} did not answer in time.", hint=_AGAIN)


def _no_address(error: BaseException, where: str) -> CosmosError:
    tried = ", ".join(f"{each}" for each in getattr(error, "errors", {}))
    return HostUnreachable(f"{where} cannot be reached (tried {tried}).", hint=_AGAIN)


def _authentication(error: BaseException, where: str) -> CosmosError:
    text = str(error)
    if any(word in text.lower() for word in _LINK_GONE):
        return HostUnreachable(f"{where} went away during the login: {text}", hint=_AGAIN)
    return AuthenticationFailed(f"{where} did not let us in: {text}", hint=_KEYS)


def _wrong_kind(error: BaseException, where: str) -> CosmosError:
    allowed = ", ".join(getattr(error, "allowed_types", ())) or "nothing we can offer"
    return AuthenticationFailed(f"{where} accepts only: {allowed}.", hint=_KEYS)


def _second_factor(error: BaseException, where: str) -> CosmosError:
    return AuthenticationFailed(
        f"{where} wants a second factor besides the key.",
        hint="Log in by a host or an account for which the key alone is enough.",
    )


def _passphrase(error: BaseException, where: str) -> CosmosError:
    return AuthenticationFailed(
        f"The private key for {where} is encrypted, and no passphrase was given.",
        hint="Add the key to the agent (`ssh-add KEY`), or set COSMOS_SSH_PASSPHRASE.",
    )


def _other_host_key(error: BaseException, where: str) -> CosmosError:
    return AuthenticationFailed(f"{where} has another host key than known_hosts says.")


def _no_session(error: BaseException, where: str) -> CosmosError:
    return HostError(
        f"{where} refused another session on the connection: {error}.",
        hint="Raise MaxSessions in the host's sshd_config, or end other commands first.",
    )


def _incompatible(error: BaseException, where: str) -> CosmosError:
    return HostError(
        f"{where} and this program share no SSH algorithm: {error}.",
        hint="Update the SSH server of the host.",
    )


def _out_of_order(error: BaseException, where: str) -> CosmosError:
    return HostError(
        f"{where} broke the SSH protocol: {error}.",
        hint="Somebody may be tampering with the connection; do not go on over this network.",
    )


def _proxy(error: BaseException, where: str) -> CosmosError:
    return HostUnreachable(
        f"The ProxyCommand for {where} failed: {error}.",
        hint="Run the ProxyCommand of ~/.ssh/config by hand to see why.",
    )


def _configuration(error: BaseException, where: str) -> CosmosError:
    return ConfigError(
        f"The SSH configuration for {where} is wrong: {error}.", hint="Mend ~/.ssh/config."
    )


SAID: dict[str, Callable[[BaseException, str], CosmosError]] = {
    "SSHException": _unreachable,
    "AuthenticationException": _authentication,
    "PasswordRequiredException": _passphrase,
    "BadAuthenticationType": _wrong_kind,
    "PartialAuthentication": _second_factor,
    "UnableToAuthenticate": _authentication,
    "ChannelException": _no_session,
    "BadHostKeyException": _other_host_key,
    "IncompatiblePeer": _incompatible,
    "ProxyCommandFailure": _proxy,
    "NoValidConnectionsError": _no_address,
    "CouldNotCanonicalize": _configuration,
    "ConfigParseError": _configuration,
    "MessageOrderError": _out_of_order,
    socket.gaierror.__name__: _unnamed,
    "ConnectionRefusedError": _refused,
    "TimeoutError": _late,
    "OSError": _unreachable,
    "EOFError": _unreachable,
}
"""By class name, so that this file imports no paramiko until something goes wrong."""
