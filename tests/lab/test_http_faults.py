"""Every fault that a service can have, met by the real driver: repeated, told clearly, or lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from films import SIGNATURE, TOKEN, Films, Keyed, Unlisted
from servers import faults
from servers.faults import Fault, FaultsServer, faults_server

from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    CosmosError,
    HostError,
    HostUnreachable,
    SubmissionRejected,
    TransferError,
)
from cosmos_workflow.events import Exchanged, JobEnded, Progress, Staged
from cosmos_workflow.execution.dialects.http_job import HttpJob
from cosmos_workflow.execution.job import Attached, Input, RequestJob
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client, LostAnswer
from cosmos_workflow.execution.target import Handle
from cosmos_workflow.ids import sha256_file

SILENCE = 0.6


@pytest.fixture
def server() -> Iterator[FaultsServer]:
    with faults_server() as one:
        yield one


def driver(
    server: FaultsServer, dialect: HttpJob | None = None, silence: float = SILENCE, **more: Any
) -> OnHttp:
    """The real one, with a token."""
    dialect = dialect or Films()
    address = Address("lab", more.pop("url", server.url), silence=silence, connect=2.0, **more)
    return OnHttp("lab", Client(address, lambda: dialect.headers(TOKEN)), dialect)


def job_of(folder: Path, form: str = "file", size: int = 100_000) -> RequestJob:
    """A job with one file."""
    source = folder / "color.mp4"
    source.write_bytes(b"0123456789" * (size // 10))
    body: Mapping[str, Any] = {"name": "rs_1.1-abc", "video": Attached("color", form)}  # type: ignore[arg-type]
    item = Input("color", "color.mp4", source, sha256_file(source), source.stat().st_size)
    return RequestJob(
        "rs_1.1-abc", "films", "films", body, {"rs_1.1": ("outputs/*",)},
        encoding="form" if form == "file" else "json", inputs=(item,),
    )  # fmt: skip


def submitted(target: OnHttp, job: RequestJob) -> Handle:
    """Stage and submit."""
    assert isinstance(list(target.stage(job))[-1], Staged)
    return target.submit(job, {})


def ended(target: OnHttp, handle: Handle) -> JobEnded:
    last = list(target.follow(handle, 0))[-1]
    assert isinstance(last, JobEnded)
    return last


def fetched(target: OnHttp, handle: Handle, into: Path) -> bytes:
    files = ended(target, handle).files
    list(target.fetch(handle, files, into))
    return (into / files[0].path).read_bytes()


def test_nothing_wrong(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    assert fetched(target, handle, tmp_path) == server.film
    assert list(server.jobs) == [handle.ref]
    assert not list(tmp_path.glob("outputs/.*")), "nothing half-written is left"


# -- the request that creates: never twice ---------------------------------------------------------

LOST = {
    "hangs": faults.hang,
    "hangs up": faults.hang_up,
    "resets": faults.reset,
    "drips a header": faults.drip_head,
    "drips a body": faults.drip_body,
    "says go on, for ever": faults.drip_continue,
    "is cut off": faults.truncated,
    "is no HTTP": faults.no_http,
    "has endless headers": faults.many_headers,
    "has no end": faults.endless,
    "is a bomb": faults.packed(b" " * 50_000_000),
    "is a bomb in a bomb": faults.packed(b" " * 50_000_000, 2),
    "is a gateway's 504": faults.refuse(504),
    "is a gateway's 502": faults.refuse(502),
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_create_whose_answer(server: FaultsServer, tmp_path: Path, fault: Fault) -> None:
    """...is lost, is looked up: there is one job, and it is ours."""
    server.on("create", faults.done_but(fault))
    target, job = driver(server), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(target, job)
    assert [one.phase for one in target.told()][-1] == "lost"
    handle = submitted(target, job)
    assert [handle.ref] == list(server.jobs) and server.count("POST", "/jobs") == 1


@pytest.mark.parametrize("fault", [faults.hang_up, faults.refuse(504)])
def test_a_lost_create_that_began_nothing(
    server: FaultsServer, tmp_path: Path, fault: Fault
) -> None:
    """It is asked for again only when the service has had time to list it, and does not."""
    server.on("create", fault)
    target, job = driver(server), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(target, job)
    with pytest.raises(HostUnreachable, match="does not list the job; it may do so yet"):
        submitted(target, job)
    began, handle = time.monotonic(), None
    while handle is None:
        try:
            handle = submitted(target, job)
        except HostUnreachable:
            assert server.jobs == {}
    assert time.monotonic() - began > SILENCE - 0.2
    assert list(server.jobs) == [handle.ref]


def test_a_lost_create_without_a_list_is_never_sent_again(
    server: FaultsServer, tmp_path: Path
) -> None:
    server.on("create", faults.done_but(faults.hang_up))
    target, job = driver(server, Unlisted()), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(target, job)
    with pytest.raises(SubmissionRejected, match="no list of jobs") as told:
        submitted(target, job)
    assert "--again" in told.value.hint
    assert server.count("POST", "/jobs") == 1


def test_another_process_looks_a_lost_create_up(server: FaultsServer, tmp_path: Path) -> None:
    server.on("create", faults.done_but(faults.hang_up))
    began, job = time.time(), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(driver(server), job)
    found = driver(server).find(job, began, time.time())
    assert found is not None and found.ref in server.jobs
    older = driver(server).find(job, time.time() + 60, began - 60)
    assert older is None, "a job that is older than the request is not its"


def test_two_jobs_that_could_be_it(server: FaultsServer, tmp_path: Path) -> None:
    server.on("create", faults.done_but(faults.hang_up))
    target, job = driver(server), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(target, job)
    (first,) = server.jobs.values()
    server.begin(first.request)
    with pytest.raises(SubmissionRejected, match="lists 2 jobs that could be it"):
        submitted(target, job)


def test_the_list_is_down_too(server: FaultsServer, tmp_path: Path) -> None:
    server.on("create", faults.done_but(faults.hang_up))
    target, job = driver(server), job_of(tmp_path)
    with pytest.raises(LostAnswer):
        submitted(target, job)
    server.on("list", faults.refuse(500))
    with pytest.raises(HostUnreachable, match="does not list its jobs"):
        submitted(target, job)
    assert submitted(target, job).ref in server.jobs and len(server.jobs) == 1


@pytest.mark.parametrize("fault", [faults.hang_up, faults.refuse(503), faults.refuse(429)])
def test_a_key_makes_a_repeat_harmless(server: FaultsServer, tmp_path: Path, fault: Fault) -> None:
    server.on("create", faults.done_but(fault))
    target = driver(server, Keyed(), silence=5.0)
    began = list(target.stage(job_of(tmp_path)))
    assert not [one for one in began if isinstance(one, Exchanged) and one.phase == "asked"]
    handle = target.submit(job_of(tmp_path), {})
    assert [handle.ref] == list(server.jobs) and server.count("POST", "/jobs") == 2


def test_what_goes_out_is_recorded_first(server: FaultsServer, tmp_path: Path) -> None:
    events = list(driver(server).stage(job_of(tmp_path)))
    asked = [one for one in events if isinstance(one, Exchanged)][-1]
    assert (asked.operation, asked.phase) == ("create", "asked")
    assert server.requests == []


def test_one_too_many_waits_as_it_is_told(server: FaultsServer, tmp_path: Path) -> None:
    said = {"detail": "Request was throttled. Your rate limit resets in ~1s."}
    server.on("create", faults.refuse(429, said), faults.refuse(429, said, Retry_After=1))
    target, began = driver(server), time.monotonic()
    handle = submitted(target, job_of(tmp_path))
    assert time.monotonic() - began >= 2.0
    assert [handle.ref] == list(server.jobs)
    told = [one for one in target.told() if one.operation == "create"]
    assert [(one.phase, one.http_status, one.attempt) for one in told] == [
        ("repeated", 429, 1), ("repeated", 429, 2), ("answered", 201, 3),
    ]  # fmt: skip


def test_a_refusal_is_in_the_services_words(server: FaultsServer, tmp_path: Path) -> None:
    server.on(
        "create", faults.refuse(422, {"detail": [{"loc": ["body", "fps"], "msg": "too many"}]})
    )
    with pytest.raises(SubmissionRejected, match=r"422.*body\.fps: too many"):
        submitted(driver(server), job_of(tmp_path))
    assert server.count("POST", "/jobs") == 1


def test_it_answers_before_it_has_read_all(server: FaultsServer, tmp_path: Path) -> None:
    server.on("reading", faults.refuse(413, {"error": "too large for us"}))
    with pytest.raises(CosmosError) as told:
        submitted(driver(server), job_of(tmp_path, size=30_000_000))
    # What it said is heard, or else that it hung up; in no case there may be a job.
    assert "too large for us" in told.value.message or not isinstance(told.value, LostAnswer)


def test_a_line_that_breaks_while_uploading_is_not_lost(
    server: FaultsServer, tmp_path: Path
) -> None:
    server.on("reading", faults.reset, times=9)
    with pytest.raises(HostUnreachable, match="before the request was sent whole") as told:
        submitted(driver(server, silence=0.3), job_of(tmp_path, size=30_000_000))
    assert not isinstance(told.value, LostAnswer)
    server.faults.clear()
    submitted(driver(server), job_of(tmp_path))
    assert len(server.jobs) == 1


def test_no_connection_is_no_lost_answer(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server, url="http://127.0.0.1:9", silence=0.3)
    with pytest.raises(HostUnreachable, match="no connection to lab") as told:
        submitted(target, job_of(tmp_path))
    assert not isinstance(told.value, LostAnswer)
    assert "cosmos targets shows the url of lab" in told.value.hint
    assert [one.phase for one in target.told()][-1] == "failed"


def test_a_name_that_leads_nowhere(server: FaultsServer, tmp_path: Path) -> None:
    with pytest.raises(HostUnreachable, match="no connection to lab") as told:
        submitted(driver(server, url="http://nowhere.invalid", silence=0.3), job_of(tmp_path))
    assert "is this machine on the network" in told.value.hint


@pytest.mark.parametrize("form", ["file", "base64", "data_uri"])
def test_a_file_that_changed_is_not_sent_whole(
    server: FaultsServer, tmp_path: Path, form: str
) -> None:
    job = job_of(tmp_path, form)
    assert isinstance(job.inputs[0].source, Path)
    job.inputs[0].source.write_bytes(b"9876543210" * 10_000)
    with pytest.raises(TransferError, match="changed since the run was planned"):
        submitted(driver(server), job)
    assert server.jobs == {}
    job.inputs[0].source.unlink()
    with pytest.raises(TransferError, match="cannot read"):
        submitted(driver(server), job)
    assert server.jobs == {}


def test_a_file_goes_to_the_store_and_may_go_twice(server: FaultsServer, tmp_path: Path) -> None:
    server.on("upload", faults.hang_up)
    target, reports = driver(server, silence=5.0), []
    job = job_of(tmp_path, "url")
    list(target.stage(job))
    target.submit(job, {}, lambda done, total, speed: reports.append((done, total)))
    assert server.count("POST", "/files") == 2 and len(server.jobs) == 1
    assert reports[-1][0] == reports[-1][1]
    (made,) = server.jobs.values()
    assert json.loads(made.request.body)["video"].endswith(f"sig={SIGNATURE}")


# -- looking after a job ---------------------------------------------------------------------------

ONCE = {
    "hangs up": faults.hang_up,
    "resets": faults.reset,
    "is cut off": faults.truncated,
    "is busy": faults.refuse(503),
    "is one too many": faults.refuse(429, {}, Retry_After=0),
    "comes in chunks": faults.chunked,
}


@pytest.mark.parametrize("fault", ONCE.values(), ids=ONCE)
def test_a_look_that(server: FaultsServer, tmp_path: Path, fault: Fault) -> None:
    """...goes wrong once is made again, and nobody notices."""
    target = driver(server, silence=5.0)
    handle = submitted(target, job_of(tmp_path))
    server.on("look", fault)
    assert ended(target, handle) == JobEnded(0, "exited", ended(target, handle).files)


AWAY = {
    "says nothing of the job": (faults.refuse(500), "it is 500"),
    "is a web page": (faults.words(b"<html>log in</html>", "text/html"), "log in"),
    "is empty": (faults.words(b""), "HTTP 200"),
    "is invalid": (faults.words(b'{"status": '), "status"),
    "is a list": (faults.words(b"[1, 2]"), "1, 2"),
    "is nested without end": (faults.words(b"[" * 200_000), "answers"),
    "is no text": (faults.words(b'{"status": "d\xff\xfe"}'), "answers"),
    "is no number": (faults.words(b'{"status": NaN}'), "NaN"),
}


@pytest.mark.parametrize(("fault", "said"), AWAY.values(), ids=AWAY)
def test_an_answer_that(server: FaultsServer, tmp_path: Path, fault: Fault, said: str) -> None:
    """...is none leaves the job as it was: somebody is in between, or it is not well."""
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.on("look", fault)
    with pytest.raises(HostUnreachable, match=said):
        list(target.follow(handle, 0))
    assert ended(target, handle).reason == "exited"


def test_a_job_that_is_not_known_is_gone(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.jobs.clear()
    assert ended(target, handle) == JobEnded(None, "gone")


@pytest.mark.parametrize(
    "fault", [faults.endless, faults.packed(b" " * 50_000_000), faults.packed(b" " * 9**8, 2)]
)
def test_an_answer_of_any_size_is_refused(
    server: FaultsServer, tmp_path: Path, fault: Fault
) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.on("look", fault)
    with pytest.raises(HostError, match=r"more than 8 MiB|not asked for"):
        list(target.follow(handle, 0))


@pytest.mark.parametrize("fault", [faults.drip_head, faults.drip_body, faults.drip_continue])
def test_an_answer_in_drops_has_an_end(server: FaultsServer, tmp_path: Path, fault: Fault) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.on("look", fault)
    began = time.monotonic()
    with pytest.raises(HostUnreachable, match="did not finish its answer within 1 s"):
        list(target.follow(handle, 0))
    assert time.monotonic() - began < 5


def test_odd_values_are_made_harmless(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    odd = {"status": "queued", "progress": 1e300}
    text = json.dumps({**odd, "note": "half \ud800 of one"}).replace("1e+300", "7.5")
    server.on("look", faults.words(text.encode()))
    seen = [one for one in target.follow(handle, 0) if isinstance(one, Progress)]
    assert seen[0] == Progress("queued", 1.0)


def test_the_time_limit_counts_from_the_start(server: FaultsServer, tmp_path: Path) -> None:
    server.looks = 10**6
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    events = list(target.follow(handle, 0, 0.2))
    assert events[-1] == JobEnded(None, "timeout")
    assert server.jobs[handle.ref].status == "cancelled"


def test_cancel_and_cancel_again(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    target.cancel(handle)
    assert ended(target, handle) == JobEnded(None, "cancelled")
    server.jobs.clear()
    target.cancel(handle)
    server.on("cancel", faults.refuse(500))
    with pytest.raises(HostUnreachable, match="did not end the job"):
        target.cancel(handle)


def test_one_event_a_kind_and_one_a_fault(server: FaultsServer, tmp_path: Path) -> None:
    server.looks = 2
    target = driver(server, silence=5.0)
    handle = submitted(target, job_of(tmp_path))
    target.told()
    server.on("look", faults.refuse(503))
    calls = [one for one in target.follow(handle, 0) if isinstance(one, Exchanged)]
    assert [(one.operation, one.phase, one.attempt) for one in calls] == [
        ("look", "repeated", 1), ("look", "answered", 2),
    ]  # fmt: skip
    assert server.count("GET", "/jobs/.*") == 4


# -- nothing secret is said ------------------------------------------------------------------------


def test_a_token_goes_to_its_own_host_alone(server: FaultsServer, tmp_path: Path) -> None:
    with faults_server(server.film) as other:
        server.elsewhere = other.url
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        other.jobs[handle.ref] = server.jobs[handle.ref]
        assert fetched(target, handle, tmp_path) == server.film
        assert [call.headers.get("authorization") for call in other.requests] == [None]
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("place_", ["here", "there"])
def test_a_redirect(server: FaultsServer, tmp_path: Path, place_: str) -> None:
    with faults_server(server.film) as other:
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        other.jobs[handle.ref] = server.jobs[handle.ref]
        there = other if place_ == "there" else server
        server.on("film", faults.moved(there.url + "{path}", 307))
        assert fetched(target, handle, tmp_path) == server.film
        last = there.requests[-1]
        assert last.headers.get("authorization") == (None if there is other else f"Bearer {TOKEN}")


def test_redirects_that_lead_nowhere(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.on("look", *[faults.moved("{path}")] * 9)
    with pytest.raises(HostError, match="in circles"):
        list(target.follow(handle, 0))
    server.faults.clear()
    for location in ("file:///etc/passwd", "ftp://somewhere/x"):
        server.on("look", faults.moved(location))
        with pytest.raises(HostError, match="sends us to"):
            list(target.follow(handle, 0))
    server.on("create", faults.moved("https://elsewhere.example/{path}", 308))
    with pytest.raises(SubmissionRejected, match="sends the request elsewhere"):
        submitted(target, job_of(tmp_path))
    assert len(server.jobs) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
def test_a_token_that_the_service_repeats_is_masked(
    server: FaultsServer, tmp_path: Path, status: int
) -> None:
    server.on("create", faults.echo(status))
    target = driver(server)
    with pytest.raises(CosmosError) as told:
        submitted(target, job_of(tmp_path))
    said = f"{told.value.message} {told.value.hint} {target.told()}"
    assert "bad credentials" in said
    assert TOKEN not in said and SIGNATURE not in said


def test_nothing_secret_is_in_events_logs_and_plans(server: FaultsServer, tmp_path: Path) -> None:
    target, job = driver(server), job_of(tmp_path, "url")
    handle = submitted(target, job)
    server.on("film", faults.cut_film(90_000))
    events: list[Any] = [*target.told(), *target.follow(handle, 0)]
    events += target.fetch(handle, events[-1].files, tmp_path)
    said = "\n".join(map(str, [*events, target.log_now(handle, 0), target.explain(job)]))
    assert "/film" in said, "the address is told"
    assert TOKEN not in said and SIGNATURE not in said


def test_a_token_that_is_none_is_not_shown(server: FaultsServer, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}\r\nX-Evil: 1"}
    target = OnHttp("lab", Client(Address("lab", server.url), lambda: headers), Films())
    with pytest.raises(ConfigError, match="characters that no header may have") as told:
        submitted(target, job_of(tmp_path))
    assert TOKEN not in str(told.value) and server.requests == []


# -- results ---------------------------------------------------------------------------------------

BIG = bytes(range(256)) * 8000


def test_a_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    with faults_server(BIG) as server:
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        server.on("film", faults.cut_film(700_000), faults.cut_film(700_000))
        assert fetched(target, handle, tmp_path) == BIG
        asked = [call.headers.get("range") for call in server.requests if "/film" in call.path]
        assert asked[0] is None and len(asked) == 3 and None not in asked[1:]
        told = [one for one in target.told() if one.operation == "download"]
        assert told == [], "the generator yields them"


def test_another_process_goes_on_with_a_download(tmp_path: Path) -> None:
    with faults_server(BIG) as server:
        handle = submitted(driver(server), job_of(tmp_path))
        server.on("film", faults.cut_film(50_000), faults.hang_up)
        for _ in range(2):
            with pytest.raises(CosmosError) as told:
                fetched(driver(server), handle, tmp_path)
            assert told.value.transient
        assert fetched(driver(server), handle, tmp_path) == BIG
        assert server.requests[-1].headers["range"].startswith("bytes=")


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    with faults_server(BIG) as server:
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        server.on("film", faults.cut_film(50_000))
        with pytest.raises(CosmosError):
            fetched(target, handle, tmp_path)
        server.film = BIG[::-1]
        assert fetched(target, handle, tmp_path) == BIG[::-1]


def _wrong_range(talk: faults.Talk, call: faults.Request) -> None:
    """A range that is not the one that was asked for."""
    talk.head(206, Content_Type="video/mp4", Content_Length=9, Content_Range="bytes 0-8/9",
              ETag=call.headers["if-range"])  # fmt: skip
    talk.raw(b"the begin")


def _other_version(talk: faults.Talk, call: faults.Request) -> None:
    """The right range of another file."""
    start = int(call.headers["range"][6:-1])
    talk.head(206, Content_Type="video/mp4", Content_Length=4, ETag='"another"',
              Content_Range=f"bytes {start}-{start + 3}/{start + 4}")  # fmt: skip
    talk.raw(b"tail")


@pytest.mark.parametrize(
    "fault", [_wrong_range, _other_version, faults.refuse(416)], ids=["range", "version", "416"]
)
def test_a_server_that_goes_on_wrongly(tmp_path: Path, fault: Fault) -> None:
    with faults_server(BIG) as server:
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        server.on("film", faults.cut_film(50_000), fault)
        with pytest.raises(CosmosError, match="broke off"):
            fetched(target, handle, tmp_path)
        with pytest.raises(CosmosError, match="another one by now"):
            fetched(target, handle, tmp_path)
        assert fetched(target, handle, tmp_path) == BIG


def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    with faults_server(BIG) as server:
        server.ranges = False
        target = driver(server)
        handle = submitted(target, job_of(tmp_path))
        server.on("film", faults.cut_film(900_000))
        with pytest.raises(CosmosError, match="broke off"):
            fetched(target, handle, tmp_path)
        assert fetched(target, handle, tmp_path) == BIG
        assert "range" not in server.requests[-1].headers


WRONG = {
    "no longer there": (faults.refuse(404), "no longer has", False),
    "expired": (faults.refuse(410), "no longer has", False),
    "a login": (faults.words(b"<html>", "text/html"), "as text/html, not as a video", False),
    "an error with 200": (faults.words(b"{}"), "as application/json", False),
    "packed": (faults.packed(b"x" * 999), "as application/json", False),
    "empty": (faults.words(b"", "video/mp4"), "ended after 0 of 0", True),
    "shorter than promised": (faults.drip_body, "hardly comes|did not|broke off", True),
    "one too many": (faults.refuse(429, {}, Retry_After=0), "HTTP 429", True),
    "a fault there": (faults.refuse(500), "it is 500", True),
    "forbidden": (faults.refuse(403), "HTTP 403", False),
}


@pytest.mark.parametrize(("fault", "said", "transient"), WRONG.values(), ids=WRONG)
def test_a_result_that_is(
    server: FaultsServer, tmp_path: Path, fault: Fault, said: str, transient: bool
) -> None:
    """...not one is told, and nothing of it is kept under its name."""
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))
    server.on("film", fault)
    with pytest.raises(CosmosError, match=said) as told:
        fetched(target, handle, tmp_path)
    assert told.value.transient is transient
    assert not (tmp_path / "outputs" / "output.mp4").exists()
    assert fetched(target, handle, tmp_path) == server.film


def test_a_result_of_unknown_length(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))

    def go(talk: faults.Talk, call: faults.Request) -> None:
        talk.head(200, Content_Type="video/mp4", Transfer_Encoding="chunked")
        talk.raw(b"5\r\nvideo\r\n0\r\n\r\n")

    server.on("film", go)
    assert fetched(target, handle, tmp_path) == b"video"


def test_there_is_no_room(server: FaultsServer, tmp_path: Path) -> None:
    target = driver(server)
    handle = submitted(target, job_of(tmp_path))

    def huge(talk: faults.Talk, call: faults.Request) -> None:
        talk.head(200, Content_Type="video/mp4", Content_Length=2**60)

    server.on("film", huge)
    with pytest.raises(TransferError, match="no room"):
        fetched(target, handle, tmp_path)


# -- how it is -------------------------------------------------------------------------------------


def test_facts(server: FaultsServer) -> None:
    service = driver(server).facts().service
    assert service is not None and service.ready
    server.on("probe", faults.refuse(503, {"error": "loading the model"}))
    began = time.monotonic()
    service = driver(server, silence=5.0).facts().service
    assert service is not None and not service.ready and service.message == "loading the model"
    assert time.monotonic() - began < 1.0, "a person waits: it is asked once"


@pytest.mark.parametrize(
    ("fault", "said", "kind"),
    [
        (faults.words(b"<html>hello</html>", "text/html"), "answers with a web page", HostError),
        (faults.refuse(401), "refuses us", AuthenticationFailed),
        (faults.hang_up, "did not answer", HostUnreachable),
        (faults.no_http, "no HTTP", HostUnreachable),
    ],
)
def test_facts_of_what_is_no_service(
    server: FaultsServer, fault: Fault, said: str, kind: type[CosmosError]
) -> None:
    server.on("probe", fault)
    with pytest.raises(kind, match=said):
        driver(server).facts()


def test_many_at_once(server: FaultsServer, tmp_path: Path) -> None:
    """One driver, used by many threads: each follows its own job."""
    server.looks = 1
    target, job = driver(server, silence=5.0), job_of(tmp_path)
    handles = [submitted(target, job) for _ in range(8)]
    found: list[JobEnded] = []
    threads = [
        threading.Thread(target=lambda handle=handle: found.append(ended(target, handle)))  # type: ignore[misc]
        for handle in handles
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.reason for one in found] == ["exited"] * 8
