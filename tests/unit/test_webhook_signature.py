"""Signed calls: the published vector, and every way in which one is not to be believed."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import ConfigError
from cosmos_workflow.workflows.webhook_signature import Signed, Unsigned, key_of, verified

# The vector of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
AT = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(AT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
KEY = key_of(SECRET)


def test_the_published_vector() -> None:
    assert verified(KEY, HEADERS, BODY, AT) == Signed("msg_p5jXN8AQM9LWM0D4loKWxJek", AT)
    assert key_of(SECRET.removeprefix("whsec_")) == KEY


@pytest.mark.parametrize("off", [-300, 300])
def test_five_minutes_both_ways(off: int) -> None:
    assert verified(KEY, HEADERS, BODY, AT + off)
    with pytest.raises(Unsigned, match="300 s are allowed"):
        verified(KEY, HEADERS, BODY, AT + off + (1 if off > 0 else -1))


def test_one_of_several_signatures_does() -> None:
    good = HEADERS["webhook-signature"]
    others = "v1,AAAA v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo"
    assert verified(KEY, HEADERS | {"webhook-signature": f"{others} {good}"}, BODY, AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="},
        {"webhook-signature": "v1,é\udc80"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-id": "msg.1614265330"},
        {"webhook-id": ""},
    ],
)
def test_what_is_changed_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(Unsigned):
        verified(KEY, HEADERS | changed, BODY, AT)


def test_another_body_or_key_is_refused() -> None:
    with pytest.raises(Unsigned):
        verified(KEY, HEADERS, BODY + b" ", AT)
    with pytest.raises(Unsigned):
        verified(b"another key", HEADERS, BODY, AT)


def test_parts_cannot_be_moved_into_one_another() -> None:
    """A signed body that looks like a time and a body must not be readable as those."""
    content = b"msg_1.5.6.rest"
    made = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "msg_1.5", "webhook-timestamp": "6"}
    with pytest.raises(Unsigned):
        verified(KEY, headers | {"webhook-signature": f"v1,{made}"}, b"rest", 6)


@given(st.dictionaries(st.sampled_from(list(HEADERS)), st.text()), st.binary())
def test_nothing_strange_is_believed_or_crashes(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Unsigned):
        verified(KEY, headers, body, AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_abc"])
def test_what_is_no_secret_is_not_said_aloud(secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        key_of(secret)
    assert not secret.removeprefix("whsec_") or secret not in refused.value.message
