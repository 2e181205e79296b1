"""What one run on a service costs beside its bytes, in time and in memory; and 200 runs at once.

The bare transfer is plain httpx with the same pieces: one form with a file up, one file down to
the disk, nothing checked, nothing recorded.  Both start from nothing, connections included.  The
waits between two looks are left out: they are the service's time, not ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from films import Films

from benchmarks.http_server import served
from benchmarks.table import Row, in_turn
from cosmos_workflow.events import JobEnded
from cosmos_workflow.execution.job import Attached, Input, RequestJob
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client
from cosmos_workflow.ids import sha256_file

MB = 1_000_000
SIZE, LOOKS, ROUNDS = 50 * MB, 20, 7
GIGABIT = 125 * MB
GOAL_RATIO = 1.15
LARGE, GOAL_MEMORY = 500 * MB, 80 * MB
RUNS = 200


def measure() -> Iterator[Row]:
    """Time, memory, many at once."""
    with tempfile.TemporaryDirectory(prefix="cosmos-bench-") as name:
        folder = Path(name)
        yield from _time(folder)
        yield from _memory(folder)
        yield from _many(folder)


def _time(folder: Path) -> Iterator[Row]:
    film = _file(folder / "film.mp4", SIZE)
    job = job_of(film)
    (ours, bare), (here, plain) = (_pair(film, job, folder, rate) for rate in (GIGABIT, 0))
    yield Row(
        f"one run on a service: 50 MB up, {LOOKS} looks, 50 MB down, at 1 Gbit/s", f"{ours:.3f} s",
        compared=f"plain httpx, up and down: {bare:.3f} s",
    )  # fmt: skip
    yield Row(
        "  against the bare transfer", f"{ours / bare:.2f}", f"{GOAL_RATIO} or less",
        ours / bare <= GOAL_RATIO,
    )  # fmt: skip
    sums = in_turn([lambda: sha256_file(film)], 3)[0]
    yield Row(
        "    for comparison: as fast as loopback goes", f"{here:.3f} s",
        compared=f"plain httpx {plain:.3f} s; the sha256 of the upload alone {sums:.3f} s",
    )  # fmt: skip


def _pair(film: Path, job: RequestJob, folder: Path, rate: float) -> list[float]:
    """The best seconds of ours, and of the bare transfer."""
    with served(film, LOOKS, rate) as url:
        return in_turn([lambda: one_run(url, job, folder), lambda: _bare(url, film)], ROUNDS)


def _file(path: Path, size: int) -> Path:
    block = os.urandom(MB)
    with path.open("wb") as file:
        for _ in range(size // MB):
            file.write(block)
    return path


def job_of(film: Path) -> RequestJob:
    """A form with the film in it."""
    item = Input("color", "color.mp4", film, sha256_file(film), film.stat().st_size)
    return RequestJob(
        "rs_1.1-a", "films", "films", {"name": "rs_1.1-a", "video": Attached("color", "file")},
        {"rs_1.1": ("outputs/*",)}, encoding="form", inputs=(item,),
    )  # fmt: skip


def driver(url: str) -> OnHttp:
    """As the settings make it, but for the waits between looks."""
    client = Client(Address("bench", url), lambda: Films().headers("token"))
    return OnHttp("bench", client, Films(), looks=(0.0, 0.0))


def one_run(url: str, job: RequestJob, folder: Path) -> None:
    """From stage to fetch."""
    target, into = driver(url), folder / "home"
    for _ in target.stage(job):
        pass
    handle = target.submit(job, {})
    (*_, ended) = target.follow(handle, 0)
    assert isinstance(ended, JobEnded) and ended.files
    for _ in target.fetch(handle, ended.files, into):
        pass
    result = into / ended.files[0].path
    assert result.stat().st_size == SIZE or result.stat().st_size == LARGE
    result.unlink()
    target.close()


def _bare(url: str, film: Path) -> None:
    import httpx

    with httpx.Client() as client:
        with film.open("rb") as file:
            client.post(f"{url}/jobs", data={"name": "x"}, files={"video": file}).raise_for_status()
        home = film.with_name("bare.mp4")
        with client.stream("GET", f"{url}/film") as response, home.open("wb") as file:
            for piece in response.iter_raw():
                file.write(piece)
        assert home.stat().st_size == film.stat().st_size
        home.unlink()


# -- memory ----------------------------------------------------------------------------------------


def _memory(folder: Path) -> Iterator[Row]:
    """Peaks of whole processes; the idle one is the CLI with a command's parts loaded."""
    film = _file(folder / "large.mp4", LARGE)
    with served(film, 2) as url:
        run = _peak(f"from benchmarks import http; http.large({url!r}, {str(film)!r})")
    idle = _peak("from benchmarks import http; http.idle()")
    film.unlink()
    yield Row(
        "peak memory of a run with 500 MB up and 500 MB down, over the idle CLI",
        f"{(run - idle) / MB:.0f} MB", f"{GOAL_MEMORY // MB} MB or less",
        run - idle <= GOAL_MEMORY, f"{run / MB:.0f} MB against {idle / MB:.0f} MB",
    )  # fmt: skip


