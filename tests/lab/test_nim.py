"""A NIM, from the command line to a video that is home."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project, video
from servers.nim import NimServer, nim_server

from cosmos_workflow.events import Exchanged, ExecutionStatus
from cosmos_workflow.video.probe import probe

SMALL = ("--option", "size=320x176", "--option", "duration=0.5")


@pytest.fixture
def nim() -> Iterator[NimServer]:
    with nim_server() as one:
        yield one


def variables(nim: NimServer, **more: str) -> dict[str, str]:
    return {"COSMOS_BASE_URL": nim.url, **more}


def words(project: Project, prompt: str = "a wet street", *args: str) -> str:
    """The id of a RunSpec that starts from words alone."""
    made = project.json("create-spec", "street", prompt)[-1]
    return str(project.json("create-run", made["id"], "--engine", "nim", *args)[-1]["id"])


def test_words_become_a_video_that_is_home(project: Project, nim: NimServer) -> None:
    spec = words(project, "a wet street", *SMALL, "--seed", "7")
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    folder = project.run(spec)
    run = folder.run()
    assert run.status is ExecutionStatus.SUCCESS, done.stdout
    assert probe(folder.path / run.outputs[0].path).frames == 12
    assert nim.asked == [{
        "prompt": "a wet street", "seed": 7, "steps": 35, "guidance_scale": 7.0,
        "video_params": {"frames_per_sec": 24, "width": 320, "height": 176, "frames_count": 12},
        "prompt_upsampling": True,
    }]  # fmt: skip
    calls = [event for event, _ in folder.events() if isinstance(event, Exchanged)]
    assert [(one.operation, one.phase, one.http_status, one.attempt) for one in calls] == [
        ("health", "answered", 200, 1), ("generate", "answered", 200, 1),
    ]  # fmt: skip
    assert calls[1].target == f"{nim.url}/v1/infer"


def test_the_service_says_which_form_its_request_has(project: Project, nim: NimServer) -> None:
    nim.be.kind = "cosmos3"
    spec = words(project, "rain", "--option", "resolution=256", "--option", "duration=1")
    project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    assert nim.asked == [{
        "prompt": "rain", "seed": 1, "steps": 35, "guidance_scale": 6.0, "fps": 24.0,
        "resolution": "256_16_9", "num_output_frames": 25,
    }]  # fmt: skip
    assert [path for _, path in nim.calls].count("/v1/metadata") == 1


def test_a_service_that_does_not_say_is_told(project: Project, nim: NimServer) -> None:
    nim.be.kind, nim.be.metadata = "cosmos3", False
    spec = words(project)
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim), code=3)
    assert "--option model=predict1, cosmos3 or transfer25" in done.stderr
    spec = words(project, "rain", "--option", "model=cosmos3", "--option", "resolution=256")
    project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    assert nim.asked[-1]["resolution"] == "256_16_9"


def test_controls_go_raw_and_as_every_decoder_reads_them(project: Project, nim: NimServer) -> None:
    nim.be.kind = "transfer25"
    odd = ("-pix_fmt", "yuvj420p", "-color_range", "pc")
    video(project.root / "shot" / "color.mp4", "testsrc2", 93, odd)
    video(project.root / "shot" / "depth.mp4", "gradients", 93)
    spec = project.spec("rain", "--weight", "depth=0.4", "--weight", "edge=0.6", engine="nim")
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    assert project.run(spec).run().status is ExecutionStatus.SUCCESS, done.stdout
    (body,) = nim.asked
    assert set(body) == {"prompt", "seed", "num_steps", "guidance", "resolution", "video", "depth",
                         "edge"}  # fmt: skip
    assert body["edge"] == {"control_weight": 0.6}
    sent = base64.b64decode(body["depth"]["control"], validate=True)
    assert sent == (project.root / "shot" / "depth.mp4").read_bytes()


def test_an_image_and_a_video_go_as_data(project: Project, nim: NimServer) -> None:
    nim.be.kind = "video2world"
    image = project.root / "first.png"
    video(image, "testsrc2", 1, ("-update", "1"))
    made = words(project, "rain", *SMALL, "--option", "image=first.png")
    project.cosmos("run", made, "--target", "nim", env=variables(nim))
    head, _, data = nim.asked[0]["image"].partition(",")
    assert (head, base64.b64decode(data)) == ("data:image/png;base64", image.read_bytes())
    spec = project.json("create-spec", "moving", "rain", "--input-video", "shot/color.mp4")[-1]
    made = str(project.json("create-run", spec["id"], "--engine", "nim", *SMALL)[-1]["id"])
    project.cosmos("run", made, "--target", "nim", env=variables(nim))
    assert nim.asked[1]["video"].startswith("data:video/mp4;base64,")


def test_a_detached_run_is_followed_by_another_process(project: Project, nim: NimServer) -> None:
    nim.be.seconds = 3
    spec = words(project, "rain", *SMALL)
    project.cosmos("run", spec, "--target", "nim", "--detach", env=variables(nim))
    assert project.run(spec).run().status is ExecutionStatus.RUNNING
    project.cosmos("follow", spec, env=variables(nim))
    assert project.run(spec).run().status is ExecutionStatus.SUCCESS
    assert len(nim.asked) == 1


def test_a_run_outlives_its_client(project: Project, nim: NimServer) -> None:
    nim.be.seconds = 3
    spec = words(project, "rain", *SMALL)
    client = project.begin("run", spec, "--target", "nim", env=variables(nim))
    assert nim.began.wait(60)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    project.cosmos("follow", spec, env=variables(nim))
    assert project.run(spec).run().status is ExecutionStatus.SUCCESS
    assert len(nim.asked) == 1


def test_a_cancelled_run_lets_go_of_its_request(project: Project, nim: NimServer) -> None:
    nim.be.fault = "hang"
    spec = words(project, "rain", *SMALL)
    project.cosmos("run", spec, "--target", "nim", "--detach", env=variables(nim))
    assert nim.began.wait(60)
    project.cosmos("cancel", spec, env=variables(nim))
    assert project.run(spec).run().status is ExecutionStatus.CANCELLED
    assert nim.gone.wait(20)


def test_a_request_has_its_time(project: Project, nim: NimServer) -> None:
    nim.be.fault = "hang"
    spec = words(project, "rain", *SMALL, "--option", "timeout=1")
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim), code=6)
    assert "FAILED (timeout)" in done.stdout
    assert "no answer in 1 s" in done.stderr
    assert "--option timeout=" in done.stderr
    assert nim.gone.wait(20)


def test_a_hosted_request_is_asked_after(project: Project, nim: NimServer) -> None:
    nim.be.hosted, nim.be.token = 2, "nvapi-secret-1234"
    spec = words(project, "rain", *SMALL)
    env = variables(nim, NVIDIA_API_KEY="nvapi-secret-1234")
    project.cosmos("run", spec, "--target", "nim", env=env)
    folder = project.run(spec)
    assert folder.run().status is ExecutionStatus.SUCCESS
    polled = [path for _, path in nim.calls if path.startswith("/v2/nvcf/pexec/status/")]
    assert len(polled) == 3
    assert all(int(one.get("nvcf-poll-seconds", 0)) in (0, 299) for one in nim.headers)
    assert nim.headers[-1]["nvcf-poll-seconds"] == "299"
    for path in project.root.rglob("*"):
        if path.is_file():
            assert b"nvapi-secret-1234" not in path.read_bytes(), path


FAULTS = {
    "bad_base64": ("bad_output", "b64_video in the answer is not valid base64, at character 400"),
    "cut_base64": ("bad_output", "b64_video in the answer is not valid base64"),
    "empty_video": ("bad_output", "b64_video in the answer is empty"),
    "no_video": ("no_output", "the answer has no b64_video, only seed"),
    "null_video": ("bad_output", "b64_video in the answer is not text"),
    "artifacts": ("no_output", "names an address (artifacts)"),
    "address": ("no_output", "names an address (video_url)"),
    "failed": ("engine", "the NIM says failed: CUDA out of memory"),
    "rejected": ("engine", "the NIM says rejected: not today"),
    "not_json": ("bad_output", "the answer is not JSON"),
    "list": ("bad_output", "no object"),
    "cut_json": ("bad_output", "ended in the middle"),
    "truncated": ("engine", "the answer of nim ended in the middle"),
    "no_answer": ("engine", "did not answer"),
    "500": ("engine", "HTTP 500: Triton request failed (500)"),
    "503": ("engine", "HTTP 503: Triton request failed (503)"),
    "500_text": ("engine", "HTTP 500: Internal Server Error"),
    "no_mp4": ("bad_output", "its video cannot be read"),
}


def test_each_failure_has_words_of_its_own(project: Project, nim: NimServer) -> None:
    spec = words(project, "rain", *SMALL)
    for attempt, (fault, (cause, said)) in enumerate(FAULTS.items(), start=1):
        nim.be.fault = fault
        done = project.cosmos("run", spec, "--again", "--target", "nim", env=variables(nim), code=6)
        assert f"FAILED ({cause})" in done.stdout, fault
        assert said in " ".join(done.stderr.split()), fault
        assert len(nim.asked) == attempt, "a generation is asked for once"
        assert "s3cr3t" not in project.run(spec, attempt).log_file.read_text()


def test_it_is_asked_again_only_when_told_so(project: Project, nim: NimServer) -> None:
    nim.be.once = "500"
    spec = words(project, "rain", *SMALL, "--option", "attempts=2")
    project.cosmos("run", spec, "--target", "nim", env=variables(nim))
    calls = [event for event, _ in project.run(spec).events() if isinstance(event, Exchanged)]
    assert [(one.operation, one.phase, one.attempt) for one in calls] == [
        ("health", "answered", 1), ("generate", "repeated", 1), ("generate", "answered", 2),
    ]  # fmt: skip


def test_a_refused_field_is_told(project: Project, nim: NimServer) -> None:
    nim.be.kind = "cosmos3"
    spec = words(project, "rain", "--option", 'extras={"sigma": 3}')
    done = project.cosmos("run", spec, "--target", "nim", env=variables(nim), code=6)
    assert "HTTP 422: body.sigma: Extra inputs are not permitted" in " ".join(done.stderr.split())


def test_a_guardrail_is_no_crash(project: Project, nim: NimServer) -> None:
    spec = words(project, "a forbidden street", *SMALL)
    project.cosmos("run", spec, "--target", "nim", env=variables(nim), code=6)
    assert project.run(spec).run().status is ExecutionStatus.BLOCKED


HEALTH = {
    "loading": "the NIM is not ready",
    "html": "/v1/health/ready does not answer with JSON",
    "no_status": '/v1/health/ready answers without the text "status"',
}


@pytest.mark.parametrize("health", HEALTH)
def test_a_service_that_is_not_ready(project: Project, nim: NimServer, health: str) -> None:
    nim.be.health = health
    asked = words(project, "rain", *SMALL)
    done = project.cosmos("run", asked, "--target", "nim", env=variables(nim), code=4)
    said = "answers with a web page" if health == "html" else HEALTH[health]
    assert said in " ".join(done.stderr.split())
    named = words(project, "rain", *SMALL, "--option", "model=predict1")
    done = project.cosmos("run", named, "--target", "nim", env=variables(nim), code=6)
    assert HEALTH[health] in " ".join(done.stderr.split())
    assert nim.asked == []


def test_what_is_missing_is_named(project: Project) -> None:
    spec = words(project, "rain", *SMALL)
    done = project.cosmos("run", spec, "--target", "nim", code=2)
    assert "COSMOS_BASE_URL is not set" in done.stderr
    done = project.cosmos("run", spec, code=2)
    assert "the engine nim speaks to a service" in " ".join(done.stderr.split())
    gone = {"COSMOS_BASE_URL": "http://127.0.0.1:9"}
    done = project.cosmos("run", spec, "--target", "nim", env=gone, code=4)
    assert "no connection to nim" in done.stderr


def test_a_dry_run_shows_the_request_and_no_token(project: Project, nim: NimServer) -> None:
    spec = words(project, "rain", *SMALL)
    env = variables(nim, NVIDIA_API_KEY="nvapi-secret-1234")
    done = project.cosmos("run", spec, "--target", "nim", "--dry-run", env=env)
    assert f"POST {nim.url}/v1/infer" in done.stdout
    assert '"frames_count": 12' in done.stdout
    assert "nvapi" not in done.stdout
    assert nim.asked == []


def test_a_token_that_is_missing_or_wrong(project: Project, nim: NimServer) -> None:
    nim.be.token = "nvapi-right"
    spec = words(project, "rain", *SMALL)
    wrong = variables(nim, NVIDIA_API_KEY="nvapi-wrong-one")
    done = project.cosmos("run", spec, "--target", "nim", env=wrong, code=4)
    assert "refuses us (HTTP 401): Invalid API key" in " ".join(done.stderr.split())
    named = words(project, "rain", *SMALL, "--option", "model=predict1")
    done = project.cosmos("run", named, "--target", "nim", env=wrong, code=6)
    assert "refuses us (HTTP 401): Invalid API key" in " ".join(done.stderr.split())
    project.configure(f'[services.nim]\ndialect = "nim"\nurl = "{nim.url}"\ntoken = "MY_TOKEN"\n')
    done = project.cosmos("run", named, "--target", "nim", "--again", code=2)
    assert "the secret MY_TOKEN is not set" in done.stderr
    mine = {"MY_TOKEN": "nvapi-right"}
    project.cosmos("run", named, "--target", "nim", env=mine)
    assert nim.headers[-1]["authorization"] == "Bearer nvapi-right"


def test_a_killed_process_is_told(project: Project, nim: NimServer) -> None:
    nim.be.fault = "hang"
    spec = words(project, "rain", *SMALL)
    project.cosmos("run", spec, "--target", "nim", "--detach", env=variables(nim))
    assert nim.began.wait(60)
    (job,) = project.root.glob(".cosmos/runs/*/pid")
    tree = int(job.read_text().partition(":")[0])
    children = Path(f"/proc/{tree}/task/{tree}/children").read_text().split()
    for child in children:
        if b"on_http_held" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    done = project.cosmos("follow", spec, env=variables(nim), code=6)
    assert "FAILED (killed)" in done.stdout
    assert "may still be at work on it" in " ".join(done.stderr.split())


def test_an_answer_of_200_mb_is_never_in_memory(project: Project, nim: NimServer) -> None:
    project.cosmos("run", words(project, "rain", *SMALL), "--target", "nim", env=variables(nim))
    (request,) = project.root.glob(".cosmos/runs/*/request.json")
    idle = held(request)
    nim.be.ballast = 200_000_000
    heavy = held(request)
    assert (request.parent / "outputs" / "output.mp4").stat().st_size > 199_000_000
    assert heavy - idle < 80 * 2**10, f"{idle} KiB, then {heavy} KiB"


def held(request: Path) -> int:
    """The peak memory, in KiB, of the process that holds this request."""
    program = [sys.executable, "-m", "cosmos_workflow.execution.on_http_held", str(request)]
    process = subprocess.Popen(program, cwd=request.parent, stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = code
    assert code == 0
    return usage.ru_maxrss
