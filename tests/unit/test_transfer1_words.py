"""What Transfer1's log means: progress, and every way it can end."""

from __future__ import annotations

import pytest

from cosmos_workflow.engines.transfer1_log import progress
from cosmos_workflow.engines.transfer1_verdict import verdict
from cosmos_workflow.events import Blocked, Failed, JobEnded, RemoteFile, Succeeded, Verdict

RUN = "rs_1f2e3d4c.2"
VIDEO = RemoteFile("outputs/output.mp4", 1000, "a" * 64)
CALLER = "cosmos_transfer1/diffusion/inference/world_generation_pipeline.py:735:generate"
CRASHED = [
    "Traceback (most recent call last):",
    '  File "/workspace/cosmos_transfer1/diffusion/inference/transfer.py", line 430, in <module>',
    "    demo(args, control_inputs)",
    "TypeError: cannot unpack non-iterable NoneType object",
]
TORCHRUN = [
    "Traceback (most recent call last):",
    '  File "/usr/local/bin/torchrun", line 8, in <module>',
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
    "============================================================",
    "cosmos_transfer1/diffusion/inference/transfer.py FAILED",
    "  exitcode  : 1 (pid: 77)",
    "============================================================",
]


def logged(message: str, level: str = "INFO") -> str:
    return f"[11-20 10:00:00|{level}|{CALLER}] {message}"


def ended(*log: str, code: int = 1, files: tuple[RemoteFile, ...] = ()) -> Verdict:
    return verdict(RUN, JobEnded(code, "exited", files), log)


def failed(*log: str, code: int = 1, files: tuple[RemoteFile, ...] = ()) -> Failed:
    found = ended(*log, code=code, files=files)
    assert isinstance(found, Failed)
    return found


def blocked(*log: str) -> Blocked:
    found = ended(*log, *CRASHED, *TORCHRUN)
    assert isinstance(found, Blocked)
    return found


# -- progress -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "stage", "fraction"),
    [
        (logged("running preprocessor"), "preparing controls", 0.05),
        (logged("Starting diffusion sampling"), "sampling", None),
        (logged("Saved video to /cosmos/run/outputs/output.mp4"), "saving", 0.98),
        (" 33%|███▎      | 1/3 [06:10<12:20, 370.11s/it]", "sampling", 0.4),
        ("\r  0%|          | 0/3 [00:00<?, ?it/s]", "sampling", 0.15),
        ("100%|##########| 3/3 [18:30<00:00, 370.05s/it]", "sampling", 0.9),
        ("Loading checkpoint shards:  50%|█████     | 2/4 [00:04<00:04]", "loading models", None),
        ("model-00001-of-00004.safetensors:  12%|█▏| 1/8 [0:1]", "loading models", None),
    ],
)
def test_progress(line: str, stage: str, fraction: float | None) -> None:
    said = progress(line)
    assert said is not None
    assert (said.stage, said.fraction) == (stage, fraction)


def test_the_last_of_what_was_written_over_each_other_counts() -> None:
    line = "\r  0%|   | 0/2 [00:00<?, ?it/s]\r 50%|█  | 1/2 [05:00<05:00, 300s/it]\x1b[A"
    said = progress(line)
    assert said is not None
    assert said.detail == "1 of 2 chunks done"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "    \"prompt\": \"Saved video to the moon\",",
        '    "prompt": "100%|x| 9/9 [1]"',
        logged("Upsampled prompt 1: Saved video to x..."),
        "propagate in video:  12%|█▏        | 15/121 [00:01<00:08]",
        " 50%|x| 3/2 [00:00]",
        "100%|x| 0/0 [00:00]",
        " 10%|x| " + "9" * 5000 + "/" + "9" * 5000 + " [",
    ],
)  # fmt: skip
def test_no_progress(line: str) -> None:
    said = progress(line)
    assert said is None or said.fraction is None or said.fraction <= 1


# -- success --------------------------------------------------------------------------------------


