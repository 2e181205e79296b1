"""What is said of a service and by it: nothing secret, nothing that breaks us."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from cosmos_workflow.events import Event, Exchanged, Staged, Submitted
from cosmos_workflow.execution.dialect import Answer, unsigned
from cosmos_workflow.execution.on_http_words import (
    LONGEST_WAIT,
    asked_to_wait,
    masked,
    plain,
    read_answer,
)
from cosmos_workflow.runs.run import Run, fold


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:pw@h.example:8443/v1/x?key=1#y", "https://h.example:8443/v1/x"),
        ("http://[::1]:8000/a?b", "http://[::1]:8000/a"),
        ("http://h", "http://h"),
    ],
)
def test_an_address_without_its_secrets(url: str, said: str) -> None:
    assert plain(url) == said


def test_a_signed_address_in_a_text() -> None:
    text = 'see "https://s/a.mp4?X-Signature=abc&b=c" and <http://t/?k=v>, then https://u/x'
    assert unsigned(text) == 'see "https://s/a.mp4?..." and <http://t/?...>, then https://u/x'


def test_a_secret_in_any_form() -> None:
    secret = 'a/b+c"d'
    text = f'{secret} a%2Fb%2Bc%22d "a/b+c\\"d" and more'
    assert masked(text, [secret, "", "abc"]) == '*** *** "***" and more'
    assert masked("the cat", ["cat"]) == "the cat", "too short to be a secret"


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b'{"a": "\\ud800x"}', {"a": "\ufffdx"}),
        (b'["\\uD83D\\uDE00"]', ["\U0001f600"]),
        (b"", None),
        (b"  \n", None),
        (b"<html>", None),
        (b'{"a": NaN}', None),
        (b"-Infinity", None),
        (b"[" * 100_000, None),
        (b'{"a":' * 100_000, None),
        (b"9" * 5000, None),
        ("{'a': 1}".encode("utf-16"), None),
    ],
)
def test_an_answer_of_any_bytes(data: bytes, body: object) -> None:
    answer = read_answer(200, {}, data)
    assert answer.body == body and len(answer.text) <= 4000
    answer.text.encode()
    answer.reason().encode()


def test_the_reason_of_a_fault() -> None:
    said = {"error": {"message": "see https://s/x?sig=1"}}
    assert Answer(400, {}, said).reason() == "see https://s/x?..."
    assert Answer(500, {}, None, "").reason() == "HTTP 500"
    assert Answer(500, {}, None, "oh\n  no").reason() == "oh no"


@pytest.mark.parametrize(
    ("header", "text", "seconds"),
    [
        ("7", "", 7),
        ("1.5", "", 1.5),
        ("99999999", "", LONGEST_WAIT),
        ("soon", "", 0),
        ("-5", "", 0),
        ("", "Your rate limit resets in ~30s.", 30),
        ("", "retry after 12 s", 12),
        ("", "no more", 0),
    ],
)
def test_how_long_to_wait(header: str, text: str, seconds: float) -> None:
    headers = {"retry-after": header} if header else {}
    assert asked_to_wait(headers, text) == seconds


def test_waiting_until_a_moment() -> None:
    said = formatdate(time.time() + 50, usegmt=True)
    assert 45 < asked_to_wait({"retry-after": said}) <= 50
    assert asked_to_wait({"retry-after": formatdate(1000, usegmt=True)}) == 0


# -- what a run knows of a request that went out ---------------------------------------------------


def create(phase: str, status: int = 0) -> Exchanged:
    return Exchanged("create", phase, status, 1, "http://h/jobs", 0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        ([create("asked")], (1.0, 1.0)),
        ([create("asked"), Staged(0, 0, 0)], (1.0, 1.0)),
        ([create("asked"), create("repeated", 429), create("lost")], (1.0, 3.0)),
        ([create("asked"), create("answered", 201)], (1.0, 2.0)),
        ([create("asked"), create("answered", 422)], None),
        ([create("asked"), create("failed")], None),
        ([create("asked"), create("lost"), create("asked")], (1.0, 3.0)),
        ([create("asked"), Submitted({"target": "a", "job": "b", "ref": "c"})], None),
        ([Exchanged("upload", "lost", 0, 1, "", 0.0)], None),
    ],
)
def test_whether_there_may_be_a_job(events: list[Event], asked: tuple[float, float] | None) -> None:
    run = fold(Run("rs_1.1"), [(event, float(at)) for at, event in enumerate(events, 1)])
    assert run.asked == asked
