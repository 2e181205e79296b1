"""Builds one ``docker run`` as a sequence of arguments, for any text in any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self


class DockerCommandBuilder:
    """``docker run`` put together piece by piece; ``build`` gives the arguments.

    Nothing is quoted for a shell, because nothing meets one.  A command line with secrets in it
    is not offered: what ``add_environment`` sets can be read by everybody on the machine.

    >>> DockerCommandBuilder("busybox").add_volume("/data", "/d").set_command("ls", "/d").build()
    ['docker', 'run', '--mount', 'type=bind,source=/data,target=/d', 'busybox', 'ls', '/d']
    """

    def __init__(self, image: str) -> None:
        self._image = image
        self._options: list[str] = []
        self._command: list[str] = []

    def with_gpu(self, gpus: int | str | Sequence[int | str] | None = None) -> Self:
        """All GPUs, a number of them, or these: ``with_gpu()``, ``(2)``, ``("0,1")``, ``([0, 1])``.

        Docker numbers the chosen ones from 0 inside the container.
        """
        if gpus is None:
            return self._add("--gpus", "all")
        if isinstance(gpus, int):
            return self._add("--gpus", str(gpus))
        devices = gpus if isinstance(gpus, str) else ",".join(str(gpu) for gpu in gpus)
        return self._add("--gpus", csv_field(f"device={devices}", always=True))

    def add_volume(self, host: str, container: str, *, read_only: bool = False) -> Self:
        """Mount the folder ``host`` at ``container``.  Unlike ``-v``, a missing one is an error."""
        fields = ["type=bind", f"source={host}", f"target={container}"]
        fields += ["readonly"] if read_only else []
        return self._add("--mount", ",".join(csv_field(field) for field in fields))

    def add_environment(self, key: str, value: str) -> Self:
        """Set a variable in the container."""
        return self._add("--env", f"{key}={value}")

    def set_command(self, *command: str) -> Self:
        """What runs in the container, after the image's own entry point."""
        self._command = list(command)
        return self

    def name(self, name: str) -> Self:
        """The container's name; a second container with the same name is refused."""
        return self._add("--name", name)

    def label(self, key: str, value: str) -> Self:
        """A label, by which containers are found again."""
        return self._add("--label", f"{key}={value}")

    def detach(self) -> Self:
        """Return at once, printing the container's id."""
        return self._add("--detach")

    def init(self) -> Self:
        """A small init as process 1, which reaps children and passes signals on."""
        return self._add("--init")

    def never_pull(self) -> Self:
        """Refuse an image that is not there, rather than download it."""
        return self._add("--pull=never")

    def ipc_host(self) -> Self:
        """Share the host's shared memory, as several processes on several GPUs need it."""
        return self._add("--ipc=host")

    def network_host(self) -> Self:
        """The machine's own network: what listens on 127.0.0.1 does so on the machine's."""
        return self._add("--network=host")

    def entrypoint(self, program: str) -> Self:
        """This program instead of the image's own entry point."""
        return self._add("--entrypoint", program)

    def shm_size(self, size: str) -> Self:
        """Shared memory of its own, like ``8g``."""
        return self._add("--shm-size", size)

    def user(self, user: str) -> Self:
        """Run as ``uid:gid``."""
        return self._add("--user", user)

    def workdir(self, folder: str) -> Self:
        """The working directory in the container."""
        return self._add("--workdir", folder)

    def build(self) -> list[str]:
        """The arguments, the program first."""
        return ["docker", "run", *self._options, self._image, *self._command]

    def _add(self, *options: str) -> Self:
        self._options += options
        return self


def csv_field(text: str, *, always: bool = False) -> str:
    """``text`` as one field of the comma-separated lists that ``--mount`` and ``--gpus`` take."""
    if always or any(mark in text for mark in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
