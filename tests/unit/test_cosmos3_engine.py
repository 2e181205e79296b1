"""The Cosmos 3 framework: what is refused before anything is sent, what it is told, its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cosmos_workflow.engines.cosmos3 import Cosmos3
from cosmos_workflow.engines.cosmos3_media import chunks, shape
from cosmos_workflow.engines.cosmos3_options import whole_chunk
from cosmos_workflow.engines.engine import RunRequest
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded, Verdict
from cosmos_workflow.execution.job import CommandJob
from tests.engine_samples import prompt_spec, request, smaller

C3 = Cosmos3()
RUN = "rs_1f2e3d4c.2"
VIDEO = RemoteFile(f"outputs/{RUN}/vision.mp4", 1000, "a" * 64)


def asked(
    *,
    controls: tuple[str, ...] = ("depth",),
    video: bool = True,
    text: str = "a street",
    **run: Any,
) -> RunRequest:
    return request(C3, prompt_spec(text, video=video, controls=controls), **run)


def document(job: CommandJob) -> dict[str, Any]:
    return next(dict(file.json) for file in job.files if file.path == "spec.json")


def told(**kwargs: Any) -> dict[str, Any]:
    return document(C3.plan([asked(**kwargs)]))


# -- refused before anything is sent --------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"options": {"model": "edge"}}, "edge has no transfer"),
        ({"options": {"model": "edge", "mode": "video2video"}}, "edge has no video2video"),
        (
            {"options": {"model": "edge", "mode": "text2video", "resolution": "720"}},
            "trained for 256 and 480",
        ),
        ({"options": {"num_frames": 9}}, "length of a transfer"),
        ({"parameters": {"fps": 30}}, "plays at the rate of its input video, 24"),
        ({"options": {"auto": "depth"}}, "cannot make it"),
        ({"options": {"auto": "vis"}}, "has no weight"),
        ({"controls": (), "weights": {"seg": 1.0}}, "has no segmentation control"),
        ({"weights": {"keypoint": 1.0}}, "takes no keypoint control"),
        ({"weights": {"depth": -1.0}}, "out of range"),
        ({"weights": {"depth": "map.pt"}}, "not a weight map"),
        ({"weights": {"depth": 0.0}, "options": {"mode": "transfer"}}, "at least one control"),
        ({"video": False, "controls": (), "weights": {"edge": 1.0}}, "there is none"),
        (
            {"video": False, "options": {"num_first_chunk_conditional_frames": 1}},
            "no input video to start from",
        ),
        ({"options": {"num_conditional_frames": 93}}, "go no further"),
        ({"controls": (), "options": {"max_frames": 9}}, "is for a transfer"),
        ({"controls": (), "options": {"mode": "image2video"}}, "starts from an image"),
        ({"controls": (), "video": False, "options": {"mode": "video2video"}}, "goes on from"),
        ({"options": {"image_path": "a.png"}}, "is for image2video"),
        ({"controls": (), "options": {"image_path": "a.tiff"}}, "reads .png"),
        ({"options": {"checkpoint_path": "/etc"}}, "relative to the target's checkpoints"),
        ({"parameters": {"guidance": 7.5}}, "out of range"),
        ({"parameters": {"sigma_max": 80}}, "has no sigma_max"),
        ({"gpus": 3}, "1, 2, 4 or 8"),
        ({"options": {"model": "super"}}, "128 GB of weights"),
        ({"gpus": 2, "cuda_devices": "1"}, "names 1"),
        ({"media": {"depth": smaller(width=704, height=1280)}}, "another shape"),
        ({"media": {"color": smaller(frames=120)}}, "has 120 frames, 121 are made"),
        ({"media": {n: smaller(frames=5001) for n in ("color", "depth")}}, "more than the 5000"),
    ],
)
def test_refused(run: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        C3.plan([asked(**run)])
    assert words in f"{refused.value.message} {refused.value.hint}"


def test_a_transfer_shares_no_job_with_words() -> None:
    with pytest.raises(SpecError, match="1 to 32 runs"):
        C3.plan([])
    with pytest.raises(SpecError, match="cannot share a job"):
        C3.plan([asked(), asked(options={"disable_guardrails": "true"})])
    with pytest.raises(SpecError, match="cannot share a job"):
        C3.plan([asked(), asked(controls=())])


# -- what it is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(("frames", "made"), [(1, 1), (2, 5), (93, 93), (100, 101), (189, 189)])
def test_frames_are_a_multiple_of_4_plus_1(frames: int, made: int) -> None:
    assert whole_chunk(frames) == made


@pytest.mark.parametrize(("frames", "count"), [(1, 1), (93, 1), (94, 2), (185, 2), (186, 3)])
def test_chunks(frames: int, count: int) -> None:
    assert chunks(frames) == count


def test_shapes() -> None:
    assert shape("16,9") == (1280, 720)
    assert shape("3,4", "480") == (544, 736)


@pytest.mark.parametrize(
    ("control", "guidance", "control_guidance", "chunk"),
    [("depth", 3.0, 1.5, 93), ("seg", 3.0, 2.0, 93), ("hdmap", 1.0, 3.0, 101)],
)
def test_a_control_alone_has_the_makers_values(
    control: str, guidance: float, control_guidance: float, chunk: int
) -> None:
    said = told(controls=(control,))
    assert said["guidance"] == guidance
    assert said["control_guidance"] == control_guidance
    assert said["num_video_frames_per_chunk"] == chunk
    assert said["num_steps"] == 50


def test_the_shape_is_always_said() -> None:
    """Left away it would be 16:9, whatever the video is."""
    upright = {name: smaller(width=720, height=1280) for name in ("color", "depth")}
    assert told(media=upright)["aspect_ratio"] == "9,16"


def test_without_controls_it_is_what_the_input_is() -> None:
    assert told(controls=())["model_mode"] == "video2video"
    assert told(controls=(), video=False)["model_mode"] == "text2video"
    image = told(controls=(), options={"image_path": "a.png"})
    assert (image["model_mode"], str(image["vision_path"])) == ("image2video", "{input}/vision")
    assert "depth" not in told(options={"mode": "text2video"})
    assert "vision_path" not in told(options={"mode": "text2video"})


def test_control_guidance_is_not_said_without_a_control() -> None:
    assert "control_guidance" not in told(controls=())


def test_a_caption_is_handed_on_as_the_framework_does() -> None:
    said = told(text='{"a":\n "é"}')
    assert said["prompt"] == '{"a": "\\u00e9"}'
    assert said["emphasize_control_in_prompt"] is False
    assert told(text="[1]")["prompt"] == "[1]", "a list is prose"
    assert told()["emphasize_control_in_prompt"] is True


def test_the_rate_is_the_inputs() -> None:
    assert told(media={"color": smaller(fps=29.97)})["fps"] == 30
    assert told(parameters={"fps": 24})["fps"] == 24, "the shot's own rate is no wish"
    assert told(controls=(), video=False)["fps"] == 24
    assert told(controls=(), video=False, parameters={"fps": 12})["fps"] == 12


def test_facts_say_the_rounding_and_what_it_was_trained_for() -> None:
    facts = C3.facts(asked(controls=(), video=False, options={"num_frames": 250}))
    assert "250 frames are made 253: a multiple of 4, plus 1" in facts
    assert "at 720 it was trained for 24 to 200 frames, not 253" in facts


def test_super_shares_out_weights_and_nano_shares_out_work() -> None:
    big = C3.plan([asked(gpus=4, options={"model": "super"})]).argv
    assert big[big.index("--dp-shard-size") + 1] == "4"
    assert big[big.index("--parallelism-preset") + 1] == "throughput"
    small = C3.plan([asked(gpus=4)]).argv
    assert small[small.index("--dp-shard-size") + 1] == "1"
    assert small[small.index("--parallelism-preset") + 1] == "latency"


def test_what_is_echoed_is_under_our_names() -> None:
    job = C3.plan([asked(weights={"edge": 1.0})])
    echo = {f"outputs/{RUN}/sample_args.json": document(job), "x.json": {"seed": 1}}
    assert C3.echoed([], echo) == next(iter(job.parameters.values()))
    assert next(iter(job.parameters.values()))["canny_threshold"] == "medium"


def test_needs_by_model() -> None:
    assert C3.needs(asked(options={"mode": "text2video", "model": "edge"}).run).gpu_memory_gib == 16
    assert C3.needs().image == "cosmos3:latest"


# -- how it went ----------------------------------------------------------------------------------


def logged(message: str, level: str = "INFO") -> str:
    return f"[11-20 10:00:00|job=|{level}|cosmos_framework/inference/inference.py:1:f] {message}"


def outputs(**told: Any) -> str:
    return "cosmos3.sh: sample_outputs: " + json.dumps({"args": {"name": RUN}, **told})


def ended(*log: str, code: int = 1, files: tuple[RemoteFile, ...] = ()) -> Verdict:
    return C3.verdict(RUN, JobEnded(code, "exited", files), log)


def failed(*log: str, code: int = 1, files: tuple[RemoteFile, ...] = ()) -> Failed:
    found = ended(*log, code=code, files=files)
    assert isinstance(found, Failed)
    return found


def test_its_own_account_decides() -> None:
    account = RemoteFile(f"outputs/{RUN}/sample_outputs.json", 9, "b" * 64)
    log = RemoteFile("outputs/console.log", 9, "c" * 64)
    found = ended(outputs(status="success"), code=0, files=(log, account, VIDEO))
    assert isinstance(found, Succeeded)
    assert [output.path for output in found.outputs] == [VIDEO.path, account.path]
    wrong = outputs(status="error", message="x broke", stack_trace="ValueError: x broke")
    assert "error: x broke" in failed(wrong, code=0, files=(VIDEO,)).message
    memory = outputs(status="error", message="x", stack_trace="torch.OutOfMemoryError: CUDA")
    assert failed(memory, code=0).cause == "out_of_memory"
    assert failed(outputs(status="skip", message="no sound"), code=0).message.endswith("no sound")
    assert failed(outputs(status="success"), code=0).cause == "no_output"
    assert failed("cosmos3.sh: sample_outputs: {half", code=0).cause == "no_output"


@pytest.mark.parametrize(
    ("guardrail", "what", "by"),
    [
        ("QWEN3GUARD: Safety: Unsafe", "prompt", "Qwen3Guard"),
        ("VIDEOCONTENTSAFETYFILTER: unsafe", "video", "video content safety filter"),
    ],
)
def test_refusals(guardrail: str, what: str, by: str) -> None:
    said = f"Error generating sample '{RUN}': Guardrail blocked {what} '/x/{RUN}': 'a"
    found = ended(
        logged(f"GUARDRAIL BLOCKED: {guardrail}", "CRITICAL"),
        "Traceback (most recent call last):", f"ValueError: {said}", "b'", "  exitcode  : 1",
    )  # fmt: skip
    assert isinstance(found, Blocked)
    assert found.what == {"prompt": "prompt", "video": "generated video"}[what]
    assert found.by == by
    kept = ended(outputs(status="error", message=said), code=0)
    assert isinstance(kept, Blocked)


def test_what_went_wrong_with_a_sample_is_in_the_log_alone() -> None:
    """It goes on, ends well, and leaves no account; the video may be there all the same."""
    start = f"Error generating sample '{RUN}': "
    other = logged("Error generating sample 'rs_00000000.1': x", "ERROR")
    full = logged(f"{start}[Errno 28] No space left on device", "ERROR")
    assert "disk of the host" in failed(other, full, code=0, files=(VIDEO,)).message
    broke = logged(f"{start}it broke", "ERROR")
    assert failed(broke, code=0, files=(VIDEO,)).message == "the framework says: it broke"
    assert isinstance(ended(other, code=0, files=(VIDEO,)), Succeeded)


@pytest.mark.parametrize(
    ("log", "cause", "words"),
    [
        (["torch.OutOfMemoryError: CUDA out of memory. Tried"], "out_of_memory", "128 GB"),
        (["OSError: [Errno 28] No space left on device"], "engine", "disk of the host"),
        (["huggingface_hub.errors.GatedRepoError: 403 Client"], "engine", "accept the licence"),
        (["ModuleNotFoundError: No module named 'x'"], "engine", "docs/engines/cosmos3.md"),
        (
            ["ValueError: Error validating parameters from 'x' at sample 0", "Parameters: {}",
             "1 validation error for OmniSampleOverrides", "fps",
             "  Extra inputs are not permitted [type=extra_forbidden, input_value=1]"],
            "engine", "fps: Extra inputs are not permitted",
        ),
        (["  exitcode  : -9 (pid: 7)"], "out_of_memory", "main memory"),
        (["RuntimeError: what now"], "engine", "what now"),
        (["what now"], "engine", "what now"),
    ],
)  # fmt: skip
def test_causes(log: list[str], cause: str, words: str) -> None:
    found = failed(*log)
    assert found.cause == cause
    assert words in f"{found.message} {found.hint}"


def test_another_image_is_said() -> None:
    found = failed("cosmos3.sh: the Cosmos framework is not in /workspace", code=66)
    assert found.message == "the Cosmos framework is not in /workspace"


@pytest.mark.parametrize(
    ("line", "stage", "fraction"),
    [
        ("steps.py: sample 1/1 chunk 2/2 step 0/50", "sampling", 0.525),
        (logged("Loaded 1 samples"), "loading models", 0.02),
        (logged("[RANK 0] Saved transfer outputs to '/x'", "SUCCESS"), "saving", None),
        (logged("else"), None, None),
    ],
)
def test_progress(line: str, stage: str | None, fraction: float | None) -> None:
    said = C3.progress(line)
    assert (said.stage if said else None) == stage
    assert (said.fraction if said else None) == fraction
