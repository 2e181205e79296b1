"""Cosmos 3 behind the videos API, from the command line to a video that is home."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import Project, remote_config, video
from scene import counted, facts, until
from servers.videos import VideosServer, videos_server
from servers.videos_rules import BLOCKED, Flavour
from sshd import Sshd

from cosmos_workflow.events import ExecutionStatus
from cosmos_workflow.ids import sha256_file
from cosmos_workflow.runs.store import RunFolder
from cosmos_workflow.video.probe import probe

CONFIG = """
[services.omni]
dialect = "videos"
url = "{url}"
{more}
"""


def configure(project: Project, server: VideosServer, more: str = "", machine: str = "") -> None:
    project.configure(machine + CONFIG.format(url=server.url, more=more))


@pytest.fixture
def server(project: Project) -> Iterator[VideosServer]:
    """The newest version, on this machine."""
    with videos_server() as one:
        configure(project, one)
        yield one


def prompt(project: Project, words: str, *passes: str) -> str:
    """A PromptSpec of the small shot with these passes as controls."""
    args = ["--input-video", "shot/color.mp4"]
    for name in passes:
        video(project.root / "shot" / f"{name}.mp4", "gradients")
    if passes:
        args += ["--control-inputs", *(f"{name}:shot/{name}.mp4" for name in passes)]
    return str(project.json("create-spec", "street", words, *args)[-1]["id"])


def made(project: Project, words: str, *args: str, passes: tuple[str, ...] = ()) -> str:
    """A small RunSpec."""
    engine = () if "--engine" in args else ("--engine", "vllm_omni")
    small = ("--option", "resolution=256")
    spec = prompt(project, words, *passes)
    return str(project.json("create-run", spec, *engine, *small, *args)[-1]["id"])


def home(project: Project, run: str) -> tuple[RunFolder, dict[str, Any]]:
    """The run that succeeded, and what the server was asked for its video."""
    folder = project.run(run)
    found = folder.run()
    assert found.status is ExecutionStatus.SUCCESS, found.message
    result = folder.path / found.outputs[0].path
    assert sha256_file(result) == found.outputs[0].sha256
    return folder, dict(facts(result))


# -- what is asked for comes home -----------------------------------------------------------------


def test_one_control_is_uploaded_and_the_right_video_comes_home(
    project: Project, server: VideosServer
) -> None:
    run = made(project, "rain", "--seed", "7", "--guidance", "4.5", passes=("edge",))
    project.cosmos("run", run, "--target", "omni")
    folder, asked = home(project, run)
    assert probe(folder.path / folder.run().outputs[0].path).frames == 12
    assert (asked["prompt"], asked["seed"], asked["guidance_scale"]) == ("rain", 7, 4.5)
    assert asked["control_reference"] == sha256_file(project.root / "shot" / "edge.mp4")
    extra = asked["extra_params"]
    assert asked["num_frames"] == extra["max_frames"] == extra["num_video_frames_per_chunk"] == 13
    assert extra["edge"] == {"preset_edge_threshold": "medium"}
    assert list(asked["controls"]) == ["edge"]
    assert ("GET", "/openapi.json") in server.requests


def test_the_server_makes_edges_of_the_input(project: Project, server: VideosServer) -> None:
    server.be.flavour = Flavour(version=(0, 22))
    run = made(project, "rain", "--weight", "edge=0.7", "--weight", "vis=0.7",
               "--canny-threshold", "high")  # fmt: skip
    project.cosmos("run", run, "--target", "omni")
    _, asked = home(project, run)
    assert asked["input_reference"] == sha256_file(project.root / "shot" / "color.mp4")
    assert asked["extra_params"]["edge"] == {"preset_edge_threshold": "high"}
    assert asked["extra_params"]["blur"] == {"preset_blur_strength": "medium"}
    assert ("GET", "/version") not in server.requests, "nothing that a version would matter for"


def test_a_video_goes_on_and_words_stand_alone(project: Project, server: VideosServer) -> None:
    run = made(project, "and then", "--option", "frames=9", "--option", "keep=last")
    project.cosmos("run", run, "--target", "omni")
    _, asked = home(project, run)
    assert asked["extra_params"]["condition_video_keep"] == "last"
    assert (asked["num_frames"], asked["size"], asked["fps"]) == (9, "320x192", 24)
    words = project.json("create-spec", "words", "a wet street")[-1]["id"]
    run = project.json("create-run", words, "--engine", "vllm_omni", "--option", "frames=5",
                       "--option", "resolution=256")[-1]["id"]  # fmt: skip
    project.cosmos("run", run, "--target", "omni")
    _, asked = home(project, run)
    assert "input_reference" not in asked and asked["guidance_scale"] == 6.0


def test_a_picture_moves(project: Project, server: VideosServer) -> None:
    import subprocess

    still = project.root / "shot" / "first.png"
    subprocess.run(["ffmpeg", "-v", "error", "-i", project.root / "shot" / "color.mp4",
                    "-frames:v", "1", still], check=True)  # fmt: skip
    spec = project.json("create-spec", "still", "it moves", "--input-video", str(still))[-1]["id"]
    run = project.json("create-run", spec, "--engine", "vllm_omni", "--option", "frames=5",
                       "--option", "resolution=256")[-1]["id"]  # fmt: skip
    project.cosmos("run", run, "--target", "omni")
    _, asked = home(project, run)
    assert asked["input_reference"] == sha256_file(still)


def test_sglang_has_a_field_of_its_own_for_videos(project: Project, server: VideosServer) -> None:
    server.be.flavour = Flavour("sglang")
    run = made(project, "and then", "--engine", "sglang", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni")
    _, asked = home(project, run)
    assert asked["video_reference"] == sha256_file(project.root / "shot" / "color.mp4")
    server.be.fails = (500, "CUDA out of memory. Tried to allocate 2 GiB")
    project.cosmos("run", run, "--target", "omni", "--again", code=6)
    assert project.run(run, 2).run().cause == "out_of_memory"


# -- a server on a machine of ours ----------------------------------------------------------------


@pytest.fixture
def by_ssh(project: Project, shared_sshd: Sshd, tmp_path: Path) -> Iterator[VideosServer]:
    """A server that is only reached by way of its SSH host, and reads the host's disk."""
    with videos_server() as one:
        machine = remote_config(shared_sshd, tmp_path / "host dir", "none", more='launcher="shell"')
        configure(project, one, 'via = "gpu"', machine.replace('target = "gpu"', ""))
        yield one


