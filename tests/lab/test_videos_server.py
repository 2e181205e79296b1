"""The contract server refuses what the real ones refuse: what it lets through means something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from scene import until
from servers.forms import Form, Upload, parse
from servers.videos import MODEL, videos_server
from servers.videos_rules import Broken, Flavour, Refused, check, hints

OLD, NEW = Flavour(version=(0, 26)), Flavour(version=(0, 28))


def form(**fields: Any) -> Form:
    return {
        key: value if isinstance(value, str | Upload) else json.dumps(value)
        for key, value in {"prompt": "rain", **fields}.items()
    }


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"num_frames": 0}, "num_frames"),
        ({"guidance_scale": 20.5}, "guidance_scale"),
        ({"guidance_scale": "NaN"}, "guidance_scale"),
        ({"num_inference_steps": "35.0"}, "num_inference_steps"),
        ({"size": "1280*720"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"steps": 3}, "steps"),
        ({"input_reference": "not a file"}, "input_reference"),
    ],
)
def test_a_field_out_of_place_is_422(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(Refused) as why:
        check(form(**fields), NEW, MODEL)
    assert why.value.status == 422
    assert why.value.detail[0]["loc"] == ["body", place]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "another/model"},
        {"extra_params": "{"},
        {"extra_params": []},
        {"extra_params": {"controll_guidance": 1}},
        {"control_type": "edge"},
        {"control_type": "vis", "control_reference": Upload("a", "video/mp4", b"x")},
    ],
)
def test_what_does_not_fit_is_400(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused) as why:
        check(form(**fields), NEW, MODEL)
    assert why.value.status == 400


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"edge": {"weight": 0.5}}, "Unsupported Cosmos3 transfer hint 'edge' fields"),
        ({"edge": {"preset_edge_threshold": "strong"}}, "preset"),
        ({"edge": {}}, "requires a video input"),
        ({"depth": True}, "requires a precomputed control_path"),
        ({"depth": "/none.mp4"}, "Missing Cosmos3 transfer control_path"),
        ({"max_frames": 5}, "no transfer hint was selected"),
        ({"seg": {"control_path": "/bin/sh", "control_weight": 0}}, "positive sum"),
    ],
)
def test_what_the_pipeline_refuses(extra: dict[str, Any], said: str, tmp_path: Path) -> None:
    values = check(form(extra_params=extra), NEW, MODEL)
    with pytest.raises(Broken, match=said):
        hints(values, NEW, tmp_path)


def test_an_older_server_has_no_uploads() -> None:
    upload = {"control_reference": Upload("a", "video/mp4", b"x"), "control_type": "edge"}
    check(form(**upload), NEW, MODEL)
    with pytest.raises(Refused):
        check(form(**upload), OLD, MODEL)


@pytest.mark.parametrize(
    "body",
    [
        b"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n",
        b"--B\r\nContent-Disposition: form-data; name=\"a\"\r\nx\r\n--B--\r\n",
        b"junk--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--B--\r\n",
        b"--B\r\nContent-Disposition: attachment\r\n\r\nx\r\n--B--\r\n",
    ],
    ids=["no end", "no gap", "junk", "no name"],
)  # fmt: skip
def test_a_form_that_is_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"form|part"):
        parse("multipart/form-data; boundary=B", body)


def test_a_transfer_that_says_no_frames_stalls() -> None:
    with videos_server(seconds=0.0) as server:
        extra = {"seg": {"control_path": "/bin/sh"}, "max_frames": 5}
        fields = {key: (None, value) for key, value in form(extra_params=extra).items()}
        job = httpx.post(f"{server.url}/v1/videos", files=fields).json()
        until(lambda: server.jobs[job["id"]].status == "in_progress", "never begun")
        look = httpx.get(f"{server.url}/v1/videos/{job['id']}").json()
        assert (look["status"], look["progress"]) == ("in_progress", 0)
        early = httpx.get(f"{server.url}/v1/videos/{job['id']}/content")
        assert (early.status_code, early.json()["detail"]) == (
            404, "Generation is still in-progress"
        )  # fmt: skip
        server.restart()
        assert httpx.get(f"{server.url}/v1/videos/{job['id']}").status_code == 404
