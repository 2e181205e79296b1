"""A long answer read in pieces, the dialect of NIMs, and the job that holds a request."""

from __future__ import annotations

import base64
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_workflow.config.settings import ServiceSettings, Settings
from cosmos_workflow.errors import ConfigError, HostError, HostUnreachable, TransferError
from cosmos_workflow.events import Exchanged
from cosmos_workflow.execution.dialect import Answer, Dialect, Synchronous
from cosmos_workflow.execution.dialects.nim import Nim, infer, is_hosted
from cosmos_workflow.execution.dialects.videos import Videos
from cosmos_workflow.execution.held import exchanges
from cosmos_workflow.execution.job import Attached, RequestJob
from cosmos_workflow.execution.on_http_held_answer import PIECE, split
from cosmos_workflow.execution.places_http import http

NIM = Nim()
URL = "http://localhost:8000"
JOB = RequestJob("job", "nim", "nim", {"prompt": "x"}, {"run": ("outputs/output.mp4",)})


# -- the answer ------------------------------------------------------------------------------------


def read(folder: Path, text: str | bytes, piece: int = PIECE) -> tuple[dict[str, Any], bytes]:
    answer, video = folder / "answer.json", folder / "video"
    answer.write_bytes(text if isinstance(text, bytes) else text.encode())
    fields = split(answer, {"b64_video": video}, piece)
    return fields, video.read_bytes() if video.exists() else b""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), st.binary(min_size=1), st.booleans(),
       st.booleans())  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_any_answer_in_pieces_of_any_size(
    tmp_path_factory: pytest.TempPathFactory,
    rest: dict[str, Any],
    data: bytes,
    slashes: bool,
    plain: bool,
) -> None:
    rest.pop("b64_video", None)
    video = base64.b64encode(data).decode()
    text = json.dumps({**rest, "b64_video": video, "seed": 7}, ensure_ascii=plain)
    text = text.replace(video, video.replace("/", "\\/")) if slashes else text
    folder = tmp_path_factory.mktemp("answer")
    for size in (1, 2, 7, 1 << 18):
        fields, found = read(folder, text, size)
        assert found == data
        assert fields == {**rest, "b64_video": "", "seed": 7}