def large(url: str, film: str) -> None:
    """The run of which the memory is measured."""
    idle()
    one_run(url, job_of(Path(film)), Path(film).parent)


def idle() -> None:
    """What ``cosmos`` has loaded by the time it has a run to do."""
    for name in ("app", "run", "live"):
        import_module(f"cosmos_workflow.cli.{name}")


def _peak(program: str) -> int:
    """Bytes that a process has in memory at most."""
    told = "print(http.peak())"
    path = os.pathsep.join(sys.path[:2])
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {told}"], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return int(done.stdout.split()[-1])


def peak() -> int:
    """Bytes that this program has had in memory at most.

    Not ``ru_maxrss``: that of a child begins with its parent's.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


# -- many ------------------------------------------------------------------------------------------


def _many(folder: Path) -> Iterator[Row]:
    film = _file(folder / "small.mp4", MB)
    with served(film, 5) as url:
        told = _peak_of_many(url, film)
    runs = f"{RUNS} runs followed at once by one process, 5 looks each"
    yield Row(
        runs, f"{told['seconds']:.1f} s",
        compared=f"alone: {told['alone']:.1f} s, the waits between looks",
    )  # fmt: skip
    yield Row(
        "  processor", f"{told['cpu']:.2f} s", compared=f"{told['cpu'] / RUNS * 1e3:.1f} ms each"
    )
    yield Row("  threads at most", f"{told['threads']:.0f}")
    yield Row("  memory over one", f"{told['memory'] / MB:.0f} MB")


def _peak_of_many(url: str, film: Path) -> dict[str, float]:
    program = f"from benchmarks import http; http.many({url!r}, {str(film)!r})"
    path = os.pathsep.join(sys.path[:2])
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    told: dict[str, float] = json.loads(done.stdout)
    return told


def many(url: str, film: str) -> None:
    """Submit, then follow all at once, a thread each; say what it took."""
    import resource

    target, job = driver(url), job_of(Path(film))
    patient = OnHttp("bench", Client(Address("bench", url)), Films())
    handles = [target.submit(job, {}) for _ in range(RUNS + 1)]
    began = time.monotonic()
    list(patient.follow(handles.pop(), 0))
    alone = time.monotonic() - began
    memory, before = peak(), resource.getrusage(resource.RUSAGE_SELF)
    ended, most = [], 0
    threads = [
        threading.Thread(target=lambda one=one: ended.append([*patient.follow(one, 0)][-1]))  # type: ignore[misc]
        for one in handles
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, threading.active_count())
        threads[0].join(0.05)
        time.sleep(0.01)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert len(ended) == RUNS and all(isinstance(one, JobEnded) and one.files for one in ended)
    print(json.dumps({
        "seconds": time.monotonic() - began, "alone": alone, "threads": most,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": peak() - memory,
    }))  # fmt: skip