def test_several_controls_are_put_on_its_disk(
    project: Project, by_ssh: VideosServer, tmp_path: Path
) -> None:
    run = made(project, "rain", "--weight", "edge=0.6", "--weight", "depth=0.2",
               passes=("edge", "depth"))  # fmt: skip
    project.cosmos("run", run, "--target", "omni")
    folder, asked = home(project, run)
    for name in ("edge", "depth"):
        sha256 = sha256_file(project.root / "shot" / f"{name}.mp4")
        hint = asked["extra_params"][name]
        assert hint["control_path"] == f"{tmp_path}/host dir/inputs/{sha256}/{name}.mp4"
        assert asked["controls"][name] == sha256
    assert asked["extra_params"]["edge"]["control_weight"] == 0.6
    assert counted(folder)["Staged"] == 1


def test_paths_without_a_machine_are_refused_before_anything_is_made(
    project: Project, server: VideosServer
) -> None:
    run = made(project, "rain", passes=("edge", "depth"))
    said = project.cosmos("run", run, "--target", "omni", code=2)
    assert "via" in said.stderr and not server.requests
    assert not project.run(run).path.exists()


# -- versions -------------------------------------------------------------------------------------


def test_weights_are_refused_by_an_older_server_before_anything_goes_up(
    project: Project, by_ssh: VideosServer, tmp_path: Path
) -> None:
    by_ssh.be.flavour = Flavour(version=(0, 26))
    run = made(project, "rain", "--weight", "edge=0.6", "--weight", "depth=0.2",
               passes=("edge", "depth"))  # fmt: skip
    said = project.cosmos("run", run, "--target", "omni", code=6).stderr
    assert "0.26.1" in said and "same weight" in said
    assert not list(tmp_path.glob("host dir/inputs/*/*.mp4"))
    assert not any(method == "POST" for method, _ in by_ssh.requests)
    equal = made(project, "rain", "--weight", "edge=1", "--weight", "depth=1",
                 passes=("edge", "depth"))  # fmt: skip
    project.cosmos("run", equal, "--target", "omni")
    home(project, equal)


