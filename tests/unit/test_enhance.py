"""The upsampler: what it is shown, its limits, how it ends; and PromptSpecs that have a parent."""

from __future__ import annotations

import json

import pytest

from cosmos_workflow.engines.enhance import Enhance
from cosmos_workflow.engines.enhance_result import whole_sentences
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import (
    Blocked,
    Failed,
    JobEnded,
    Output,
    Progress,
    RemoteFile,
    Succeeded,
    from_json,
    to_json,
)
from cosmos_workflow.execution.job import Derived
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.video.media import Media
from tests.engine_samples import prompt_spec, request, run_spec, smaller
from tests.lab.servers.chat_answers import caption

ENGINE = Enhance()
TEXT = (RemoteFile("outputs/prompt.txt", 90, "d" * 64),)
MOST_TOKENS = 4096


@pytest.mark.parametrize(
    "media",
    [
        smaller(), smaller(width=1920, height=1080), smaller(width=704, height=1280),
        smaller(width=960, height=960), smaller(width=321, height=181, frames=1),
        smaller(pix_fmt="yuvj420p", full_range=True),
    ],
)  # fmt: skip
def test_it_is_shown_two_small_frames_that_leave_room_for_words(media: Media) -> None:
    (one,) = ENGINE.plan([request(ENGINE, prompt_spec(), media={"color": media})]).inputs
    assert isinstance(one.source, Derived)
    shown = one.source.settings
    assert shown["frames"] == min(2, media.frames)
    assert shown["width"] % 2 == shown["height"] % 2 == 0
    across, down = -(-shown["width"] // 16), -(-shown["height"] // 16)
    words, answer = 5000 // 3, 300
    assert 2 * (across * down + down) + words + answer <= MOST_TOKENS


@pytest.mark.parametrize(
    ("video", "controls", "option", "shown"),
    [
        (True, ["depth", "vis"], "auto", "color"),
        (False, ["depth", "vis"], "auto", "vis"),
        (False, ["depth", "seg", "edge"], "auto", "edge"),
        (False, ["depth", "seg"], "auto", "segmentation"),
        (True, ["depth"], "depth", "depth"),
    ],
)
def test_which_video(video: bool, controls: list[str], option: str, shown: str) -> None:
    prompt = prompt_spec(video=video, controls=controls)
    (one,) = ENGINE.plan([request(ENGINE, prompt, options={"video": option})]).inputs
    assert isinstance(one.source, Derived)
    assert one.source.source.stem == shown


@pytest.mark.parametrize(
    ("prompt", "option", "said"),
    [
        (prompt_spec(video=False), "auto", "has no video"),
        (prompt_spec(video=False, controls=["lidar"]), "auto", "has no video"),
        (prompt_spec(), "edge", "has no such video"),
        (prompt_spec("x" * 5001), "auto", "has 5001 bytes"),
        (prompt_spec("夜" * 1700), "auto", "has 5100 bytes"),
        (prompt_spec(json.dumps(caption())), "auto", "structured caption already"),
    ],
)
def test_what_it_cannot_take(prompt: PromptSpec, option: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        settle(ENGINE, run_spec("enhance", prompt, options={"video": option}), prompt)


def test_one_gpu() -> None:
    with pytest.raises(SpecError, match="--num-gpu 2"):
        ENGINE.plan([request(ENGINE, prompt_spec(), gpus=2)])


# -- how it ends ----------------------------------------------------------------------------------

ENGINE_DIED = "RuntimeError: Engine core initialization failed. See root cause above."


@pytest.mark.parametrize(
    ("log", "cause", "said"),
    [
        (["ValueError: Free memory on device (41.2/79.1 GiB) on startup is less than desired GPU "
          "memory utilization (0.98, 77.5 GiB).", ENGINE_DIED], "out_of_memory", "98 %"),
        (["(EngineCore_0 pid=9) ValueError: No available memory for the cache blocks.",
          ENGINE_DIED], "out_of_memory", "98 %"),
        (["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB."],
         "out_of_memory", "98 %"),
        (["ValueError: The decoder prompt (length 5123) is longer than the maximum model length "
          "of 4096."], "engine", "4096 tokens"),
        (["huggingface_hub.errors.HFValidationError: Repo id must be in the form 'a': "
          "'checkpoints/nvidia/Cosmos-UpsamplePrompt1-12B-Transfer'."], "engine", "download"),
        (["RuntimeError: Cannot find any model weights with `c/Cosmos-UpsamplePrompt1-12B`"],
         "engine", "download"),
        (["_pickle.UnpicklingError: invalid load key, 'v'."], "engine", "git-LFS"),
        (["OSError: [Errno 28] No space left on device"], "engine", "disk"),
        (["  exitcode  : -11 (pid: 9)"], "engine", "signal 11"),
        (["RuntimeError: the sky fell"], "engine", "the sky fell"),
        (["bad"], "engine", "exit code 1: bad"),
        ([], "engine", "exit code 1"),
    ],
)  # fmt: skip
def test_failures(log: list[str], cause: str, said: str) -> None:
    verdict = ENGINE.verdict("rs_1.1", JobEnded(1, "exited"), log)
    assert isinstance(verdict, Failed)
    assert verdict.cause == cause
    assert said in f"{verdict.message} {verdict.hint}"


def test_killed() -> None:
    verdict = ENGINE.verdict("rs_1.1", JobEnded(137, "exited"), ["  exitcode  : -9 (pid: 9)"])
    assert isinstance(verdict, Failed)
    assert verdict.cause == "out_of_memory"


def test_no_program_there() -> None:
    log = ["enhance.sh: there is no upsampler_pipeline.py in /workspace"]
    verdict = ENGINE.verdict("rs_1.1", JobEnded(66, "exited"), log)
    assert isinstance(verdict, Failed)
    assert verdict.message.startswith("there is no upsampler_pipeline.py")


def test_a_refusal_is_no_crash_and_no_result() -> None:
    log = ["Upsampled prompt: I'm sorry, but I can't help with that."]
    verdict = ENGINE.verdict("rs_1.1", JobEnded(0, "exited", TEXT), log)
    assert isinstance(verdict, Blocked)


def test_success_is_a_text() -> None:
    verdict = ENGINE.verdict("rs_1.1", JobEnded(0, "exited", TEXT), ["Upsampled prompt: A street."])
    assert isinstance(verdict, Succeeded)
    assert verdict.outputs[0].media == "text"
    empty = (RemoteFile("outputs/prompt.txt", 0, "d" * 64),)
    assert isinstance(ENGINE.verdict("rs_1.1", JobEnded(0, "exited", empty), []), Failed)


def test_progress() -> None:
    assert ENGINE.progress("INFO 11-21 Starting to load model x") == Progress("loading the model")
    assert ENGINE.progress("Upsampled prompt: A street.") == Progress("done")
    assert ENGINE.progress("anything") is None


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One. Two.", "One. Two."),
        ("One. Two and", "One."),
        ('She says "no." Then', 'She says "no."'),
        ("At 3.5 metres", ""),
        ("夜の街。雨", ""),
        ("夜の街。 雨", "夜の街。"),
        ("", ""),
    ],
)
def test_whole_sentences(text: str, whole: str) -> None:
    assert whole_sentences(text) == whole


# -- what became of specs and events --------------------------------------------------------------


def test_a_parent_changes_only_the_ids_of_those_that_have_one() -> None:
    before = {"name": "street", "prompt": "a wet street", "metadata": {}}
    plain = PromptSpec.made(**before)
    assert plain.id == "ps_cfa31fd8", "as it was before there were parents"
    child = PromptSpec.made(**before, parent=plain.id)
    assert child.id != plain.id
    assert PromptSpec.checked(child.model_dump_json(), "x").with_id() == child
    old = json.dumps({"id": plain.id, **before})
    assert PromptSpec.checked(old, "x").with_id() == plain


def test_events_of_before_are_videos() -> None:
    event = Succeeded((Output("a.mp4", 1, "d"),))
    data = to_json(event, 1.0)
    del data["outputs"][0]["media"]
    assert from_json(data)[0] == event
