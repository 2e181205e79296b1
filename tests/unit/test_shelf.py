"""Many specs at once: what one save promises, for all of them, or for none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cosmos_workflow.config.settings import Settings
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.run_spec import Origin, RunSpec
from cosmos_workflow.prompts.shelf import shelf


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "it's $(a) project; 夜")


def runs(number: int, name: str = "夜 it's") -> list[RunSpec]:
    return [
        RunSpec.create(
            name=name, prompt_spec_id="ps_00000000", prompt_spec_path="p.json", engine="preview",
            parameters={"seed": seed},
            origin={"sweep": "sw_1", "number": seed + 1, "point": {"a": 1}},
        )
        for seed in range(number)
    ]  # fmt: skip


def files(settings: Settings) -> list[Path]:
    return sorted(path for path in settings.runs_dir.rglob("*") if path.is_file())


def test_each_is_saved_as_if_alone(settings: Settings) -> None:
    one, two, three = runs(3)
    alone = two.save(settings=settings)
    with shelf() as saved:
        paths = saved.put([one, two, three, one], settings.runs_dir)
        assert len(saved.made) == 2
    assert paths[1] == alone and paths[0] == paths[3]
    assert [RunSpec.load(path) for path in paths[:3]] == [one, two, three]
    assert files(settings) == sorted({*paths})
    assert one.save(settings=settings) == paths[0]
    other_day = paths[0].parent.with_name("2020-01-01")
    other_day.mkdir()
    moved = paths[0].rename(other_day / paths[0].name)
    with shelf() as saved:
        assert saved.put([one], settings.runs_dir) == [moved] and not saved.made


def test_an_interrupted_one_leaves_what_was_there(settings: Settings) -> None:
    specs = runs(9)
    before = specs[4].save(settings=settings)

    def stop(done: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), shelf() as saved:
        saved.put(specs, settings.runs_dir, stop)
    assert files(settings) == [before]


def test_a_disk_that_is_full_leaves_nothing(settings: Settings) -> None:
    settings.root.mkdir()
    (settings.root / "inputs").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(SpecError, match="cannot write the RunSpec"), shelf() as saved:
        saved.put(runs(3), settings.runs_dir)


def test_an_id_that_is_another_s_by_chance_is_told(settings: Settings) -> None:
    one, two = runs(2)
    path = one.save(settings=settings)
    text = two.model_dump_json().replace(f'"id":"{two.id}",', "")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="by chance"), shelf() as saved:
        saved.put([one], settings.runs_dir)
    assert files(settings) == [path]


def test_where_a_run_comes_from_is_no_content(settings: Settings) -> None:
    (run,) = runs(1)
    plain = run.model_copy(update={"origin": None})
    assert plain.with_id().id == run.id
    path = plain.save(settings=settings)
    old = path.read_text(encoding="utf-8").replace(',\n  "origin": null', "")
    assert "origin" not in old
    path.write_text(old, encoding="utf-8")
    assert RunSpec.load(path) == plain and RunSpec.load(path).id == run.id
    assert run.origin == Origin(sweep="sw_1", number=1, point={"a": 1})


def test_ten_thousand_are_saved_in_seconds(settings: Settings) -> None:
    specs = runs(10_000)
    begun = time.perf_counter()
    with shelf() as saved:
        assert len(set(saved.put(specs, settings.runs_dir))) == 10_000
    assert time.perf_counter() - begun < 30  # one listing a save takes minutes
