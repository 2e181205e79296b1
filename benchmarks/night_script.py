"""The same night by a script of a person who knows all beforehand: ssh, docker run, rsync home.

It has the split of the runs that was found best, the inputs lie on the hosts, nothing is planned,
checked or written down.  What it takes, on the machine that everything here shares, no client of
these hosts can be far below.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from need import need

from benchmarks.night_bare import workspace
from benchmarks.night_ground import Ground, Span

SCRIPT = r"""
set -e
ssh=$1 host=$2 there=$3 here=$4; shift 4
$ssh "$host" "$*" >/dev/null
rsync -a -e "$ssh" "$host:$there/outputs/" "$here/"
"""


def by_script(ground: Ground, spans: Sequence[Span]) -> float:
    """Seconds until the last result of these jobs is here, each lane one job after the other."""
    lanes = list(_lanes(spans))
    ready = [[(one, *workspace(ground, one.lane, one)) for one in lane] for lane in lanes]
    began = time.monotonic()
    with ThreadPoolExecutor(len(lanes)) as pool:
        for _ in pool.map(lambda lane: [_job(ground, *one) for one in lane], ready):
            pass
    return time.monotonic() - began


def _lanes(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Jobs that did not overlap, on one host: those of one GPU."""
    left = sorted(spans, key=lambda one: one.began)
    while left:
        lane: list[Span] = []
        for one in left:
            if not lane or (one.lane == lane[-1].lane and one.began >= lane[-1].over):
                lane.append(one)
        yield lane
        left = [one for one in left if one not in lane]


def _job(ground: Ground, span: Span, folder: Path, argv: Sequence[str]) -> None:
    server = ground.servers[span.lane]
    home = ground.folder / f"home {span.job}"
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(
        ["sh", "-c", SCRIPT, "sh", shlex.join(server.ssh()), server.host,
         str(folder), str(home), shlex.join([need("docker"), *argv])],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert len(list(home.rglob("*.mp4"))) >= len(span.runs), "not all results came home"
