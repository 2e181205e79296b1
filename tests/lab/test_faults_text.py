"""Odd text and secrets: words arrive byte for byte, run nothing, and secrets are seen nowhere."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dockerd import Docker
from project import Project, video
from scene import Scene, facts, until
from sshd import Sshd

from cosmos_workflow.events import ExecutionStatus, Submitted

TRAP = "$(touch {0}) `touch {0}`; touch {0} & \"it's\" {{workspace}} 'a' \\n%s *"


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A file that nothing may make."""
    yield tmp_path / "pwned"
    assert not (tmp_path / "pwned").exists(), "text was executed"


def odd_scene(
    tmp_path: Path, shared_sshd: Sshd, docker: Docker, image: str, folder: str, host: str
) -> Scene:
    project = Project(tmp_path / folder)
    video(project.root / "shot" / "color.mp4", "testsrc2")
    video(project.root / "shot" / "depth.mp4", "gradients")
    made = Scene(project, tmp_path / host, shared_sshd, docker, image)
    made.configure()
    text = (project.root / "config.toml").read_text()
    project.configure(
        text.replace(f'"{made.host}"', json.dumps(str(made.host), ensure_ascii=False))
    )
    return made


FOLDERS = {
    "quotes": 'it\'s a "project", $(touch pwned); `touch pwned` & 100% #1 \\',
    "newline": "two\nlines",
    "letters": "ünïcödé 夜の街 🎬",
}


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_odd_folders_here_and_there(
    folder: str, tmp_path: Path, trap: Path, shared_sshd: Sshd, docker: Docker, model_image: str
) -> None:
    scene = odd_scene(tmp_path, shared_sshd, docker, model_image, folder, f"host {folder}")
    try:
        spec = scene.project.spec("a wet street [[big=17]]", name=folder)
        scene.project.cosmos("run", spec)
        folder_of_run = scene.came_home(spec)
        assert not list(tmp_path.rglob("pwned"))
        assert folder_of_run.spec().name == folder
    finally:
        scene.remove_containers()


PROMPTS = {
    "shell": TRAP,
    "newlines": "a street\n\n\tat night\r\nwet\n",
    "letters": "夜の街、濡れた通り — naïve “quotes” 🎬 \u200b\u2028 e\u0301",
    "dashes": "wet --seed 7 -rf / --prompt -- -",
    "places": '{{workspace}} {{"$place": ["workspace", ""]}} %(prompt)s ${{HOME}}',
    "backslashes": "\\ \\\\ \\' \\x00 \\u0041 '",
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_arrives_byte_for_byte(scene: Scene, prompt: str, trap: Path) -> None:
    prompt = prompt.format(trap)
    spec = scene.project.spec(prompt, name=prompt[:40].strip())
    scene.project.cosmos("run", spec)
    folder = scene.came_home(spec)
    assert folder.prompt().prompt == prompt
    assert facts(folder.path / folder.run().outputs[0].path)["prompt"] == prompt
    assert (scene.workspace(spec) / "outputs" / "output.txt").read_bytes() == prompt.encode()


# -- secrets -------------------------------------------------------------------------------------

SECRET = "hf_s3cr3t'\"$x;ü=="


@contextmanager
def watched(needles: list[bytes]) -> Iterator[list[bytes]]:
    """Every command line on this machine that has a needle in it, while the block runs.

    The needles are looked for by a busy loop: short-lived commands are seen as well.
    """
    found: list[bytes] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = file.read_bytes()
                except OSError:
                    continue
                if any(needle in line for needle in needles):
                    found.append(line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def files_with(folder: Path, needles: list[bytes]) -> list[Path]:
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and any(needle in file.read_bytes() for needle in needles)
    ]


def test_a_secret_is_seen_nowhere(scene: Scene, tmp_path: Path) -> None:
    scene.configure(more='secrets = ["LAB_TOKEN"]')
    spec = scene.project.spec("a wet street [[env]] [[leak=LAB_TOKEN]] [[load=1]]")
    encoded = base64.b64encode(SECRET.encode())
    needles = [SECRET.encode(), encoded.rstrip(b"="), b"s3cr3t"]
    with watched([*needles, b"run-job.sh"]) as lines:
        done = scene.project.cosmos("run", spec, "--verbose", env={"LAB_TOKEN": SECRET})
    assert any(b"docker" in line for line in lines), "nothing was watched"
    assert not [line for line in lines if any(needle in line for needle in needles)]
    assert "s3cr3t" not in done.stdout + done.stderr
    folder = scene.came_home(spec)
    stars = "*" * len(SECRET.encode())
    assert f"LAB_TOKEN is {stars}\n" in folder.log_file.read_text(), "it did not reach the job"
    assert f"LAB_TOKEN is {stars}\n" in scene.host_log(spec)
    assert not files_with(tmp_path, needles)
    container = scene.containers(spec)[0]
    told = scene.docker("inspect", container) + scene.docker("logs", container)
    assert "s3cr3t" not in told and encoded.decode() not in told
    assert not (scene.workspace(spec) / "secrets").exists()
    for command in (["run", spec, "--dry-run"], ["show", f"{spec}.1"], ["logs", f"{spec}.1"]):
        shown = scene.project.cosmos(*command, env={"LAB_TOKEN": SECRET})
        assert "s3cr3t" not in shown.stdout + shown.stderr


def test_a_secret_and_a_follower_who_does_not_know_it(scene: Scene) -> None:
    scene.configure(more='secrets = ["LAB_TOKEN"]')
    spec = scene.project.spec("a wet street [[leak=LAB_TOKEN]] [[load=1]]")
    scene.project.cosmos("run", spec, "--detach", env={"LAB_TOKEN": SECRET})
    done = scene.project.cosmos("follow", spec, "--verbose")
    assert "s3cr3t" not in done.stdout
    assert "LAB_TOKEN is ****" in scene.came_home(spec).log_file.read_text()


def test_a_secret_that_is_not_set(scene: Scene) -> None:
    scene.configure(more='secrets = ["LAB_TOKEN"]')
    spec = scene.project.spec("a wet street")
    done = scene.project.cosmos("run", spec, code=2)
    assert "the secret LAB_TOKEN is not set" in done.stderr
    scene.project.cosmos("run", spec, env={"LAB_TOKEN": SECRET})
    scene.came_home(spec)


def test_a_client_that_dies_before_it_has_told_the_secret(scene: Scene) -> None:
    """The job waits for its secrets; the next client brings them."""
    scene.configure(more='secrets = ["LAB_TOKEN"]')
    spec = scene.project.spec("a wet street [[leak=LAB_TOKEN]]")
    client = scene.project.begin("run", spec, env={"LAB_TOKEN": SECRET})
    scene.until_event(spec, Submitted)
    os.killpg(client.pid, 9)
    client.communicate()
    scene.project.cosmos("run", spec, env={"LAB_TOKEN": SECRET})
    until(lambda: "LAB_TOKEN is ****" in scene.host_log(spec), "no secret")
    assert scene.came_home(spec).run().status is ExecutionStatus.SUCCESS
