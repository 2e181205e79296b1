"""cosmos plan, as typed: the exact command, and an estimate from this project's own past runs."""

from __future__ import annotations

from project import Project, video


def test_a_plan_before_and_after_a_run(project: Project) -> None:
    spec = project.spec("a wet street", engine="preview")
    (before,) = project.json("plan", spec)
    assert before["gpu_seconds"] is None and "no past run of preview" in before["estimate_from"]
    sizes = {one["name"]: one["size"] for one in before["uploads"]}
    shot = project.root / "shot"
    assert sizes == {name: (shot / name).stat().st_size for name in ("color.mp4", "depth.mp4")}
    assert before["upload_bytes"] == sum(sizes.values())
    assert not (project.root / "outputs").exists() and not (project.root / ".cosmos").exists()

    project.cosmos("run", spec)
    took = project.run(spec).run().seconds
    (after,) = project.json("plan", spec)
    assert after["estimate_from"] == "1 past run on local, by frames"
    assert took and abs(after["seconds"] - took) < 1e-6
    assert after == project.json("run", spec, "--dry-run", "--again")[-1]

    for name in ("color", "depth"):
        video(shot / f"{name}.mp4", "testsrc2", frames=36)
    project.configure('[targets.local]\nkind = "local"\nlauncher = "shell"\nprice_per_hour = 2\n')
    (longer,) = project.json("plan", spec)
    assert abs(longer["seconds"] - 3 * took) < 1e-6
    assert abs(longer["cost"] - 2 * longer["seconds"] / 3600) < 1e-9
    text = project.cosmos("plan", spec).stdout
    assert f"about {longer['cost']:.2f} (2 an hour of one GPU)" in text
    assert "nothing was made" in text


def test_what_another_engine_makes_of_a_runs_own_videos(project: Project) -> None:
    spec = project.spec("a wet street", "--guidance", "9", engine="preview")
    (facts,) = project.json("engines", "show", "transfer25", "--for", spec)
    assert facts["possible"] and (facts["shot"]["width"], facts["shot"]["height"]) == (1280, 704)
    assert any("12 frames" in note for note in facts["shot"]["notes"])
    said = project.cosmos("engines", "show", "transfer25", "--for", spec).stdout
    assert "its shot is made at 1280x704" in said and "guidance  9      7" in said
    (made,) = project.json("create-run", spec, "--engine", "transfer25")
    assert [change["what"] for change in made["changes"]] == ["guidance"]
    (facts,) = project.json("engines", "show", "luma", "--for", spec)
    assert facts["shot"] is None, "what a service's model makes of it is not ours to say"
    assert "its shot" not in project.cosmos("engines", "show", "luma", "--for", spec).stdout
