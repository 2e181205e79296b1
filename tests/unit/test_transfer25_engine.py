"""Transfer2.5: what it refuses before anything is sent, what it is told, how its end is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.engines.transfer25_media import chunks, shape
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded, Verdict
from cosmos_workflow.execution.job import CommandJob
from tests.engine_samples import PLAIN, prompt_spec, request, smaller

T25 = Transfer25()
RUN = "rs_1f2e3d4c.2"
VIDEO = RemoteFile(f"outputs/{RUN}.mp4", 1000, "a" * 64)


def asked(*, controls: tuple[str, ...] = ("depth",), **kwargs: Any) -> RunRequest:
    return request(T25, prompt_spec(controls=controls), **kwargs)


def document(job: CommandJob, number: int = 0) -> dict[str, Any]:
    found = [file.json for file in job.files if not file.script][number]
    return dict(found)


# -- refused before anything is sent --------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"auto": "edge"}, "edge has no weight"),
        ({"control_prompt": "car"}, "only where the model segments"),
        ({"mask_path": "edge=a.mp4"}, "edge has no weight"),
        ({"mask_prompt": "car"}, "depth=...,edge=..."),
        ({"mask_path": "depth=a.mp4", "mask_prompt": "depth=car"}, "would ignore the words"),
        ({"guided_generation_foreground_labels": "[1]"}, "a .npz mask only"),
        ({"guided_generation_mask": "a.mov"}, "reads .mp4 and .npz"),
        ({"image_context_path": "a.gif"}, "reads .png"),
        ({"image_context_path": "a.png", "context_frame_index": 3}, "would ignore"),
        ({"context_frame_index": 121}, "counted from 0"),
        ({"use_distilled": True}, "has edge alone"),
        ({"num_video_frames_per_chunk": 92}, "a multiple of 4, plus 1"),
        ({"num_video_frames_per_chunk": 0}, "greater than or equal to 1"),
        ({"resolution": "700"}, "resolution=700"),
        ({"experiment": "x"}, "weights of your own"),
        ({"experiment": "--seed", "checkpoint_path": "x"}, "experiment=--seed"),
        ({"checkpoint_path": "/etc/x"}, "relative to the target's checkpoints"),
        ({"checkpoint_path": "a/../../x"}, "relative to the target's checkpoints"),
    ],
)
def test_options_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        T25.plan([asked(options=options)])
    assert words in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("value", [3.5, 0.1])
def test_guidance_is_a_whole_number(value: float) -> None:
    with pytest.raises(SpecError, match="no whole number"):
        asked(parameters={"guidance": value})
    assert document(T25.plan([asked(parameters={"guidance": 4.0})]))["guidance"] == 4


@pytest.mark.parametrize(("weights", "words"), [
    ({"depth": "map.pt"}, "not a weight map"),
    ({"depth": 1.1}, "out of range"),
    ({"keypoint": 1.0}, "takes no keypoint control"),
    ({"hdmap": 1.0}, "takes no hdmap control"),
    ({"vis": 1.0}, "has no vis control"),
    ({"depth": 0.0}, "at least one control"),
])  # fmt: skip
def test_weights_refused(weights: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        asked(weights=weights)
    assert words in f"{refused.value.message} {refused.value.hint}"


def test_vis_and_an_image_both_give_the_style() -> None:
    with pytest.raises(SpecError, match="refuses both"):
        asked(controls=("vis",), options={"image_context_path": "a.png"})


def test_distilled_has_four_steps_and_no_guidance() -> None:
    wanted = {"controls": ("edge",), "options": {"use_distilled": True}}
    assert asked(**wanted).run.parameters.num_steps == 4
    for parameters in ({"num_steps": 5}, {"guidance": 3}):
        with pytest.raises(SpecError, match="distilled model"):
            asked(**wanted, parameters=parameters)


def test_an_input_video_is_needed() -> None:
    with pytest.raises(SpecError, match="always reads an input video"):
        request(T25, prompt_spec(video=False, controls=["depth"]))


@pytest.mark.parametrize(("media", "words"), [
    ({"depth": smaller(frames=120)}, "depth control has 120 frames"),
    ({"depth": smaller(width=704, height=1280)}, "another shape"),
    ({"color": smaller(frames=5001), "depth": smaller(frames=5001)}, "more than the 5000"),
])  # fmt: skip
def test_videos_that_do_not_fit(media: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        T25.plan([asked(media=media)])
    assert words in refused.value.message


def test_a_longer_control_is_cut_by_the_model() -> None:
    media = {"color": smaller(frames=100), "depth": smaller(frames=121)}
    assert "100 frames" in T25.facts(asked(media=media))[0]
    T25.plan([asked(media={"depth": smaller(frames=93)}, options={"max_frames": 93})])


@pytest.mark.parametrize("gpus", [3, 5])
def test_numbers_of_gpus(gpus: int) -> None:
    with pytest.raises(SpecError, match="1, 2, 4 or 8"):
        T25.plan([asked(gpus=gpus)])


# -- what it is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "count"), [(1, 1), (93, 1), (94, 2), (121, 2), (185, 2), (186, 3)]
)
def test_chunks(frames: int, count: int) -> None:
    assert chunks(frames) == count


def test_shapes() -> None:
    assert shape(PLAIN) == (1280, 704)
    assert shape(smaller(width=1080, height=1920), "480p") == (480, 832)
    assert shape(smaller(width=768, height=1024), "1080") == (1056, 1440)


def test_a_job_says_what_it_told_the_model() -> None:
    job = T25.plan([asked(weights={"edge": 1.0}, parameters={"sigma_max": 80})])
    (sent,) = job.parameters.values()
    assert sent == {
        "seed": 2025, "num_steps": 35, "guidance": 3, "sigma_max": "80",
        "canny_threshold": "medium",
    }  # fmt: skip
    echo = {**document(job), "video_path": "/x"}
    assert T25.echoed([], {"outputs/x.json": echo}) == sent


def test_an_empty_negative_prompt_is_left_to_the_model() -> None:
    assert "negative_prompt" not in document(T25.plan([asked()]))


def test_several_gpus_stop_at_a_refusal_and_never_run_without_end() -> None:
    job = T25.plan([asked(gpus=2)])
    assert "--no-keep-going" in job.argv
    assert job.time_limit == 3600 + 2 * 1800
    assert T25.plan([asked()]).time_limit == 0


def test_runs_share_a_job_when_they_have_the_same_controls() -> None:
    one, two = asked(parameters={"seed": 1}), asked(parameters={"seed": 2, "guidance": 5})
    assert T25.batch_key(one.run, one.prompt) == T25.batch_key(two.run, two.prompt)
    job = T25.plan([one, two])
    assert job.outputs[two.run_id][0] == f"outputs/{two.run_id}.mp4"
    assert [document(job, n)["seed"] for n in (0, 1)] == [1, 2]
    assert [str(arg) for arg in job.argv[2:5]] == [
        "--input-files",
        *(f"{{workspace}}/0{n}_{r.run_id}.json" for n, r in enumerate((one, two), 1)),
    ]  # fmt: skip
    assert [item.key for item in job.inputs] == ["1_color", "1_depth", "2_color", "2_depth"]


@pytest.mark.parametrize("other", [
    {"controls": ("edge",)}, {"options": {"disable_guardrails": True}}, {"gpus": 2},
])  # fmt: skip
def test_runs_of_other_kinds_do_not_share_a_job(other: dict[str, Any]) -> None:
    """The model would load all four branches for two kinds of control."""
    with pytest.raises(SpecError, match="cannot share a job"):
        T25.plan([asked(), asked(**other)])


def test_time_limits_of_a_shared_job_add_up() -> None:
    one, two = replace(asked(), time_limit=60), replace(asked(parameters={"seed": 1}), time_limit=9)
    assert T25.plan([one, two]).time_limit == 69
    assert T25.plan([one, replace(two, time_limit=0)]).time_limit == 0


# -- how it went ----------------------------------------------------------------------------------


def logged(message: str, level: str = "INFO", path: str = "cosmos_transfer2/inference.py") -> str:
    return f"[11-20 10:00:00|{level}|{path}:123:_generate_sample] {message}"


BEGUN = logged(f"[1/1] Processing sample {RUN}")
LOOKED = logged("Running guardrail check on video...")


def ended(*log: str, code: int = 1, files: tuple[RemoteFile, ...] = ()) -> Verdict:
    return T25.verdict(RUN, JobEnded(code, "exited", files), log)


def failed(*log: str, code: int = 1) -> Failed:
    found = ended(*log, code=code)
    assert isinstance(found, Failed)
    return found


def blocked(*log: str, code: int = 0) -> Blocked:
    found = ended(*log, code=code)
    assert isinstance(found, Blocked)
    return found


def test_the_video_counts_and_not_its_json() -> None:
    echo = RemoteFile(f"outputs/{RUN}.json", 10, "b" * 64)
    other = RemoteFile("outputs/rs_1f2e3d4c.20.mp4", 10, "c" * 64)
    assert failed(BEGUN, code=0).cause == "no_output"
    found = ended(code=0, files=(echo, other, VIDEO))
    assert isinstance(found, Succeeded)
    assert [output.path for output in found.outputs] == [VIDEO.path, echo.path]


@pytest.mark.parametrize(
    ("what", "start"), [("prompt", "Prompt"), ("negative prompt", "Negative prompt")]
)
def test_which_text_was_blocked(what: str, start: str) -> None:
    reason = "BLOCKLIST: Prompt blocked by exact match blocklist: Prompt: a\nb, Exact Match Word: b"
    found = blocked(
        BEGUN,
        *logged(f"GUARDRAIL BLOCKED: {reason}", "CRITICAL").split("\n"),
        logged(f"Guardrail blocked generation. {start}: a", "CRITICAL"),
    )
    assert (found.what, found.by) == (what, "Blocklist")
    assert "'b'" in found.hint


def test_a_refused_video_is_found_though_all_ends_well() -> None:
    assert blocked(BEGUN, LOOKED).what == "generated video"
    reason = logged("GUARDRAIL BLOCKED: VIDEOCONTENTSAFETYFILTER: unsafe frame", "CRITICAL")
    assert blocked(BEGUN, LOOKED, BEGUN, reason).message == "unsafe frame"
    raised = "Exception: Guardrail blocked video2world generation."
    assert blocked(BEGUN, LOOKED, raised, code=1).what == "generated video"


def test_a_crash_while_the_video_is_checked_is_no_refusal() -> None:
    assert failed(BEGUN, LOOKED, "RuntimeError: x").message == "RuntimeError: x"


def test_runs_of_one_job_are_told_apart() -> None:
    other = logged("[2/2] Processing sample rs_00000000.1")
    oom = "torch.OutOfMemoryError: CUDA out of memory."
    saved = logged(f"Generated video saved to /x/{RUN}.mp4", "SUCCESS")
    assert isinstance(ended(BEGUN, saved, other, oom, files=(VIDEO,)), Succeeded)
    assert failed(BEGUN, oom).cause == "out_of_memory"
    assert "before this one began" in failed(other, oom).message
    text = logged("Guardrail blocked generation. Prompt: a", "CRITICAL")
    assert failed(BEGUN, other, text, code=0).cause == "no_output", "the refusal is the other's"


@pytest.mark.parametrize(
    ("log", "cause", "words"),
    [
        (["torch.OutOfMemoryError: CUDA out of memory. Tried"], "out_of_memory", "65.4 GB"),
        (["OSError: [Errno 28] No space left on device"], "engine", "disk of the host"),
        (
            ["Access denied: 403 Client Error",
             "subprocess.CalledProcessError: Command '['uvx', 'download', 'x']' returned"],
            "engine", "accept the licence",
        ),
        (
            ["subprocess.CalledProcessError: Command '['uvx', 'download', 'x']' returned 1"],
            "engine", "was not reached",
        ),
        (["json.decoder.JSONDecodeError: Expecting value"], "engine", "git lfs pull"),
        (["ModuleNotFoundError: No module named 'cosmos_oss'"], "engine", "STANDALONE"),
        (["ValueError: No input frames; cannot pad. Verify"], "engine", "fewer frames"),
        (
            ["Error validating parameters from 'x' at line 0", "1 validation error for X", "fps",
             "  Extra inputs are not permitted [type=extra_forbidden, input_value=1]",
             "    For further information visit https://errors.pydantic.dev"],
            "engine", "fps: Extra inputs are not permitted",
        ),
        (["  exitcode  : -11 (pid: 7)"], "engine", "SIGSEGV"),
        (["  exitcode  : -9 (pid: 7)"], "out_of_memory", "main memory"),
        (["what now"], "engine", "what now"),
    ],
)  # fmt: skip
def test_causes(log: list[str], cause: str, words: str) -> None:
    found = failed(*log)
    assert found.cause == cause
    assert words in f"{found.message} {found.hint}"


def test_another_image_is_said() -> None:
    found = failed("transfer25.sh: Transfer2.5 is not in /workspace", code=66)
    assert (found.message, "STANDALONE" in found.hint) == ("Transfer2.5 is not in /workspace", True)


# -- how far it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "stage", "fraction"),
    [
        ("steps.py: sample 1/1 chunk 1/2 step 0/35", "sampling", 0.1),
        ("steps.py: sample 1/1 chunk 2/2 step 0/35", "sampling", 0.525),
        ("steps.py: sample 2/2 chunk 2/2 step 35/35", "sampling", 0.95),
        ("steps.py: sample 3/2 chunk 1/1 step 1/35", None, None),
        ("steps.py: sample 1/1 chunk 1/1 step 1/0", None, None),
        (logged("Running guardrail check on video..."), "checking the video", None),
        (BEGUN, None, None),
        ("Loading weights: 50%|█  | 1/2 [00:01<00:01]", "loading models", None),
    ],
)
def test_progress(line: str, stage: str | None, fraction: float | None) -> None:
    said = T25.progress(line)
    assert (said.stage if said else None) == stage
    assert (said.fraction if said else None) == fraction


def test_gpu_seconds_are_those_of_the_makers() -> None:
    assert T25.seconds(asked()) == pytest.approx(2 * 445.5)
    distilled = asked(controls=("edge",), options={"use_distilled": True, "max_frames": 93})
    assert T25.seconds(distilled) == pytest.approx(64.5)


def test_the_batch_key_is_json() -> None:
    assert json.loads(T25.batch_key(asked().run, asked().prompt))[:2] == ["transfer25", ["depth"]]
