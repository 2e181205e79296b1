"""The lab's images, made of what this machine has: nothing can be pulled.

An image is named by its content, so that it is made once and never stale.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from need import missing, need

STANDIN = Path(__file__).parent / "standin" / "program"
UPSAMPLER = STANDIN.with_name("upsampler")
TRANSFER25 = STANDIN.with_name("transfer25")
COSMOS3 = STANDIN.with_name("cosmos3")
INFERENCE = "workspace/cosmos_transfer1/diffusion/inference"
LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "turtledemo",
}
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 13000000000\n"

CHECKPOINTS = (
    *(
        f"nvidia/Cosmos-Transfer1-7B/{name}.pt"
        for name in (
            "base_model", "vis_control", "edge_control", "edge_control_distilled", "seg_control",
            "depth_control", "keypoint_control", "4kupscaler_control",
        )
    ),
    *(
        f"nvidia/Cosmos-Transfer1-7B-Sample-AV/{name}.pt"
        for name in ("base_model", "hdmap_control", "lidar_control")
    ),
    "nvidia/Cosmos-UpsamplePrompt1-12B-Transfer/consolidated.safetensors",
    "nvidia/Cosmos-Tokenize1-CV8x8x8-720p/encoder.jit",
    "nvidia/Cosmos-Guardrail1/blocklist/nltk_data/words.txt",
    "meta-llama/Llama-Guard-3-8B/config.json",
    "google-t5/t5-11b/config.json",
    "facebook/sam2-hiera-large/sam2_hiera_large.pt",
    "depth-anything/Depth-Anything-V2-Small-hf/config.json",
    "IDEA-Research/grounding-dino-tiny/config.json",
)  # fmt: skip
"""Files that a complete checkpoint folder has, a few bytes each in the lab."""


class Docker(Protocol):
    program: str

    def __call__(self, *args: str, check: bool = True, timeout: float = 120) -> str: ...


def make_checkpoints(
    folder: Path, *, missing: Iterable[str] = (), pointers: Iterable[str] = (), fault: str = ""
) -> Path:
    """A checkpoint folder with some files missing and some that are git-LFS pointers.

    Both are given as ends of paths ("edge_control.pt").  ``fault`` is the stand-in's fault.txt.
    """
    for path in CHECKPOINTS:
        if path.endswith(tuple(missing)):
            continue
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(tuple(pointers)):
            file.write_text(LFS_POINTER.format(oid="0" * 64))
        else:
            file.write_bytes(b"PK weights of the stand-in " + path.encode())
    if fault:
        (folder / "fault.txt").write_text(fault)
    return folder


def plain(docker: Docker) -> str:
    """Busybox, with ``sh`` and all its other names."""
    busybox = Path(need("busybox"))
    if "statically linked" not in _kind(busybox):
        missing("busybox is not the static one (busybox-static)")
    name = f"cosmos-lab/plain:{_stamp([busybox])}"
    return _imported(docker, name, lambda tar: _add_busybox(tar, busybox))


def model(docker: Docker) -> str:
    """Python, ffmpeg and the stand-in of Transfer1, laid out as in the model's own image."""
    return _layered(docker, "transfer1", [STANDIN, UPSAMPLER], _add_standin)


def transfer25(docker: Docker) -> str:
    """The same with the stand-in of Transfer2.5."""
    return _layered(docker, "transfer25", [STANDIN, TRANSFER25], _add_transfer25)


def cosmos3(docker: Docker) -> str:
    """The same with the stand-in of the Cosmos 3 framework."""
    return _layered(docker, "cosmos3", [STANDIN, COSMOS3], _add_cosmos3)


def _layered(
    docker: Docker, tag: str, folders: Iterable[Path], add: Callable[[tarfile.TarFile], None]
) -> str:
    base = _base(docker)
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    files = [file for file in files if "__pycache__" not in file.parts]
    name = f"cosmos-lab/{tag}:{_stamp([*files, Path(__file__)], base)}"
    if _there(docker, name):
        return name
    container = docker("create", base, "true")
    try:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            add(tar)
        subprocess.run(
            [docker.program, "cp", "-", f"{container}:/"], input=layer.getvalue(), check=True
        )
        docker("commit", "--change", "WORKDIR /workspace", "--change",
               'ENTRYPOINT ["/usr/local/bin/entrypoint"]', container, name)  # fmt: skip
    finally:
        docker("rm", "-f", container)
    return name


def _base(docker: Docker) -> str:
    programs = [Path(need(name)).resolve() for name in ("ffmpeg", "ffprobe", "bash", "dash")]
    busybox, python = Path(need("busybox")), _python()
    name = f"cosmos-lab/base:{_stamp([*programs, busybox, python.program, Path(__file__)])}"

    def fill(tar: tarfile.TarFile) -> None:
        _add_busybox(tar, busybox, leave=("sh",))
        extensions = python.stdlib.glob("lib-dynload/*.so")
        _add_closure(tar, [*programs, python.program], extensions)
        tar.add(python.stdlib, python.stdlib.as_posix().lstrip("/"), filter=_wanted)
        _link(tar, "bin/sh", "dash")
        _link(tar, "usr/bin/env", "/bin/busybox")
        for program in programs:
            if program.parts[:3] != ("/", "usr", "bin"):
                _link(tar, f"usr/bin/{program.name}", str(program))
        _link(tar, "bin/dash", "/usr/bin/dash")
        _link(tar, "bin/bash", "/usr/bin/bash")
        for alias in ("usr/local/bin/python3", "usr/local/bin/python"):
            _link(tar, alias, str(python.program))

    return _imported(docker, name, fill)