def test_success_has_the_video_first() -> None:
    text = RemoteFile("outputs/output.txt", 20, "b" * 64)
    found = ended(logged("Saved video to x"), code=0, files=(text, VIDEO))
    assert isinstance(found, Succeeded)
    assert [output.path for output in found.outputs] == [VIDEO.path, text.path]


def test_no_video_is_no_success() -> None:
    other = RemoteFile("outputs/depth_input_control_0.mp4", 9, "b" * 64)
    found = failed(logged("Finish generation"), code=0, files=(other,))
    assert found.cause == "no_output"
    assert RUN in found.hint


def test_a_video_and_a_crash_are_no_success() -> None:
    found = failed("Segmentation fault", code=139, files=(VIDEO,))
    assert found.cause == "engine"
    assert "139" in found.message
    assert "after it had saved its video" in found.message


# -- guardrails -----------------------------------------------------------------------------------


def test_blocklist_names_the_word_and_not_the_prompt() -> None:
    found = blocked(
        logged(
            "GUARDRAIL BLOCKED: BLOCKLIST: Prompt blocked by exact match blocklist: Prompt: a man, "
            "an Xbox controller, a lamp, Exact Match Word: xbox",
            "CRITICAL",
        ),
        logged("Input text prompt 1 is not safe", "CRITICAL"),
        logged("All prompts failed safety checks", "CRITICAL"),
        logged("Guardrail blocked generation for entire batch.", "CRITICAL"),
    )
    assert (found.what, found.by) == ("prompt", "Blocklist")
    assert found.message == "Prompt blocked by exact match blocklist: Exact Match Word: xbox"
    assert "'xbox'" in found.hint


def test_a_prompt_of_several_lines_is_still_one_reason() -> None:
    found = blocked(
        logged(
            "GUARDRAIL BLOCKED: BLOCKLIST: Prompt blocked by partial match blocklist: Prompt: a"
        ).replace("INFO", "CRITICAL"),
        "street, b",
        "",
        "ValueErrors galore, Partial Match Word: gore",
        logged("Input text prompt 1 is not safe", "CRITICAL"),
    )
    assert found.message == "Prompt blocked by partial match blocklist: Partial Match Word: gore"


def test_llama_guard() -> None:
    reason = "Prompt blocked by Llama Guard 3. Violations: Violent Crimes."
    found = blocked(
        f"\x1b[31m{logged(f'GUARDRAIL BLOCKED: LLAMAGUARD3: {reason}', 'CRITICAL')}\x1b[0m"
    )
    assert (found.what, found.by, found.message) == ("prompt", "Llama Guard 3", reason)


def test_the_upsampled_prompt() -> None:
    found = blocked(
        logged("Upsampled prompt 1: A gory..."),
        logged("GUARDRAIL BLOCKED: LLAMAGUARD3: Prompt blocked by Llama Guard 3.", "CRITICAL"),
    )
    assert "upsampler" in found.what


def test_the_generated_video() -> None:
    found = blocked(
        logged("GUARDRAIL BLOCKED: VIDEOCONTENTSAFETYFILTER: unsafe frame", "CRITICAL"),
        logged("Generated video 1 is not safe", "CRITICAL"),
        logged("All generated videos failed safety checks", "CRITICAL"),
        logged("Guardrail blocked generation for entire batch.", "CRITICAL"),
    )
    assert found.what == "generated video"
    assert found.by == "video content safety filter"
    assert "seed" in found.hint


def test_the_end_of_the_log_is_enough() -> None:
    found = blocked(logged("Guardrail blocked generation for entire batch.", "CRITICAL"))
    assert found.what == "prompt"


def test_a_prompt_that_talks_of_guardrails_is_not_blocked() -> None:
    found = failed('    "prompt": "GUARDRAIL BLOCKED: BLOCKLIST: ha"', "RuntimeError: x", *TORCHRUN)
    assert found.message == "RuntimeError: x"


# -- failures -------------------------------------------------------------------------------------

