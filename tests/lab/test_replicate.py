"""Replicate, from the command line to a video that is home."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from project import Project
from scene import counted, until
from servers.replicate import TOKEN, Prediction, ReplicateServer, replicate_server
from servers.replicate_rules import COG_I2V, HEX, LTX

from cosmos_workflow.engines.replicate import Replicate
from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.probe import probe

CONFIG = """
[services.replicate]
dialect = "replicate"
url = "{url}"
{service}

[models.studio]
slug = "lightricks/ltx-video-0.9.7"
deployment = "studio/ltx"
inputs = {{ seed = "seed" }}
fixed = {{ num_frames = 9 }}

[models.flip]
slug = "me/flip"
prompt = "words"
video = "video"
"""


def configure(project: Project, server: ReplicateServer, service: str = "") -> None:
    project.configure(CONFIG.format(url=server.url, service=service))


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateServer]:
    """The service, configured, with its token in the environment."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    with replicate_server() as one:
        configure(project, one)
        yield one


def made(
    project: Project, model: str, *args: str, words: str = "a wet street", negative: str = ""
) -> str:
    """A small RunSpec."""
    more = ("--negative-prompt", negative) if negative else ()
    spec = project.json("create-spec", "street", words, "--input-video", "shot/color.mp4", *more)[
        -1
    ]["id"]
    frames = () if model in ("flip", "studio") else ("--option", "frames=9")
    return str(
        project.json(
            "create-run", spec, "--engine", "replicate", "--option", f"model={model}", *frames,
            *args,
        )[-1]["id"]
    )  # fmt: skip


def ran(project: Project, run: str, *args: str, code: int = 0) -> str:
    """What ``cosmos run`` says."""
    done = project.cosmos("run", run, "--target", "replicate", *args, code=code)
    return done.stdout + done.stderr


def home(project: Project, run: str, frames: int = 9) -> RunFolder:
    """The run that succeeded, its video whole and of that length."""
    folder = project.run(run)
    found = folder.run()
    assert found.status is ExecutionStatus.SUCCESS, found.message
    result = folder.path / found.outputs[0].path
    assert sha256_file(result) == found.outputs[0].sha256
    assert probe(result).frames == frames
    return folder


def test_wan_makes_a_picture_move(project: Project, server: ReplicateServer) -> None:
    run = made(project, "wan_i2v", "--option", "still=3", "--seed", "7")
    ran(project, run)
    home(project, run)
    given = dict(asked(server).body["input"])
    assert given.pop("image").startswith(("data:image/png;base64,", "http"))
    assert given == {
        "prompt": "a wet street", "seed": 7, "num_frames": 9, "frames_per_second": 16,
        "sample_steps": 30, "sample_guide_scale": 5.0,
    }  # fmt: skip


def asked(server: ReplicateServer) -> Prediction:
    """The one prediction that was made."""
    (one,) = server.predictions.values()
    return one


def test_words_become_a_video(project: Project, server: ReplicateServer) -> None:
    run = made(project, "ltx", "--seed", "7", "--steps", "20", negative="blurry")
    ran(project, run)
    folder, one = home(project, run), asked(server)
    assert one.body["version"] == f"lightricks/ltx-video-0.9.7:{LTX}"
    assert one.body["input"] == {
        "prompt": "a wet street", "negative_prompt": "blurry", "seed": 7,
        "num_inference_steps": 20, "guidance_scale": 3.0, "num_frames": 9, "fps": 24,
        "width": 704, "height": 480,
    }  # fmt: skip
    assert one.deadline is not None
    log = folder.log_file.read_text()
    assert log.count("| 4/4 [") == 1 and '"predict_time": 1.5' in log
    assert server.delivery.tokens == []
    assert TOKEN not in "".join(f.read_text() for f in folder.path.glob("*.json*"))


def test_a_first_frame_goes_with_the_request_or_is_uploaded(
    project: Project, server: ReplicateServer
) -> None:
    run = made(project, "cogvideox_i2v", "--option", "still=3")
    said = ran(project, run)
    assert "making still from color.mp4" in said
    home(project, run)
    head, _, text = asked(server).body["input"]["image"].partition(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(picture(base64.b64decode(text)), frame(project, 3))
    assert not np.array_equal(frame(project, 2), frame(project, 3))
    assert asked(server).body["version"].endswith(COG_I2V)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=800x600,geq=random(1)*255",
         "-frames:v", "1", str(project.root / "noise.png")],
        check=True,
    )  # fmt: skip
    server.predictions.clear()
    run = made(project, "ltx", "--option", "image=noise.png")
    ran(project, run)
    home(project, run)
    (upload,) = server.files.values()
    assert upload.media_type == "image/png"
    assert hashlib.sha256(upload.data).hexdigest() == sha256_file(project.root / "noise.png")
    assert asked(server).body["input"]["image"].startswith(f"{server.url}/files/")


