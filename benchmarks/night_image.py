"""The stand-in of Transfer2.5 without ffmpeg's work: it copies videos that it has made once.

Four of them share this machine's cores, and a real GPU does not: what they compute would slow each
other down, and be counted as ours.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import dockerd
import images

QUICK = """
import functools, shutil, tempfile
from pathlib import Path
from standin.film_slow import Clip, pad, read as _read, size_for, write as _write

read = functools.cache(_read)

@functools.cache
def _made(suffix, size, frames, fps):
    path = Path(tempfile.mkdtemp()) / f"made{suffix}"
    _write(path, size, frames, fps, {})
    return path

def write(path, size, frames, fps, facts):
    shutil.copyfile(_made(path.suffix, size, frames, fps), path)
"""


def quick(docker: dockerd.Docker) -> str:
    """The name of the image, which is made if it is not there."""
    base = images.transfer25(docker)
    digest = hashlib.sha256(base.encode() + QUICK.encode()).hexdigest()[:12]
    name = f"cosmos-lab/night:{digest}"
    if docker("image", "inspect", "-f", "{{.Id}}", name, check=False):
        return name
    container = docker("create", base, "true")
    with tempfile.TemporaryDirectory() as folder:
        for file, text in (
            ("film_slow.py", (images.STANDIN / "film.py").read_text()),
            ("film.py", QUICK),
        ):
            (Path(folder) / file).write_text(text)
            place = f"{container}:/workspace/standin/{file}"
            docker("cp", str(Path(folder) / file), place)
    docker("commit", container, name)
    docker("rm", "-f", container)
    return name
