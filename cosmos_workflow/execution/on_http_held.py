"""Holds one request to a service whose answer is the result: ``python -m ... request.json``.

It is a job like any other, detached in its workspace, so that a run outlives whoever started it.
It writes ``outputs/``, says in its log what it does (``held: ``), which calls it made
(``exchange: ``), and at the end what the service told (``answer: ``).  Exit codes: 0, 1.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cosmos_workflow.errors import (
    AuthenticationFailed,
    CosmosError,
    HostUnreachable,
    JobFailed,
    TransferError,
)
from cosmos_workflow.events import Exchanged
from cosmos_workflow.execution import DIALECTS
from cosmos_workflow.execution.dialect import Answer, Call, Synchronous
from cosmos_workflow.execution.job import RequestJob
from cosmos_workflow.execution.job_json import job_from_json
from cosmos_workflow.execution.on_http_body import Body, json_body
from cosmos_workflow.execution.on_http_client import (
    LARGEST,
    PAUSES,
    Address,
    Client,
    plain,
    read_answer,
)
from cosmos_workflow.execution.on_http_held_answer import split
from cosmos_workflow.execution.on_http_words import asked_to_wait

if TYPE_CHECKING:
    import httpx

ANSWER = Path("answer.json")
LONGEST = 64 * 2**30
"""Bytes of an answer that is believed."""

_ENDLESS = 86400
"""Seconds of silence where nobody says how long it may take."""


class Refused(JobFailed):
    """The service answered, and not with a result."""

    def __init__(self, answer: Answer, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.answer = answer


class NoResult(Refused):
    """The service answered that all is well, and gave nothing."""


class TooLong(JobFailed):
    """No answer in the seconds that were allowed."""


@dataclass(frozen=True)
class Asked:
    """What ``request.json`` says: the service, the job, and where its inputs lie."""

    dialect: Synchronous
    client: Client
    job: RequestJob
    inputs: Mapping[str, Path]
    token: str

    @property
    def url(self) -> str:
        """The service's address."""
        return self.client.address.url


def main(argv: list[str]) -> int:
    """Ask, wait, write the result; 0 when it is there."""
    asked = read(Path(argv[0]))
    try:
        told = hold(asked)
    except CosmosError as error:
        _say("answer", _failure(error, asked))
        return 1
    finally:
        asked.client.close()
    _say("answer", told)
    return 0


def read(path: Path) -> Asked:
    """The request as ``held.py`` wrote it."""
    data = json.loads(path.read_text(encoding="utf-8"))
    job = job_from_json(data["job"])
    assert isinstance(job, RequestJob)
    dialect: Synchronous = DIALECTS.load(data["dialect"])()
    client = Client(
        Address(**data["address"]),
        lambda: dialect.headers(os.environ.get(data["token"], "")),
        _exchange,
    )
    inputs = {key: Path(place) for key, place in data["inputs"].items()}
    return Asked(dialect, client, job, inputs, data["token"])


def hold(asked: Asked) -> dict[str, Any]:
    """The whole of it.  Returns what the service told.  Raises CosmosError."""
    call = asked.dialect.ready(asked.url)
    if call is not None:
        said = asked.dialect.is_ready(asked.client.ask("health", call))
        print(f"held: the service is {said}", flush=True)
    with _patience(asked.job.patience):
        return _satisfied(asked)


# -- the request -----------------------------------------------------------------------------------


def _satisfied(asked: Asked) -> dict[str, Any]:
    """What the service told, asked again as long as the answer is not as it has to be."""
    call = asked.dialect.create(asked.job, asked.url)
    while True:
        answer = _generated(asked, call)
        fields = _fields(asked, answer)
        following = asked.dialect.better(asked.job, call, fields)
        if following is None:
            return _unpacked(asked, answer, fields)
        print("held: the answer is not as it has to be; asking again", flush=True)
        call = following


def _generated(asked: Asked, call: Call) -> Answer:
    """The answer, in ``ANSWER``; asked as often as the job says, and after a 202 until there is."""
    body = json_body(call.fields, asked.inputs.__getitem__)
    body = replace(body, report=_sent)
    print(f"held: asking, with {_amount(body.size)}", flush=True)
    answer = _asked(asked, "generate", call, body, asked.job.attempts)
    while (following := asked.dialect.again(asked.job, asked.url, answer)) is not None:
        print("held: the service goes on with it", flush=True)
        time.sleep(1)
        answer = _asked(asked, "poll", following, None, len(PAUSES) + 1)
    return answer


def _asked(asked: Asked, operation: str, call: Call, body: Body | None, attempts: int) -> Answer:
    """One answer.  Up to ``attempts`` times when there was none, or the service was at fault."""
    call = replace(call, seconds=float(asked.job.patience or _ENDLESS))
    for attempt in range(1, attempts + 1):
        began, again, wait = time.monotonic(), attempt < attempts, 0.0
        try:
            with asked.client.stream(call, body, more={"Accept-Encoding": "identity"}) as response:
                answer = _kept(response)
        except (HostUnreachable, TooLong) as error:
            again = again and not isinstance(error, TooLong)
            _tell(asked, operation, call, (attempt, began, again), 0, error.message)
            if not again:
                raise
        else:
            wait = asked_to_wait(answer.headers, answer.text)
            again = again and (answer.status >= 500 or answer.status == 429)
            why = "" if answer.ok else answer.reason()
            _tell(asked, operation, call, (attempt, began, again), answer.status, why)
            if not again:
                return answer
        time.sleep(max(wait, PAUSES[min(attempt, len(PAUSES)) - 1]))
    raise AssertionError("the last attempt returns or raises")