@pytest.mark.parametrize(("engine", "server_is"), [("vllm_omni", "sglang"), ("sglang", "omni")])
def test_the_server_of_another_engine_is_told_apart_before_anything_is_sent(
    project: Project, server: VideosServer, engine: str, server_is: str
) -> None:
    server.be.flavour = Flavour(server_is)
    run = made(project, "rain", "--engine", engine, "--option", "frames=5")
    said = " ".join(project.cosmos("run", run, "--target", "omni", code=6).stderr.split())
    theirs = {"omni": ("vLLM-Omni", "vllm_omni"), "sglang": ("SGLang", "sglang")}[server_is]
    assert f"the server is {theirs[0]}, and the run is for the engine {engine}" in said
    assert not any(method == "POST" for method, _ in server.requests)
    other = project.json("create-run", run, "--engine", theirs[1])[-1]["id"]
    project.cosmos("run", str(other), "--target", "omni")
    home(project, str(other))


# -- failures -------------------------------------------------------------------------------------


def ended(project: Project, run: str, status: ExecutionStatus, cause: str) -> str:
    """Such an end, and what ``cosmos show`` says of it."""
    shown = project.json("show", project.run(run).id)[-1]
    assert (shown["execution_status"], shown["cause"]) == (status, cause), shown
    return f"{shown['message']} | {shown['hint']}"


def test_a_guardrail_is_no_crash(project: Project, server: VideosServer) -> None:
    run = made(project, f"a {BLOCKED} word")
    said = project.cosmos("run", run, "--target", "omni", code=6).stdout
    assert "BLOCKED by guardrail: prompt" in said and "exit code" not in said
    assert "guardrails" in ended(project, run, ExecutionStatus.BLOCKED, "blocked")
    assert project.json("show", run)[-1]["refused"] == "prompt, by guardrail"


def test_a_failed_job_is_read_from_an_http_error(project: Project, server: VideosServer) -> None:
    server.be.fails = (503, "Video generation failed: boom")
    run = made(project, "rain")
    project.cosmos("run", run, "--target", "omni", code=6)
    assert "boom" in ended(project, run, ExecutionStatus.FAILED, "engine")
    assert '"code": 503' in project.cosmos("logs", project.run(run).id).stdout


def test_a_refused_field_is_named(project: Project, server: VideosServer) -> None:
    run = made(project, "rain", "--option", "model=nvidia/Cosmos3-Super")
    project.cosmos("run", run, "--target", "omni", code=6)
    assert "Model mismatch" in ended(project, run, ExecutionStatus.FAILED, "submission")


def test_a_restart_loses_the_job_and_says_so(project: Project, server: VideosServer) -> None:
    server.be.seconds = 60
    run = made(project, "rain")
    project.cosmos("run", run, "--target", "omni", "--detach")
    server.restart()
    project.cosmos("follow", run, code=6)
    assert "restarted" in ended(project, run, ExecutionStatus.FAILED, "lost")