def test_a_field_of_that_name_deeper_is_not_the_video(tmp_path: Path) -> None:
    fields, found = read(tmp_path, '{"more": {"b64_video": "no"}, "list": ["b64_video", "no"]}')
    assert fields == {"more": {"b64_video": "no"}, "list": ["b64_video", "no"]}
    assert found == b""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"b64_video": "AAAA*AAA"}', "not valid base64, at character 4"),
        ('{"b64_video": "AAA"}', "it is cut off"),
        ('{"b64_video": "AA==AAAA"}', "not valid base64"),
        ('{"b64_video": "AAAA\\nAAAA"}', "not valid base64, at character 4"),
        ('{"b64_video": "data:video/mp4;base64,AAAA"}', "not valid base64, at character 4"),
        ('{"b64_video": ""}', "is empty"),
        ('{"b64_video": null}', "is not text"),
        ('{"b64_video": {"a": "AAAA"}}', "is not text"),
        ('{"b64_video": "AAAAAAAA', "ended in the middle of the video"),
        ('{"b64_video": "AAAA", "seed', "ended in the middle"),
        ('{"b64_video": "AAAA"', "ended in the middle"),
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ('["b64_video"]', "no object"),
        (b'{"seed": "\xff"}', "not JSON"),
    ],
)
def test_an_answer_that_is_none(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(TransferError) as error:
        read(tmp_path, text)
    assert said in error.value.message


def test_an_answer_that_is_long_without_a_video(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="more than 8 MiB besides the video"):
        read(tmp_path, '{"noise": "' + "x" * (9 << 20) + '"}')


def test_memory_is_flat_in_the_video(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(b'{"b64_video": "' + b"AAAA" * (8 << 20) + b'"}')
    tracemalloc.start()
    split(tmp_path / "answer.json", {"b64_video": tmp_path / "video"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert (tmp_path / "video").stat().st_size == 24 << 20


# -- the dialect -----------------------------------------------------------------------------------


def test_which_kind_of_service_it_is() -> None:
    assert isinstance(NIM, Synchronous)
    assert not isinstance(Videos(), Synchronous)
    asked: Dialect = Videos()
    assert asked.name == "videos"


@pytest.mark.parametrize(
    ("url", "root", "where"),
    [
        (URL, URL, "/v1/infer"),
        (f"{URL}/", URL, "/v1/infer"),
        (f"{URL}/v1/", URL, "/v1/infer"),
        (f"{URL}/v1/infer", URL, "/v1/infer"),
        (f"{URL}/cosmos/v1", f"{URL}/cosmos", "/v1/infer"),
        ("https://f1.invocation.api.nvcf.nvidia.com",) * 2 + ("/v1/infer",),
        ("https://ai.api.nvidia.com/v1/cosmos/nvidia/x",) * 3,
        ("https://api.nvcf.nvidia.com/v2/nvcf/pexec/functions/f1",) * 3,
    ],
)
def test_addresses(url: str, root: str, where: str) -> None:
    assert NIM.root(url) == root
    assert infer(root) == where


def test_only_the_makers_own_is_hosted() -> None:
    assert is_hosted("https://api.nvcf.nvidia.com/x")
    assert not is_hosted("https://nvidia.com.example.org")
    assert NIM.ready("https://api.nvcf.nvidia.com/x") is None
    assert NIM.ready(URL) is not None


def test_a_token_is_sent_where_there_is_one() -> None:
    assert "Authorization" not in NIM.headers("")
    assert NIM.headers("abc")["Authorization"] == "Bearer abc"


def test_not_yet_is_asked_after() -> None:
    later = Answer(202, {"nvcf-reqid": "a/b"})
    assert NIM.again(JOB, URL, Answer(200, {})) is None
    call = NIM.again(JOB, URL, later)
    assert call is not None and call.path == "/v2/nvcf/pexec/status/a%2Fb"
    hosted = NIM.again(JOB, "https://ai.api.nvidia.com/v1/x", later)
    assert hosted is not None and hosted.path.startswith("https://api.nvcf.nvidia.com/v2/")
    assert hosted.headers["NVCF-POLL-SECONDS"] == "299"
    assert hosted.ours, "its status is the maker's own, elsewhere"
    with pytest.raises(HostError, match="does not say which"):
        NIM.again(JOB, URL, Answer(202, {}))


def test_health() -> None:
    assert NIM.is_ready(Answer(200, {}, {"status": "ready"})) == "ready"
    with pytest.raises(HostUnreachable, match="not ready"):
        NIM.is_ready(Answer(503, {}, {"detail": "loading"}))
    for body in (None, [], {"ready": True}, {"status": True}):
        with pytest.raises(HostError) as error:
            NIM.is_ready(Answer(200, {}, body, "<html>"))
        assert not error.value.transient


@pytest.mark.parametrize("status", ["failed", "ERROR", "rejected"])
def test_a_failure_told_with_200(status: str) -> None:
    assert NIM.fault({"status": status, "message": "no"}) == f"the NIM says {status}: no"
    assert NIM.fault({"status": "succeeded"}) == ""


def test_a_video_that_is_elsewhere_is_not_fetched() -> None:
    for fields in ({"url": "https://a/b"}, {"artifacts": [{"uri": "s3://a/b"}]}):
        assert "nothing was fetched" in NIM.missing(fields)
    assert NIM.missing({"b64_video": ""}) == ""
    assert NIM.missing({}) == "the answer has no b64_video, only nothing"


def test_facts_of_another_type_are_left_out() -> None:
    kept = NIM.told({"seed": 7, "upsampled_prompt": "x", "b64_video": "", "other": 1})
    assert kept == {"seed": 7, "upsampled_prompt": "x"}
    assert NIM.told({"seed": "7", "upsampled_prompt": None, "model": ["x"]}) == {}
    assert NIM.told({"seed": True}) == {}


def test_what_it_is() -> None:
    health = Answer(200, {}, {"status": "ready"})
    info = {"version": "1.2", "modelInfo": [{"shortName": "cosmos3:1"}, {"modelUrl": "ngc://x"}]}
    listed = Answer(200, {}, {"data": [{"id": "cosmos3:1"}, {"id": "y"}]})
    facts = NIM.service([health, Answer(200, {}, info), listed])
    assert (facts.ready, facts.version) == (True, "1.2")
    assert facts.models == ("cosmos3:1", "ngc://x", "y")
    assert NIM.service([None, None, None]).message == "no answer"
    assert NIM.service([health, Answer(404, {}), None]).models == ()
    assert not NIM.service([Answer(503, {}), None, None]).ready


# -- the log ---------------------------------------------------------------------------------------


def test_calls_are_read_from_the_log() -> None:
    line = (
        'exchange: {"operation": "health", "phase": "answered", "http_status": 200, "attempt": 1,'
        ' "target": "http://h/x", "seconds": 0.1, "reason": ""}'
    )
    text = f"held: x\n{line}\nanswer: {{}}\n"
    assert list(exchanges(text)) == [Exchanged("health", "answered", 200, 1, "http://h/x", 0.1)]


def test_files_on_a_server_s_disk_are_refused() -> None:
    services = {"nim": ServiceSettings(dialect="nim", url=URL)}
    target = http(Settings(root=Path("/project"), services=services), "nim")
    target.check(JOB)
    with pytest.raises(ConfigError, match="within the request only"):
        target.check(RequestJob("j", "nim", "nim", {"v": Attached("v", "path")}, {}))
    with pytest.raises(ConfigError, match="speaks nim; the engine x speaks videos"):
        target.check(RequestJob("j", "x", "videos", {}, {}))


def test_a_hosted_service_is_not_asked_what_it_is() -> None:
    hosted = ServiceSettings(dialect="nim", url="https://ai.api.nvidia.com/v1/cosmos/nvidia/x")
    target = http(Settings(root=Path("/project"), services={"hosted": hosted}), "hosted")
    service = target.facts().service
    assert service is not None
    assert (service.ready, service.models) == (True, ())
    shown = target.explain(JOB)
    assert "POST https://ai.api.nvidia.com/v1/cosmos/nvidia/x (json)" in shown


def test_a_request_is_not_held_by_way_of_another_machine() -> None:
    away = ServiceSettings(dialect="nim", url=URL, via="gpu")
    with pytest.raises(ConfigError, match="cannot be reached via gpu") as error:
        http(Settings(root=Path("/project"), services={"nim": away}), "nim")
    assert "ssh -N -L" in error.value.hint
