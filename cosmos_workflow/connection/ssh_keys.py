"""Which keys to offer, in which order: the configured ones, the agent's, the usual names."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cosmos_workflow.connection.ssh_config import Hop
from cosmos_workflow.errors import AuthenticationFailed

PASSPHRASE = "COSMOS_SSH_PASSPHRASE"
USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
Ask = Callable[[str], str]
"""Asks a person for a passphrase; gets the question, gives the answer."""


def candidates(hop: Hop, ask: Ask | None) -> Iterator[Any]:
    """Keys to offer, cheapest first; each costs a round trip, so it is made only when asked for.

    The configured keys that open without a passphrase, then the agent's, then the encrypted ones
    (for which a person may have to be asked).  Raises AuthenticationFailed for a key file that is
    missing, unreadable or open to others.
    """
    files = hop.identities or _usual()
    encrypted: list[Path] = []
    for file in files:
        key = _load(file, None)
        if key is None:
            encrypted.append(file)
        else:
            yield key
    # Without IdentitiesOnly the agent may offer anything; with it, only what the files name.
    public = {_public_blob(file) for file in files} - {b""}
    for key in _agent(hop.agent):
        if not hop.identities_only or key.asbytes() in public:
            yield key
    for file in encrypted:
        yield _load(file, _passphrase(file, ask))


def _usual() -> tuple[Path, ...]:
    folder = Path.home() / ".ssh"
    return tuple(folder / name for name in USUAL if (folder / name).exists())


def _load(file: Path, passphrase: str | None) -> Any:
    """The private key, or None when it needs a passphrase and there is none."""
    from paramiko.pkey import PKey, UnknownKeyType
    from paramiko.ssh_exception import PasswordRequiredException, SSHException

    _private(file)
    try:
        return PKey.from_path(file, passphrase.encode() if passphrase else None)
    except PasswordRequiredException:
        return None
    except TypeError as error:
        # The crypto library says so when a key is encrypted and no passphrase came.
        if passphrase is None and "assword" in str(error):
            return None
        raise AuthenticationFailed(f"{file} is not a private key: {error}.") from error
    except (UnknownKeyType, SSHException, ValueError) as error:
        why = "the passphrase is wrong" if passphrase else f"it is not a private key ({error})"
        raise AuthenticationFailed(
            f"{file} cannot be used: {why}.",
            hint="Check ssh_key; it names the private half, without .pub.",
        ) from error


def _private(file: Path) -> None:
    """Refuse a key that others can read, as ssh does."""
    try:
        found = file.stat()
    except OSError as error:
        raise AuthenticationFailed(
            f"The key {file} cannot be read: {error.strerror}.",
            hint="Check ssh_key in the configuration and IdentityFile in ~/.ssh/config.",
        ) from error
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        raise AuthenticationFailed(
            f"The private key {file} can be read by others "
            f"(mode {stat.S_IMODE(found.st_mode):04o}), so it is not used.",
            hint=f"chmod 600 {file}",
        )


def _passphrase(file: Path, ask: Ask | None) -> str:
    given = os.environ.get(PASSPHRASE)
    if given:
        return given
    if ask is None:
        raise AuthenticationFailed(
            f"The key {file} is encrypted, and there is nobody to ask for its passphrase.",
            hint=f"Add it to the agent (`ssh-add {file}`), or set {PASSPHRASE}.",
        )
    return ask(f"Passphrase for {file}: ")


def _public_blob(file: Path) -> bytes:
    import base64

    try:
        words = file.with_name(file.name + ".pub").read_text(encoding="utf-8").split()
        return base64.b64decode(words[1])
    except (OSError, IndexError, ValueError):
        return b""


def _agent(socket_path: str) -> tuple[Any, ...]:
    if socket_path == "none":
        return ()
    from paramiko.agent import Agent
    from paramiko.ssh_exception import SSHException

    named = socket_path and socket_path != "SSH_AUTH_SOCK"
    before = os.environ.get("SSH_AUTH_SOCK")
    if named:
        os.environ["SSH_AUTH_SOCK"] = str(Path(socket_path).expanduser())
    try:
        return tuple(Agent().get_keys())
    except (SSHException, OSError):
        return ()  # an agent that does not answer has no keys for us
    finally:
        if named and before is None:
            del os.environ["SSH_AUTH_SOCK"]
        elif named and before is not None:
            os.environ["SSH_AUTH_SOCK"] = before
