"""Bodies of requests: every byte where a strict server wants it, and no file that changed."""

from __future__ import annotations

import base64
import json
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_workflow.errors import TransferError
from cosmos_workflow.execution.job import Attached
from cosmos_workflow.execution.on_http_body import Body, form_body, json_body
from cosmos_workflow.ids import sha256_file


def whole(body: Body) -> bytes:
    data = b"".join(body.pieces())
    assert len(data) == body.size == int(body.headers()["Content-Length"])
    return data


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 393_215, 393_216, 393_217, 1_000_000])
def test_base64_of_any_size(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    fields = {"b": [Attached("a", "base64")], "c": Attached("a", "data_uri", "video/mp4"), "d": 1}
    sent = json.loads(whole(json_body(fields, lambda key: file, {"a": sha256_file(file)})))
    assert base64.b64decode(sent["b"][0], validate=True) == file.read_bytes()
    assert sent["c"] == f"data:video/mp4;base64,{sent['b'][0]}" and sent["d"] == 1


@settings(max_examples=50)
@given(st.text(), st.text())
def test_words_are_words(prompt: str, other: str) -> None:
    fields = {"prompt": prompt, "other": {"deep": [other, None, True, 1.5]}}
    prompt.encode("utf-8", "surrogatepass")
    try:
        sent = whole(json_body(fields, Path))
    except UnicodeEncodeError:
        assert any("\ud800" <= c <= "\udfff" for c in prompt + other)
        return
    assert json.loads(sent) == fields


def test_a_form(tmp_path: Path) -> None:
    file = tmp_path / 'it"s\r\na film.m"p4'
    file.write_bytes(b"\x00\r\n--boundary\r\n\xff")
    fields = {
        "prompt": "a wet street; 夜\r\n--x", "seed": 7, "on": True, "none": None, "size": [1, 2],
        "extra": {"a": "夜"}, "video": Attached("color", "file", "video/mp4"),
    }  # fmt: skip
    body = form_body(fields, lambda key: file)
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="content-disposition"): part
        for part in message_from_bytes(head + whole(body), policy=HTTP).iter_parts()  # type: ignore[attr-defined]
    }
    text = {name: part.get_payload(decode=True).decode() for name, part in parts.items()
            if name != "video"}  # fmt: skip
    assert text == {
        "prompt": "a wet street; 夜\r\n--x", "seed": "7", "on": "true", "size": "[1, 2]",
        "extra": '{"a": "夜"}',
    }  # fmt: skip
    assert parts["video"].get_payload(decode=True) == file.read_bytes()
    assert parts["video"].get_filename() == "color.m_p4"
    assert parts["video"].get_content_type() == "video/mp4"


def test_the_last_piece_of_another_file_is_kept_back(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"0" * 1_000_000)
    body = form_body({"a": Attached("a", "file")}, lambda key: file, {"a": sha256_file(file)})
    promised = body.size
    file.write_bytes(b"1" * 1_000_000)
    sent = bytearray()
    with pytest.raises(TransferError, match="changed since"):
        for piece in body.pieces():
            sent += piece
    assert len(sent) < promised - 100_000


@pytest.mark.parametrize("size", [10, 999_999, 1_000_001])
def test_a_file_that_grows_or_shrinks(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"0" * 1_000_000)
    body = json_body({"a": Attached("a", "base64")}, lambda key: file)
    pieces = body.pieces()
    next(pieces), next(pieces)
    with file.open("r+b") as changed:
        changed.truncate(size)
    with pytest.raises(TransferError, match="changed since"):
        list(pieces)


def test_it_can_be_sent_again_and_says_how_far_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"0" * 1_000_000)
    told: list[tuple[int, int]] = []
    body = Body(
        form_body({"a": Attached("a", "file")}, lambda key: file).parts, "x/y",
        lambda done, total, speed: told.append((done, total)),
    )  # fmt: skip
    assert whole(body) == whole(body)
    assert [done for done, _ in told] == sorted([done for done, _ in told[: len(told) // 2]]) * 2
    assert told[-1] == (body.size, body.size)
