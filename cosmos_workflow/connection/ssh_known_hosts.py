"""Is this the machine we know?  known_hosts files, read the way OpenSSH reads them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from cosmos_workflow.errors import AuthenticationFailed

SYSTEM = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))


@dataclass(frozen=True)
class KnownKey:
    """One trusted (or revoked) key of the host that was looked up, and where it is written."""

    kind: str
    blob: bytes
    file: Path
    line: int
    revoked: bool


def host_id(host: str, port: int) -> str:
    """How known_hosts names a machine: ``host``, or ``[host]:port`` off port 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def fingerprint(blob: bytes) -> str:
    """``SHA256:...`` as ssh-keygen prints it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def known_keys(host: str, port: int, files: Iterable[Path]) -> tuple[KnownKey, ...]:
    """Every key the files hold for the machine: plain, wildcard and hashed names alike."""
    wanted = host_id(host, port)
    return tuple(key for file in files for key in _read(file, wanted))


def check(host: str, port: int, files: tuple[Path, ...], kind: str, blob: bytes) -> None:
    """Raise AuthenticationFailed unless the key that the machine showed is one of ours."""
    known = known_keys(host, port, files)
    if any(key.revoked and key.blob == blob for key in known):
        raise AuthenticationFailed(
            f"The {kind} host key of {host_id(host, port)} ({fingerprint(blob)}) is revoked.",
            hint="Do not connect. Ask who runs the host.",
        )
    trusted = [key for key in known if not key.revoked]
    if any(key.blob == blob for key in trusted):
        return
    same = next((key for key in trusted if key.kind == kind), None)
    if same is not None:
        raise _changed(host, port, kind, blob, same)
    raise _unknown(host, port, files, kind, blob, trusted)


def _unknown(
    host: str, port: int, files: tuple[Path, ...], kind: str, blob: bytes, other: list[KnownKey]
) -> AuthenticationFailed:
    name = host_id(host, port)
    mine = files[0] if files else Path("~/.ssh/known_hosts")
    also = f" ({other[0].file} knows only its {other[0].kind} key)" if other else ""
    return AuthenticationFailed(
        f"The host {name} is not known{also}. It shows the {kind} key {fingerprint(blob)}.",
        hint=(
            "Compare that fingerprint with the host's own (there: `ssh-keygen -lf "
            "/etc/ssh/ssh_host_ed25519_key.pub`). When they are equal, add it:\n"
            f"  ssh-keyscan -p {port} {host} >> {mine}"
        ),
    )


def _changed(host: str, port: int, kind: str, blob: bytes, known: KnownKey) -> AuthenticationFailed:
    name = host_id(host, port)
    return AuthenticationFailed(
        f"THE HOST KEY OF {name} HAS CHANGED. Somebody may be listening in between, or the host "
        f"was set up anew. {known.file} line {known.line} has {fingerprint(known.blob)}; "
        f"the host now shows the {kind} key {fingerprint(blob)}.",
        hint=(
            "Nothing was sent. Ask who runs the host. Only when the new fingerprint is confirmed:\n"
            f"  ssh-keygen -R '{name}' -f {known.file}\n"
            f"  ssh-keyscan -p {port} {host} >> {known.file}"
        ),
    )


def _read(file: Path, wanted: str) -> Iterator[KnownKey]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        mark = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or mark == "@cert-authority":
            continue
        if _names(words[0], wanted):
            try:
                blob = base64.b64decode(words[2], validate=True)
            except (binascii.Error, ValueError):
                continue
            yield KnownKey(words[1], blob, file, number, mark == "@revoked")


def _names(patterns: str, wanted: str) -> bool:
    if patterns.startswith("|1|"):
        return _hashed(patterns, wanted)
    found = False
    for pattern in patterns.lower().split(","):
        plain = pattern.removeprefix("!")
        # fnmatch would read the brackets of [host]:port as a set of characters.
        if fnmatchcase(wanted, plain.replace("[", "[[]")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _hashed(pattern: str, wanted: str) -> bool:
    try:
        _, _, salt, digest = pattern.split("|")
        expected = base64.b64decode(digest)
        made = hmac.new(base64.b64decode(salt), wanted.encode(), hashlib.sha1).digest()
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(made, expected)
