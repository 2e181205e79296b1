"""The view of the queue beside workers that work, are gone, and have nothing to do."""

from __future__ import annotations

from batches import spec
from project import Project
from scene import kill, until


def test_a_view_of_what_runs(gpu: Project) -> None:
    specs = [spec(gpu, f"street {n} [[slow=3]]", n) for n in range(3)]
    gpu.cosmos("queue", "add", *specs, "--label", "night")
    assert "3 waiting" in gpu.cosmos("queue", "watch", "--once").stdout
    worker = gpu.begin("queue", "work")
    until(lambda: "run" in gpu.cosmos("queue", "watch", "--once", env={"COLUMNS": "80"}).stdout
          and "1 running" not in gpu.cosmos("queue", "list").stdout
          and "running" in gpu.cosmos("queue", "list").stdout, "it runs")  # fmt: skip
    shown = gpu.cosmos("queue", "watch", "--once", env={"COLUMNS": "80"}).stdout
    assert "gpu" in shown and max(map(len, shown.splitlines())) <= 80
    assert gpu.json("queue", "watch", "--once")
    kill(worker)
    assert "nobody" in gpu.cosmos("queue", "watch", "--once").stdout
    gpu.cosmos("queue", "work", "--idle-stop", "1s")
    assert "3 done" in gpu.cosmos("queue", "watch", "--once").stdout
    said = gpu.cosmos("report", "--html", "r.html").stdout
    assert "3 succeeded" in said and (gpu.root / "r.html").stat().st_size > 2000