def test_official_models_newest_versions_and_deployments(
    project: Project, server: ReplicateServer
) -> None:
    for model, call in {
        "wan_t2v": ("POST", "/v1/models/wavespeedai/wan-2.1-t2v-480p/predictions"),
        "cogvideox_t2v": ("POST", "/v1/predictions"),
        "studio": ("POST", "/v1/deployments/studio/ltx/predictions"),
    }.items():
        server.predictions.clear()
        run = made(project, model)
        ran(project, run)
        home(project, run)
        assert call in server.requests
    server.predictions.clear()
    run = made(project, "cogvideox_t2v", "--seed", "2")
    ran(project, run)
    assert asked(server).body["version"] == f"thudm/cogvideox-t2v:{HEX}"


def test_a_model_of_the_config_works_on_a_video(project: Project, server: ReplicateServer) -> None:
    run = made(project, "flip")
    ran(project, run)
    home(project, run)
    assert set(asked(server).body["input"]) == {"video", "words"}


def test_a_quick_model_is_waited_for(project: Project, server: ReplicateServer) -> None:
    run = made(project, "ltx", "--option", "wait=30")
    ran(project, run)
    home(project, run)
    assert asked(server).status == "succeeded"


def picture(png: bytes) -> np.ndarray[Any, Any]:
    """Pixels of a PNG."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]


def frame(project: Project, number: int) -> np.ndarray[Any, Any]:
    """Pixels of a frame of the small shot, counted from 0, by another way than the product's."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(project.root / "shot/color.mp4"), "-frames:v", "12",
         "-f", "rawvideo", "-pix_fmt", "bgr24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(done.stdout, np.uint8).reshape(12, 176, 320, 3)[number]


# -- what is refused, and where -------------------------------------------------------------------


def test_the_models_own_schema_is_asked_before_anything_is_uploaded(
    project: Project, server: ReplicateServer
) -> None:
    wrong = '{"frames_per_second": 60, "aspect_ratio": "9:15", "sample_step": 3}'
    said = ran(project, made(project, "wan_t2v", "--option", f"inputs={wrong}"), code=6)
    assert "frames_per_second: 60 is out of range; it takes 5 to 24" in said
    assert "did you mean 9:16?" in said and "did you mean sample_steps?" in said
    assert [call for call in server.requests if call[0] == "POST"] == []


def test_what_no_schema_is_needed_for_is_refused_at_once(
    project: Project, server: ReplicateServer
) -> None:
    spec = project.json("create-spec", "street", "wet", "--input-video", "shot/color.mp4")[-1]["id"]

    def refused(*args: str) -> str:
        given = ("create-run", spec, "--engine", "replicate", *args)
        return project.cosmos(*given, code=3).stderr

    assert "did you mean 'ltx'" in refused("--option", "model=lxt")
    assert "has no fps" in refused("--option", "model=cogvideox_t2v", "--fps", "24")
    assert "frames=9 or --option frames=17" in refused("--option", "frames=10")
    assert "begins with no picture" in refused("--option", "model=wan_t2v", "--option", "still=0")
    assert server.requests == []


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        ("", 2, "REPLICATE_API_TOKEN is not set"),
        ("wrong", 4, "HTTP 401): You did not pass a valid"),
        ("two words", 2, "it is one word"),
    ],
)
def test_no_token_or_a_wrong_one(
    project: Project, server: ReplicateServer, monkeypatch: pytest.MonkeyPatch,
    token: str, code: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    said = ran(project, made(project, "ltx"), code=code)
    assert words in " ".join(said.split())
    assert not token or token == "wrong" or token not in said


def test_an_empty_purse(project: Project, server: ReplicateServer) -> None:
    server.be.poor = True
    assert "wants to be paid first" in ran(project, made(project, "ltx"), code=4)


def test_too_large_for_the_store(project: Project, server: ReplicateServer) -> None:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", "-y",
         str(project.root / "large.png")],
        check=True,
    )  # fmt: skip
    with (project.root / "large.png").open("ab") as file:
        file.truncate(100 * 10**6 + 1)
    run = made(project, "ltx", "--option", "image=large.png")
    assert "100 MB; Replicate takes files up to 100 MB" in ran(project, run, code=6)
    assert server.files == {}


# -- what goes wrong on the way -------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost_answer", "look_502", "truncated", "redirect"])
def test_what_is_survived(project: Project, server: ReplicateServer, fault: str) -> None:
    server.be.once.add(fault)
    run = made(project, "ltx")
    ran(project, run)
    home(project, run)
    assert server.be.once == set() and len(server.predictions) == 1
    assert server.delivery.tokens == []


def test_a_lost_answer_is_looked_up_also_where_the_list_tells_no_input(
    project: Project, server: ReplicateServer
) -> None:
    server.be.lists_input = False
    server.be.once.add("lost_answer")
    run = made(project, "ltx")
    ran(project, run)
    home(project, run)


