"""Whether a call to us is signed by whom it claims to be from: Standard Webhooks, ``v1``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cosmos_workflow.errors import ConfigError, CosmosError

WINDOW = 300
"""Seconds that a call's time may be off, both ways."""

_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TIME = re.compile(r"[0-9]{1,12}")
_MOST = 32
"""Signatures that are looked at: there are several while a key is changed for another."""


class Unsigned(CosmosError):
    """A call that is not signed, wrongly signed, or signed too long ago."""


@dataclass(frozen=True)
class Signed:
    """A call whose signature holds: its id, the same on a repeat, and its time (epoch seconds)."""

    id: str
    at: int


def key_of(secret: str) -> bytes:
    """The key in ``whsec_<base64>``.  Raises ConfigError, without the secret in it."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigError(
            "this is no secret of webhooks: one is whsec_ and base64 after it",
            hint="copy it from the account's page; or leave the variable unset, and it is fetched",
        )
    return key


def verified(key: bytes, headers: Mapping[str, str], body: bytes, now: float) -> Signed:
    """The call, if one of its signatures is of ``key`` and its time is about ``now``.

    ``headers`` by name in lower case.  All signatures are compared, each in constant time, so that
    the time it takes says nothing of how near a guess was.  Raises Unsigned.
    """
    name = headers.get("webhook-id", "")
    at = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (name and at and given):
        raise Unsigned("a call without webhook-id, webhook-timestamp and webhook-signature")
    if not _ID.fullmatch(name) or not _TIME.fullmatch(at):
        raise Unsigned("a call whose webhook-id or webhook-timestamp is none")
    content = b".".join((name.encode(), at.encode(), body))
    ours = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
    good = False
    for one in given.split()[:_MOST]:
        version, _, signature = one.partition(",")
        same = hmac.compare_digest(ours, signature.encode("utf-8", "replace"))
        good |= same and version == "v1"
    if not good:
        raise Unsigned("a call with a wrong signature")
    if abs(now - int(at)) > WINDOW:
        off = f"{abs(now - int(at)):.0f} s {'ago' if int(at) < now else 'ahead'}"
        raise Unsigned(f"a call that was signed {off}; {WINDOW} s are allowed")
    return Signed(name, int(at))