def _tell(
    asked: Asked, operation: str, call: Call, attempt: tuple[int, float, bool], status: int,
    why: str,
) -> None:  # fmt: skip
    number, began, again = attempt
    phase = "repeated" if again else "answered" if status else "failed"
    target = call.path if "://" in call.path else f"{asked.url.rstrip('/')}{call.path}"
    took = round(time.monotonic() - began, 3)
    _exchange(Exchanged(operation, phase, status, number, plain(target), took, why))  # type: ignore[arg-type]


def _kept(response: httpx.Response) -> Answer:
    """The head of the answer.  A good one's body is in ``ANSWER``; another one's in the Answer."""
    headers = {key.lower(): value for key, value in response.headers.items()}
    good = response.status_code == 200
    if good:
        print("held: the answer comes", flush=True)
    size = 0
    with ANSWER.open("wb") as file:
        for piece in response.iter_bytes(1 << 18):
            size += len(piece)
            if size > (LONGEST if good else LARGEST):
                raise TransferError(f"the answer does not end: {size >> 20} MiB so far")
            _write(file.write, piece)
    if good:
        return Answer(200, headers)
    return read_answer(response.status_code, headers, ANSWER.read_bytes())


def _write(write: Any, piece: bytes) -> None:
    try:
        write(piece)
    except OSError as error:
        raise TransferError(
            f"the answer cannot be written to {Path.cwd()}: {error.strerror}",
            hint="make room on this machine, then run it again",
        ) from error


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """At most so many seconds, whatever is waited for: connection, upload, answer."""

    def over(*_: object) -> NoReturn:
        raise TooLong(
            f"the service gave no answer in {seconds} s",
            hint="--option timeout=3600 waits longer; it may still be at work on this one",
        )

    signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


# -- the answer ------------------------------------------------------------------------------------


def _parts(asked: Asked) -> dict[str, Path]:
    return {field: Path(f".{field}.part") for field in asked.dialect.result()}


def _fields(asked: Asked, answer: Answer) -> dict[str, Any]:
    """What is in the answer, its files beside it.  Raises Refused, TransferError."""
    if not answer.ok or answer.status == 202:
        raise Refused(answer, f"HTTP {answer.status}: {answer.reason()}")
    if answer.status != 200:
        raise Refused(answer, f"the service answers {answer.status} and no result")
    fields = split(ANSWER, _parts(asked))
    wrong, missing = asked.dialect.fault(fields), asked.dialect.missing(fields)
    if wrong or missing:
        kind = Refused if wrong else NoResult
        raise kind(replace(answer, body=_short(fields)), wrong or missing)
    return fields


def _unpacked(asked: Asked, answer: Answer, fields: dict[str, Any]) -> dict[str, Any]:
    """Results in place, and the facts of the answer."""
    parts = _parts(asked)
    for field, path in asked.dialect.result().items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        parts[field].replace(path)
    for path, text in asked.dialect.written(asked.job, fields).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    ANSWER.unlink()
    told = dict(asked.dialect.told(fields))
    for key in sorted(fields.keys() - told.keys() - parts.keys()):
        print(f"held: the answer also has {key}", flush=True)
    media = answer.headers.get("content-type", "")
    model = {"model": asked.job.route} if asked.job.route else {}
    return {**model, **told, "content_type": media, "url": plain(asked.url)}


def _failure(error: CosmosError, asked: Asked) -> dict[str, Any]:
    """A failure as the engine reads it."""
    told: dict[str, Any] = {"status": "failed", "error": _without_queries(error.message)}
    if isinstance(error, Refused):
        told["http_status"] = error.answer.status
        if error.answer.body is not None or error.answer.text:
            told["body"] = _without_queries(error.answer.text) or error.answer.body
    unsigned = isinstance(error, AuthenticationFailed) or told.get("http_status") in (401, 403)
    hint = error.hint
    if unsigned and not os.environ.get(asked.token):
        hint = f"{asked.token} is not set"
    causes = {TooLong: "timeout", TransferError: "bad_output", NoResult: "no_output"}
    told["cause"] = causes.get(type(error), "engine")
    return told | ({"hint": hint} if hint else {})


def _short(fields: Mapping[str, Any]) -> dict[str, str]:
    """Fields for the log: each at most a line."""
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in fields.items()}
    return {key: _without_queries(text)[:300] for key, text in texts.items()}


def _without_queries(text: str) -> str:
    """Addresses without what comes after their question mark: it may be a signature."""
    return re.sub(r"""(\bhttps?://[^\s"'?]+)\?[^\s"']*""", r"\1", text)


# -- the log ---------------------------------------------------------------------------------------


def _say(word: str, facts: Mapping[str, Any]) -> None:
    print(f"{word}: {json.dumps(dict(facts), ensure_ascii=False)}", flush=True)


def _exchange(event: Exchanged) -> None:
    _say("exchange", asdict(event))


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _sent(done: int, total: int, speed: float) -> None:
    if done == total:
        print("held: all is sent; waiting for the answer", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