def test_an_error_of_its_own_is_not_asked_again(project: Project, server: ReplicateServer) -> None:
    server.be.once.add("create_500")
    assert "HTTP 500" in ran(project, made(project, "ltx"), code=6)
    assert len(server.creations) == 1 and server.predictions == {}


def test_what_never_arrived_is_asked_again_when_it_surely_did_not(
    project: Project, server: ReplicateServer
) -> None:
    configure(project, server, "silence = 5")
    server.be.once.add("never_arrived")
    run = made(project, "ltx")
    ran(project, run)
    home(project, run)
    first, second = server.creations
    assert second - first >= 5.0 and ("GET", "/v1/predictions") in server.requests


def test_a_throttled_creation_waits_as_long_as_it_is_told(
    project: Project, server: ReplicateServer
) -> None:
    server.be.throttled, server.be.reset = 1, 2
    run = made(project, "ltx")
    before, waits, after = ran(project, run).partition("the service has us wait")
    assert waits and "submitted" not in before and "submitted" in after
    home(project, run)
    first, second = server.creations
    assert second - first >= 2.0


def test_a_service_that_is_down(project: Project, server: ReplicateServer) -> None:
    run = made(project, "ltx")
    server.be.down = True
    began = project.begin("run", run, "--target", "replicate", "--json")
    folder = project.run(run)
    until(lambda: "Disconnected" in counted(folder), "it does not notice")
    server.be.down = False
    assert began.wait(60) == 0
    home(project, run)
    assert len(server.predictions) == 1


# -- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "cause"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "FAILED", "out_of_memory"),
        ("NSFW content detected. Try again with another prompt", "BLOCKED", "blocked"),
        ("The input or output was flagged as sensitive. (E005)", "BLOCKED", "blocked"),
        ("list index out of range", "FAILED", "engine"),
    ],
)
def test_a_failure_in_its_own_words(
    project: Project, server: ReplicateServer, error: str, status: str, cause: str
) -> None:
    server.be.fails = error
    run = made(project, "ltx")
    ran(project, run, code=6)
    found = project.run(run).run()
    assert (found.status, found.cause) == (status, cause)
    assert error in found.message
    assert "Traceback" in project.run(run).log_file.read_text()


def test_a_deadline_before_it_began_and_after(project: Project, server: ReplicateServer) -> None:
    server.be.queue = 60
    run = made(project, "ltx")
    ran(project, run, "--time-limit", "5", code=6)
    server.be.queue, server.be.seconds = 0, 60
    later = made(project, "ltx", "--seed", "2")
    ran(project, later, "--time-limit", "5", code=6)
    for one in (run, later):
        assert project.run(one).run().cause == "timeout"


@pytest.mark.parametrize("how", ["removed", "gone"])
def test_a_result_that_is_gone(project: Project, server: ReplicateServer, how: str) -> None:
    server.be.removed = how == "removed"
    server.be.once |= {"gone"} if how == "gone" else set()
    run = made(project, "ltx")
    ran(project, run, code=6)
    assert project.run(run).run().cause == "expired"


def test_a_result_that_is_no_video(project: Project, server: ReplicateServer) -> None:
    server.be.once.add("wrong_type")
    run = made(project, "ltx")
    assert "as text/html, not as a video" in ran(project, run, code=5)
    project.cosmos("follow", run)
    home(project, run)


def test_a_run_is_left_and_taken_up_and_another_is_cancelled(
    project: Project, server: ReplicateServer
) -> None:
    server.be.seconds = 2.0
    run = made(project, "ltx")
    assert "left running" in ran(project, run, "--detach")
    project.cosmos("follow", run)
    home(project, run)
    server.be.seconds = 60.0
    other = made(project, "ltx", "--seed", "5")
    ran(project, other, "--detach")
    project.cosmos("cancel", other)
    assert project.run(other).run().status is ExecutionStatus.CANCELLED
    assert [one.status for one in server.predictions.values()] == ["succeeded", "canceled"]


def test_asked_sent_and_echoed(project: Project, server: ReplicateServer) -> None:
    run = made(project, "wan_t2v", "--seed", "3", "--steps", "12", "--fps", "8")
    ran(project, run)
    folder = home(project, run)
    assert folder.job().parameters[folder.id] == {
        "seed": 3, "num_steps": 12, "guidance": 5.0, "fps": 8
    }  # fmt: skip
    told = Replicate().echoed(folder.log_lines(), {})
    assert told == {"seed": 3, "num_steps": 12, "guidance": 5.0, "fps": 8}


def test_status_says_whose_account_it_is(project: Project, server: ReplicateServer) -> None:
    assert "account lab" in project.cosmos("status", "--target", "replicate").stdout