def test_a_lost_answer_is_looked_up_and_nothing_is_made_twice(
    project: Project, server: VideosServer
) -> None:
    server.be.once = {"lost_answer"}
    run = made(project, "rain", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni")
    home(project, run)
    assert [path for method, path in server.requests if method == "POST"] == ["/v1/videos"]


def test_a_bad_line_costs_nothing(project: Project, server: VideosServer) -> None:
    server.be.once = {"look_502", "truncated", "not_yet"}
    run = made(project, "rain", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni")
    home(project, run)
    assert not server.be.once


def test_a_page_instead_of_a_video(project: Project, server: VideosServer) -> None:
    server.be.once = {"wrong_type"}
    run = made(project, "rain", "--option", "frames=5")
    said = project.cosmos("run", run, "--target", "omni", code=5).stderr
    assert "text/html" in said
    project.cosmos("follow", run)
    home(project, run)


def test_a_server_that_is_still_starting(project: Project, server: VideosServer) -> None:
    server.be.down = True
    threading.Timer(3.0, setattr, (server.be, "down", False)).start()
    run = made(project, "rain", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni")
    home(project, run)


def test_a_token_is_sent_and_kept_nowhere(project: Project, server: VideosServer) -> None:
    server.be.token = "s3cret-token"
    configure(project, server, 'token = "OMNI_TOKEN"')
    run = made(project, "rain", "--option", "frames=5")
    assert "OMNI_TOKEN" in project.cosmos("run", run, "--target", "omni", code=2).stderr
    project.cosmos("run", run, "--target", "omni", env={"OMNI_TOKEN": server.be.token})
    folder, _ = home(project, run)
    for file in folder.path.iterdir():
        assert b"s3cret" not in file.read_bytes()


# -- leaving and ending ---------------------------------------------------------------------------


def test_another_process_goes_on(project: Project, server: VideosServer) -> None:
    server.be.seconds = 2
    run = made(project, "rain", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni", "--detach")
    assert project.run(run).run().status is ExecutionStatus.RUNNING
    project.cosmos("follow", run)
    home(project, run)


def test_a_live_run_is_gone_on_with_where_it_is(project: Project, server: VideosServer) -> None:
    server.be.seconds = 2
    run = made(project, "rain", "--option", "frames=5")
    project.cosmos("run", run, "--target", "omni", "--detach")
    refused = project.cosmos("run", run, "--target", "local", code=6).stderr
    assert f"{run}.1 is running on omni already, not on local" in refused
    assert "is running on omni already; going on with it" in project.cosmos("run", run).stdout
    home(project, run)
    assert len(server.jobs) == 1


def test_cancelled_is_not_lost(project: Project, server: VideosServer) -> None:
    server.be.seconds = server.be.cancelling = 60
    run = made(project, "rain")
    follower = project.begin("run", run, "--target", "omni")
    until(lambda: project.run(run).path.exists() and counted(project.run(run))["Submitted"] > 0,
          "never submitted")  # fmt: skip
    server.be.cancelling = 1.5
    project.cosmos("cancel", run)
    ended(project, run, ExecutionStatus.CANCELLED, "cancelled")
    out, _ = follower.communicate(timeout=60)
    assert "CANCELLED" in out.upper() and "no trace" not in out
    assert server.jobs == {}


def test_a_time_limit_ends_it_on_the_server(project: Project, server: VideosServer) -> None:
    server.be.seconds = 60
    run = made(project, "rain")
    project.cosmos("run", run, "--target", "omni", "--time-limit", "1", code=6)
    ended(project, run, ExecutionStatus.FAILED, "timeout")
    assert server.jobs == {}


# -- looking --------------------------------------------------------------------------------------


def test_doctor_says_model_and_version(project: Project, server: VideosServer) -> None:
    said = project.cosmos("doctor", "--target", "omni", "--engine", "vllm_omni").stdout
    assert "0.28.1" in said and "nvidia/Cosmos3-Nano" in said
    run = made(project, "rain", passes=("edge",))
    plan = project.cosmos("run", run, "--target", "omni", "--dry-run").stdout
    assert "POST" in plan and "<the file: edge.mp4>" in plan and "control_type" in plan