ASK_PYTHON = """
import json, os, sys, sysconfig
program = getattr(sys, "_base_executable", sys.executable)
print(json.dumps([os.path.realpath(program), sysconfig.get_path("stdlib")]))
"""


class _Python(Protocol):
    program: Path
    stdlib: Path


def _python() -> _Python:
    """The system's interpreter and its standard library."""
    system = Path("/usr/bin/python3")
    python = str(system) if system.exists() else need("python3")
    said = subprocess.run([python, "-c", ASK_PYTHON], capture_output=True, text=True, check=True)

    class Found:
        program, stdlib = (Path(path) for path in json.loads(said.stdout))

    return Found


def _add_standin(tar: tarfile.TarFile) -> None:
    for file in sorted(STANDIN.glob("*.py")):
        folder = INFERENCE if file.name == "transfer.py" else "workspace/cosmos_transfer1/standin"
        _write(tar, f"{folder}/{file.name}", file.read_bytes())
    program = (UPSAMPLER / "upsampler_pipeline.py").read_bytes()
    folder = "workspace/cosmos_transfer1/auxiliary/upsampler/inference"
    _write(tar, f"{folder}/upsampler_pipeline.py", program)
    _add_starters(tar)
    for path in CHECKPOINTS:
        _write(tar, f"workspace/checkpoints/{path}", b"PK weights of the stand-in")


def _add_starters(tar: tarfile.TarFile) -> None:
    for name in ("torchrun", "entrypoint"):
        _write(tar, f"usr/local/bin/{name}", (STANDIN / name).read_bytes(), mode=0o755)


def _add_transfer25(tar: tarfile.TarFile) -> None:
    _add_parts(tar, TRANSFER25)
    _write(tar, "workspace/cosmos_transfer2/__init__.py", b"")
    _write(tar, "workspace/examples/inference.py", (TRANSFER25 / "inference.py").read_bytes())


def _add_cosmos3(tar: tarfile.TarFile) -> None:
    _add_parts(tar, COSMOS3)
    for package in ("cosmos_framework", "cosmos_framework/scripts"):
        _write(tar, f"workspace/{package}/__init__.py", b"")
    program = (COSMOS3 / "inference.py").read_bytes()
    _write(tar, "workspace/cosmos_framework/scripts/inference.py", program)


def _add_parts(tar: tarfile.TarFile, folder: Path) -> None:
    """What a stand-in imports: its own parts, and those of the first one that all share."""
    shared = [STANDIN / "faults.py", STANDIN / "film.py"]
    for file in (*shared, *sorted(folder.glob("*.py"))):
        if file.name != "inference.py":
            _write(tar, f"workspace/standin/{file.name}", file.read_bytes())
    _add_starters(tar)


def _imported(docker: Docker, name: str, fill: Callable[[tarfile.TarFile], None]) -> str:
    if _there(docker, name):
        return name
    importer = subprocess.Popen(
        [docker.program, "import", "-", name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert importer.stdin is not None
    with importer.stdin as pipe, tarfile.open(fileobj=pipe, mode="w|") as tar:
        for folder in ("tmp", "root", "proc", "sys", "dev", "usr/bin", "usr/local/bin", "bin"):
            _folder(tar, folder, 0o1777 if folder == "tmp" else 0o755)
        _write(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        fill(tar)
    assert importer.wait(300) == 0, f"docker import {name} failed"
    return name


def _there(docker: Docker, name: str) -> bool:
    return bool(docker("image", "inspect", "-f", "{{.Id}}", name, check=False))


def _stamp(files: Iterable[Path], *more: str) -> str:
    """A tag that changes with the files: by content if small, else by size and time."""
    digest = hashlib.sha256("\0".join(more).encode())
    for file in files:
        facts = file.stat()
        big = facts.st_size > 1_000_000
        digest.update(file.name.encode())
        digest.update(f"{facts.st_size} {facts.st_mtime_ns}".encode() if big else file.read_bytes())
    return digest.hexdigest()[:12]


def _add_busybox(tar: tarfile.TarFile, busybox: Path, leave: tuple[str, ...] = ()) -> None:
    tar.add(busybox.resolve(), "bin/busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for applet in listed.stdout.split():
        if applet not in (*leave, "busybox"):
            _link(tar, f"bin/{applet}", "busybox")


def _add_closure(tar: tarfile.TarFile, programs: list[Path], others: Iterable[Path]) -> None:
    """Programs, and every library that they and others load, by the name that is looked for."""
    names = {str(file) for file in programs}
    scanned = [*names, *map(str, others)]
    said = subprocess.run([need("ldd"), *scanned], capture_output=True, text=True).stdout
    libraries = set(re.findall(r"(/\S+) \(0x", said))
    for name in sorted(names | libraries):
        tar.add(Path(name).resolve(), name.lstrip("/"))


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(member.name).parts
    away = LEFT_OUT & set(parts) or any(part.startswith("config-") for part in parts)
    return None if away else member


def _kind(program: Path) -> str:
    said = subprocess.run([need("ldd"), str(program)], capture_output=True, text=True)
    return "statically linked" if "not a dynamic" in said.stderr + said.stdout else said.stdout


def _write(tar: tarfile.TarFile, path: str, data: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))


def _folder(tar: tarfile.TarFile, path: str, mode: int) -> None:
    member = tarfile.TarInfo(path)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _link(tar: tarfile.TarFile, path: str, target: str) -> None:
    if path in tar.getnames():
        return
    member = tarfile.TarInfo(path)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)
