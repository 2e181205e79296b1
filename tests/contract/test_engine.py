"""What every engine keeps: the rows of the table, and the example of the recipe."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_workflow import engines
from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.engine import Engine, Needs, Options, RunRequest
from cosmos_workflow.engines.rules import FLAGS, settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Failed, JobEnded, Progress, RemoteFile, Succeeded
from cosmos_workflow.execution.job import (
    Attached,
    CommandJob,
    Job,
    Place,
    RequestJob,
    fill,
    fill_attached,
)
from cosmos_workflow.execution.job_json import job_from_json, job_to_json
from cosmos_workflow.prompts.enums import Modality
from cosmos_workflow.prompts.run_spec import Parameters
from cosmos_workflow.video.media import Media
from tests.engine_samples import prompt_spec, request, run_spec

README = Path(engines.__file__).with_name("README.md")
EXAMPLE = "the example of the README"
CAUSES = {
    "submission", "out_of_memory", "engine", "no_output", "bad_output", "timeout", "killed", "lost",
}  # fmt: skip
HOSTILE = ("--seed", "--controlnet_specs", "$(touch /tmp/x); `id`\n'\"", "{workspace}/x", "夜の雨")


def example() -> Engine:
    """The engine in the recipe, as a person would copy it."""
    indented = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert indented
    code = "\n".join(line.removeprefix("   ") for line in indented[1].splitlines())
    module = types.ModuleType("example_of_the_readme")
    exec(compile(code, str(README), "exec"), module.__dict__)
    made: Engine = module.Negative()
    return made


@pytest.fixture(params=[*ENGINES.rows, EXAMPLE])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == EXAMPLE:
        return example()
    loaded: Engine = ENGINES.load(request.param)()
    return loaded


def asked(engine: Engine, text: str = "a wet street", **kwargs: Any) -> RunRequest:
    return request(engine, prompt_spec(text, negative=text, controls=["depth", "edge"]), **kwargs)


# -- what it says of itself -----------------------------------------------------------------------


def test_the_example_is_short() -> None:
    code = re.search(r"class Negative.*?```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    assert len(code[0].splitlines()) <= 20


def test_tables(engine: Engine) -> None:
    assert engine.summary
    assert issubclass(engine.Options, Options)
    assert engine.Options.model_config["extra"] == "forbid"
    assert set(engine.limits) <= set(Parameters.model_fields)
    assert Modality.COLOR not in engine.modalities
    assert engine.max_batch >= 1
    for name, field in engine.Options.model_fields.items():
        said = field.description or f"``{name}``" in (engine.Options.__doc__ or "")
        assert said, "every option says what it is for"


def test_named_as_in_the_table() -> None:
    for name in ENGINES.rows:
        assert ENGINES.load(name).name == name


def test_every_parameter_has_a_flag() -> None:
    assert set(FLAGS) == set(Parameters.model_fields)


def test_needs(engine: Engine) -> None:
    for needs in (engine.needs(), engine.needs(asked(engine).run)):
        assert isinstance(needs, Needs)
        assert not any(path.startswith("/") for path in needs.checkpoints)
        job = engine.plan([asked(engine)])
        assert needs.dialect == (job.dialect if isinstance(job, RequestJob) else "")


# -- settling -------------------------------------------------------------------------------------


def test_settling_twice_is_settling_once(engine: Engine) -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    once = settle(engine, run_spec(engine.name, prompt), prompt)
    assert settle(engine, once, prompt) == once
    assert once.with_id() == once


def test_settled_parameters_are_the_engines(engine: Engine) -> None:
    parameters = asked(engine).run.parameters.model_dump(exclude_none=True)
    assert set(parameters) <= set(engine.limits)
    for name, limit in engine.limits.items():
        assert limit.default is None or name in parameters


def test_a_parameter_out_of_range_is_refused(engine: Engine) -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    for name, limit in engine.limits.items():
        if limit.high is None:
            continue
        high = int(limit.high) + 1
        run = run_spec(engine.name, prompt, parameters={name: high})
        with pytest.raises(SpecError) as refused:
            settle(engine, run, prompt)
        assert FLAGS[name] in refused.value.message
        assert str(high) in refused.value.message
        assert f"{limit.high:.12g}" in refused.value.hint


def test_a_parameter_that_the_engine_lacks_is_refused(engine: Engine) -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    samples: dict[str, Any] = {
        name: "low" if name in ("blur_strength", "canny_threshold") else 2
        for name in Parameters.model_fields
    }
    for name in set(samples) - set(engine.limits):
        run = run_spec(engine.name, prompt, parameters={name: samples[name]})
        with pytest.raises(SpecError, match=f"has no {name}"):
            settle(engine, run, prompt)


def test_an_unknown_option_is_refused(engine: Engine) -> None:
    prompt = prompt_spec(controls=["depth", "edge"])
    with pytest.raises(SpecError, match="no such option"):
        settle(engine, run_spec(engine.name, prompt, options={"nonsense": "1"}), prompt)


def test_facts_are_lines(engine: Engine) -> None:
    for fact in engine.facts(asked(engine)):
        assert fact and "\n" not in fact


# -- the plan -------------------------------------------------------------------------------------

_watched: list[str] | None = None
_WORLD = ("open", "socket.", "subprocess.", "os.listdir", "os.scandir", "os.system", "os.exec")


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watched is not None and event.startswith(_WORLD):
        _watched.append(f"{event} {arguments}")


sys.addaudithook(_audit)


@contextmanager
def nothing_touched() -> Iterator[None]:
    """Fails when a file, a socket or a process is opened inside."""
    global _watched
    seen: list[str] = []
    _watched = seen
    try:
        yield
    finally:
        _watched = None
    assert seen == []


def test_the_watch_sees() -> None:
    with pytest.raises(AssertionError), nothing_touched():
        README.read_text(encoding="utf-8")


def test_pure(engine: Engine) -> None:
    one = asked(engine)
    ended = JobEnded(1, "exited")
    engine.plan([one])
    engine.verdict(one.run_id, ended, ["x"])  # whatever is imported late is imported now
    with nothing_touched():
        engine.plan([one])
        engine.check(one.run, one.prompt)
        engine.progress("x")
        engine.needs(one.run)
        engine.verdict(one.run_id, ended, ["x"])


def key_of(engine: Engine) -> str:
    one = asked(engine)
    return engine.batch_key(one.run, one.prompt)


def test_deterministic(engine: Engine) -> None:
    assert engine.plan([asked(engine)]) == engine.plan([asked(engine)])
    assert key_of(engine) == key_of(engine)


def test_named_and_owned(engine: Engine) -> None:
    one = asked(engine, gpus=1)
    job = engine.plan([one])
    assert (job.name, job.engine) == (one.job_name, engine.name)
    assert set(job.outputs) == {one.run_id}
    assert all(patterns for patterns in job.outputs.values())
    assert not any(pattern.startswith(("/", "..")) for p in job.outputs.values() for pattern in p)


def test_carries_the_time_limit_and_the_devices(engine: Engine) -> None:
    job = engine.plan([replace(asked(engine), time_limit=77, cuda_devices="3")])
    assert job.time_limit == 77
    if isinstance(job, CommandJob):
        assert job.gpus == 0 or job.cuda_devices == "3"


def places(value: Any) -> list[Place]:
    found: list[Place] = []

    def where(place: Place) -> str:
        found.append(place)
        return ""

    fill(value, where)
    return found


def attached(value: Any) -> list[Attached]:
    found: list[Attached] = []
    fill_attached(value, found.append)
    return found


def test_every_place_is_there(engine: Engine) -> None:
    job = engine.plan([asked(engine)])
    keys = [item.key for item in job.inputs]
    assert len(keys) == len(set(keys))
    if isinstance(job, RequestJob):
        assert sorted(one.key for one in attached(job.body)) == sorted(keys)
        return
    files = {file.path for file in job.files}
    for place in places([job.argv, [file.json for file in job.files]]):
        if place.root == "input":
            assert place.path in keys
        if place.root == "workspace" and not place.path.startswith("outputs"):
            assert place.path in files


def test_input_names_are_plain(engine: Engine) -> None:
    for item in engine.plan([asked(engine)]).inputs:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", item.name)


def test_shipped_scripts_exist(engine: Engine) -> None:
    scripts = Path(engines.__file__).parents[1] / "scripts"
    job = engine.plan([asked(engine)])
    for file in job.files if isinstance(job, CommandJob) else ():
        assert bool(file.script) != (file.json is not None)
        if file.script:
            assert (scripts / file.script).is_file()


def test_json_round_trip(engine: Engine) -> None:
    job = engine.plan([asked(engine)])
    again = job_from_json(json.loads(json.dumps(job_to_json(job))))
    assert again == job


@pytest.mark.parametrize("text", HOSTILE)
def test_words_only_in_files(engine: Engine, text: str) -> None:
    def told(job: CommandJob) -> Any:
        return [arg for arg in job.argv if isinstance(arg, str)], dict(job.env)

    hostile, tame = engine.plan([asked(engine, text)]), engine.plan([asked(engine, "tame")])
    if isinstance(hostile, RequestJob) or isinstance(tame, RequestJob):
        return  # a field of a form or of JSON: no text can become another field
    assert told(hostile) == told(tame)
    assert [file.path for file in hostile.files] == [file.path for file in tame.files]


# -- the job's words ------------------------------------------------------------------------------


@given(st.text() | st.text(alphabet="0123456789%|/[]: \r\x1b█it<>,s.").map(lambda t: f" {t}"))
@settings(max_examples=150, deadline=None)
def test_progress_survives_anything(line: str) -> None:
    for name in ENGINES.rows:
        said = ENGINES.load(name)().progress(line)
        assert said is None or isinstance(said, Progress)
        if said and said.fraction is not None:
            assert 0 <= said.fraction <= 1


@given(st.lists(st.text(), max_size=8), st.sampled_from([0, 1, 2, 66, 137, None]))
@settings(max_examples=100, deadline=None)
def test_verdict_survives_anything(log: list[str], code: int | None) -> None:
    for name in ENGINES.rows:
        verdict = ENGINES.load(name)().verdict("rs_00000000.1", JobEnded(code, "exited"), log)
        assert isinstance(verdict, Failed)
        assert verdict.cause in CAUSES
        assert verdict.message


def result_of(job: Job, run_id: str) -> str:
    return job.outputs[run_id][0].replace("*", "result")


def test_succeeded(engine: Engine) -> None:
    one = asked(engine)
    path = result_of(engine.plan([one]), one.run_id)
    files = (RemoteFile("outputs/a.txt", 3, "c" * 64), RemoteFile(path, 9, "d" * 64))
    verdict = engine.verdict(one.run_id, JobEnded(0, "exited", files), ["done"])
    assert isinstance(verdict, Succeeded)
    assert verdict.outputs[0].path == path
    assert verdict.outputs[0].sha256 == "d" * 64


@pytest.mark.parametrize("size", [0, 9])
def test_a_failure_says_what_and_what_next(engine: Engine, size: int) -> None:
    one = asked(engine)
    job = engine.plan([one])
    files = (RemoteFile(result_of(job, one.run_id), size, "d" * 64),)
    log = ["RuntimeError: the sky fell"]
    if isinstance(job, RequestJob):  # a service names files or it does not, and tells no size
        files, log = files if size else (), ['answer: {"error": "the sky fell"}']
    verdict = engine.verdict(one.run_id, JobEnded(1 if size else 0, "exited", files), log)
    assert isinstance(verdict, Failed)
    assert verdict.cause == ("engine" if size else "no_output")
    assert verdict.hint
    if size:
        assert "the sky fell" in verdict.message


LOGS = sorted((Path(__file__).parents[1] / "golden" / "logs").glob("*.log"))


@pytest.mark.parametrize("log", LOGS, ids=[log.stem for log in LOGS])
def test_progress_of_a_recorded_log_never_falls(log: Path) -> None:
    """``ENGINE.log`` or ``ENGINE-what.log``: what the model printed."""
    engine: Engine = ENGINES.load(log.stem.partition("-")[0])()
    lines = log.read_text(encoding="utf-8").split("\n")
    said = [progress for line in lines if (progress := engine.progress(line))]
    fractions = [progress.fraction for progress in said if progress.fraction is not None]
    assert len(said) >= 3
    assert fractions == sorted(fractions)


# -- other packages -------------------------------------------------------------------------------


def test_another_package_adds_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "added_engine.py").write_text(
        "from cosmos_workflow.engines.command import CommandEngine\n\n\n"
        "class Added(CommandEngine):\n    name = 'added'\n    summary = 'from elsewhere'\n"
    )
    info = tmp_path / "added_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[cosmos_workflow.engines]\nadded = added_engine:Added\nupscale = added_engine:Added\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "added" in ENGINES.names()
    assert ENGINES.load("added").summary == "from elsewhere"
    assert ENGINES.load("upscale").name == "upscale", "a name of the table cannot be taken"


@pytest.mark.parametrize("size", [(1280, 704), (1920, 1080), (1081, 1921), (640, 640)])
@pytest.mark.parametrize("frames", [1, 121, 122, 9999])
def test_it_says_what_fits(engine: Engine, size: tuple[int, int], frames: int) -> None:
    media = Media(*size, fps=24, frames=frames, codec="h264", pix_fmt="yuv420p")
    fit = engine.fit(media)
    assert fit.width > 0 and fit.height > 0
    assert fit.width % 2 == fit.height % 2 == 0
    again = engine.fit(replace(media, width=fit.width, height=fit.height))
    assert (again.width, again.height) == (fit.width, fit.height)
    assert all(len(line) < 200 and line for line in (*fit.notes, *fit.faults))