OOM = (
    "[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a "
    "total capacity of 79.10 GiB of which 1.00 GiB is free. Process 1 has 78 GiB in use."
)


def test_out_of_memory_names_the_options_that_are_not_on() -> None:
    found = failed(
        '    "offload_diffusion_transformer": false,',
        '    "offload_text_encoder_model": true,',
        '    "offload_guardrail_models": true,',
        OOM,
        *TORCHRUN,
    )
    assert found.cause == "out_of_memory"
    assert found.message.startswith("CUDA out of memory. Tried to allocate 2.50 GiB")
    assert "--option offload_diffusion_transformer=true;" in found.hint
    assert "offload_text_encoder_model" not in found.hint
    assert "do not add up" in found.hint


def test_out_of_memory_with_everything_on() -> None:
    on = [f'"offload_{name}": true' for name in
          ("diffusion_transformer", "text_encoder_model", "guardrail_models")]  # fmt: skip
    assert "every offload option is on" in failed(*on, OOM).hint


def test_host_memory() -> None:
    found = failed(*TORCHRUN, "  exitcode  : -9 (pid: 77)", "  Signal 9 (SIGKILL) received")
    assert found.cause == "out_of_memory"
    assert "main memory" in found.message


@pytest.mark.parametrize(
    ("line", "said", "advice"),
    [
        (
            "FileNotFoundError: [Errno 2] No such file or directory: "
            "'/workspace/checkpoints/nvidia/Cosmos-Transfer1-7B/depth_control.pt'",
            "lacks the weights /workspace/checkpoints/nvidia/Cosmos-Transfer1-7B/depth_control.pt",
            "checkpoints",
        ),
        (
            "huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1-2)",
            "refused a download",
            "licence",
        ),
        (
            "OSError: We couldn't connect to 'https://huggingface.co' to load this file",
            "not reached",
            "hf_cache",
        ),
        (
            "_pickle.UnpicklingError: invalid load key, 'v'.",
            "git-LFS pointer",
            "again",
        ),
        (
            "ValueError: Must have 'input_video' specified if sigma_max < 80",
            "refused the run: Must have 'input_video' specified",
            f"cosmos show {RUN}",
        ),
        (
            "ValueError: Control weight for depth must be a valid non-negative float or a path",
            "Control weight for depth",
            f"cosmos show {RUN}",
        ),
        (
            "OSError: [Errno 28] No space left on device: '/cosmos/run/outputs/output.mp4'",
            "the disk of the host is full",
            "cosmos clean",
        ),
        ("RuntimeError: shape '[2, 3]' is invalid", "RuntimeError: shape", f"cosmos logs {RUN}"),
    ],
)
def test_failures(line: str, said: str, advice: str) -> None:
    for prefix in ("", "[rank1]: "):
        found = failed(f"{prefix}{line}", *TORCHRUN)
        assert found.cause == "engine"
        assert said in found.message
        assert advice in found.hint


def test_the_script_says_what_is_not_there() -> None:
    found = failed("inference.sh: torchrun is not installed here", code=66)
    assert found.message == "torchrun is not installed here"
    assert "repo" in found.hint


def test_wrong_usage() -> None:
    said = "transfer.py: error: unrecognized arguments: --nonsense"
    found = failed("usage: transfer.py [-h] ...", said, *TORCHRUN, code=1)
    assert "unrecognized arguments" in found.message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (3, "the model ended with exit code 3"),
        (-11, "the model crashed (signal 11, SIGSEGV)"),
        (-15, "the model was ended (signal 15, SIGTERM)"),
    ],
)
def test_how_the_worker_ended(code: int, said: str) -> None:
    assert failed("Root Cause (first observed failure):", f"  exitcode  : {code} (pid: 14)",
                  code=1).message == said  # fmt: skip


def test_a_number_in_a_path_is_no_refused_download() -> None:
    found = failed("ValueError: frame 403 is broken")
    assert found.message == "ValueError: frame 403 is broken"
