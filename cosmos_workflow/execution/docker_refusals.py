"""What docker says when it will not start a container, in words that say what to do about it."""

from __future__ import annotations

import re

from cosmos_workflow.errors import SubmissionRejected

REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"permission denied while trying to connect|dial unix \S+: connect: permission denied",
        "the user on the host may not talk to Docker",
        "add the user to the group docker (sudo usermod -aG docker USER), then log in again",
    ),
    (
        r"Cannot connect to the Docker daemon|Is the docker daemon running"
        r"|error during connect|dial unix \S+: connect:",
        "Docker is not running on the host",
        "start it there: sudo systemctl start docker",
    ),
    (
        r"(?:docker: not found|docker: command not found|exec: docker: not found)",
        "Docker is not installed on the host, or not on the PATH of a login without a terminal",
        'install Docker there, or use launcher = "shell" for this target',
    ),
    (
        r"No such image: (?P<what>\S+)|Unable to find image '(?P<quoted>[^']+)'",
        "the image {what} is not on the host",
        "on the host: docker pull {what} (or build it); or name another one in [docker] image. "
        "It is never pulled by itself: such images have tens of gigabytes",
    ),
    (
        r"could not select device driver|nvidia-container-(?:cli|runtime)|unknown runtime.*nvidia"
        r"|failed to discover GPU",
        "Docker on the host cannot give GPUs to containers",
        "install the NVIDIA Container Toolkit there and run: sudo nvidia-ctk runtime configure "
        "--runtime=docker, then restart Docker; without a GPU: gpu_enabled = false",
    ),
    (
        r"no space left on device",
        "the disk of the host is full",
        "free some space there: docker system prune removes old containers and images",
    ),
    (
        r"bind source path does not exist: (?P<what>.*)",
        "the folder {what} is not on the host",
        "make it there, or correct the setting that names it (checkpoints, hf_cache, repo)",
    ),
    (
        r"The container name \"/?(?P<what>[^\"]+)\" is already in use",
        "there is a container {what} on the host, and it could not be looked at",
        "look at it with docker inspect, or remove it with docker rm",
    ),
    (
        r"unknown flag: --pull|unknown flag: --gpus",
        "Docker on the host is too old",
        "version 20.10 or later is needed",
    ),
    (
        r"exec: \"sh\": executable file not found",
        "the image has no shell (sh)",
        "use an image with sh in it",
    ),
    (
        r"invalid reference format|invalid argument .* for \"--",
        "Docker does not understand a setting: {said}",
        "check image, shm_size and user of the target",
    ),
)
"""Pattern, message, hint.  ``{what}`` is what the pattern caught, ``{said}`` docker's own line."""


def rejection(stderr: str, exit_code: int) -> SubmissionRejected:
    """The error for what ``docker run`` wrote and the code it ended with."""
    said = _own_line(stderr)
    for pattern, message, hint in REFUSALS:
        found = re.search(pattern, stderr, re.IGNORECASE)
        if found:
            caught = next((text for text in found.groups() if text), "").strip().rstrip(".")
            return SubmissionRejected(
                message.format(what=caught, said=said), hint=hint.format(what=caught)
            )
    return SubmissionRejected(
        f"Docker would not start the job (exit code {exit_code}): {said or 'it said nothing'}",
        hint="cosmos doctor looks at what the host needs",
    )


def _own_line(stderr: str) -> str:
    """The last line that says something, without docker's standing phrases."""
    lines = [line.strip() for line in stderr.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("See 'docker", "Run 'docker"))]
    said = lines[-1] if lines else ""
    return re.sub(r"^docker: (Error response from daemon: )?", "", said)
