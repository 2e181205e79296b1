"""Prompts enhanced by a chat model, from the command line to a new PromptSpec."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from project import Project
from servers.chat import ChatServer, chat_server
from servers.chat_answers import PROSE, caption

from cosmos_workflow.events import Exchanged, ExecutionStatus
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.runs.store import RunFolder


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_server() as one:
        yield one


@pytest.fixture
def words(project: Project, chat: ChatServer) -> Project:
    """A project with a chat service, and the PromptSpec ``street``."""
    project.configure(f'[services.words]\ndialect = "chat"\nurl = "{chat.url}"\n')
    return project


def street(project: Project, prompt: str = "a wet street") -> str:
    controls = ("--input-video", "shot/color.mp4", "--control-inputs", "depth:shot/depth.mp4")
    return str(project.json("create-spec", "street", prompt, *controls)[-1]["id"])


def last_run(project: Project) -> RunFolder:
    return max(project.store.folders(), key=lambda folder: folder.run().created or 0)


def test_a_prompt_becomes_a_new_one(words: Project, chat: ChatServer) -> None:
    before = street(words)
    made = words.json("enhance", before)[-1]
    assert made["prompt"] == PROSE
    assert made["parent"] == before
    assert made["name"] == "street enhanced"
    assert made["input_video_path"] == "shot/color.mp4"
    assert made["control_inputs"] == {"depth": "shot/depth.mp4"}
    assert made["metadata"]["enhanced"] == {
        "engine": "chat", "run": last_run(words).id, "model": "lab-writer-2026-01-01", "seed": 1,
    }  # fmt: skip
    assert PromptSpec.load(made["path"]).id == made["id"]
    (body,) = chat.asked
    assert (body["model"], body["seed"], body["temperature"]) == ("lab-writer", 1, 0.6)
    system, user = body["messages"]
    assert "Answer with the paragraph alone" in system["content"]
    text, *pictures = user["content"]
    assert "a wet street" in text["text"]
    assert len(pictures) == 2
    sent = [one["image_url"]["url"].partition(",")[2] for one in pictures]
    assert sent[0] != sent[1], "the first frame and the last one"
    run = last_run(words).run()
    assert run.status is ExecutionStatus.SUCCESS
    assert (run.outputs[0].media, run.outputs[0].path.endswith(".txt")) == ("text", True)


def test_what_a_person_reads(words: Project, chat: ChatServer) -> None:
    done = words.cosmos("enhance", street(words))
    said = " ".join(done.stdout.split())
    assert "before a wet street" in said
    assert "after A narrow street at night" in said
    assert "next: cosmos create-run ps_" in said
    assert "cosmos sheet" not in said
    refused = words.cosmos("sheet", last_run(words).id, code=3)
    assert "has no video to show" in refused.stderr


def test_the_same_is_not_asked_twice(words: Project, chat: ChatServer) -> None:
    before = street(words)
    first = words.json("enhance", before)[-1]
    assert words.json("enhance", before)[-1]["id"] == first["id"]
    assert len(chat.asked) == 1
    chat.be.says = ["Another street."]
    other = words.json("enhance", before, "--seed", "2")[-1]
    assert (len(chat.asked), chat.asked[1]["seed"]) == (2, 2)
    assert other["prompt"] == "Another street."
    words.json("enhance", before, "--again")
    assert len(chat.asked) == 3


def test_the_new_prompt_runs_like_any_other(words: Project, chat: ChatServer) -> None:
    made = words.json("enhance", street(words))[-1]
    run = words.json("create-run", made["id"], "--engine", "preview")[-1]
    words.cosmos("run", str(run["id"]), "--target", "local", "--dry-run")
    shown = words.json("show", made["id"])[-1]
    assert shown["parent"] == made["parent"]


def test_words_alone(words: Project, chat: ChatServer) -> None:
    chat.be.blind = True
    before = street(words)
    done = words.cosmos("enhance", before, code=6)
    assert "--option frames=0" in done.stderr
    words.cosmos("enhance", before, "--option", "frames=0")
    assert isinstance(chat.asked[-1]["messages"][1]["content"], str)


def test_pictures_are_small_and_of_the_video(words: Project, chat: ChatServer) -> None:
    words.cosmos("enhance", street(words), "--option", "frames=3")
    pictures = [part for part in chat.asked[0]["messages"][1]["content"] if "image_url" in part]
    assert len(pictures) == 3
    for part in pictures:
        data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
        assert int.from_bytes(data[16:20]) == 320


def test_thinking_and_wrapping_are_taken_off(words: Project, chat: ChatServer) -> None:
    chat.be.says = [f'<think>Rain? "Yes".</think>\n```\n"{PROSE}"\n```']
    assert words.json("enhance", street(words))[-1]["prompt"] == PROSE


def test_a_token_goes_in_the_header_and_nowhere_else(words: Project, chat: ChatServer) -> None:
    chat.be.token = "sk-secret-1234"
    before = street(words)
    done = words.cosmos("enhance", before, "--option", "model=lab-writer", code=6)
    assert "COSMOS_CHAT_TOKEN is not set" in done.stderr
    env = {"COSMOS_CHAT_TOKEN": "sk-secret-1234"}
    words.cosmos("enhance", before, env=env)
    assert chat.headers[-1]["authorization"] == "Bearer sk-secret-1234"
    for path in words.root.rglob("*"):
        if path.is_file():
            assert b"sk-secret-1234" not in path.read_bytes(), path


def test_models_are_named_where_there_are_several(words: Project, chat: ChatServer) -> None:
    chat.be.models = ["small", "large"]
    before = street(words)
    done = words.cosmos("enhance", before, code=3)
    assert "one of: small, large" in " ".join(done.stderr.split())
    assert words.json("enhance", before, "--option", "model=large")[-1]["prompt"] == PROSE
    done = words.cosmos("enhance", before, "--option", "model=medium", code=6)
    assert "The model `medium` does not exist" in done.stderr
    chat.be.listed = False
    done = words.cosmos("enhance", before, "--option", "words=99", code=3)
    assert "--option model=NAME" in done.stderr


def test_newer_models_want_another_field(words: Project, chat: ChatServer) -> None:
    chat.be.reasoning = True
    before = street(words)
    done = words.cosmos("enhance", before, code=6)
    assert "max_completion_tokens" in done.stderr
    extras = '{"max_tokens": null, "max_completion_tokens": 4000}'
    words.cosmos("enhance", before, "--option", f"extras={extras}")
    assert "max_tokens" not in chat.asked[-1]
    assert chat.asked[-1]["max_completion_tokens"] == 4000


def test_a_busy_service_is_waited_for(words: Project, chat: ChatServer) -> None:
    chat.be.once, chat.be.wait = "429", 1
    words.cosmos("enhance", street(words))
    calls = [event for event, _ in last_run(words).events() if isinstance(event, Exchanged)]
    told = [(one.phase, one.http_status) for one in calls if one.operation == "generate"]
    assert [one for one in told if one[0] != "asked"] == [("repeated", 429), ("answered", 200)]
    assert len(chat.asked) == 2


def test_a_refusal_is_no_crash(words: Project, chat: ChatServer) -> None:
    before = street(words)
    for fault in ("refusal", "refusal_in_words", "content_filter"):
        chat.be.fault = fault
        words.cosmos("enhance", before, "--again", code=6)
        assert last_run(words).run().status is ExecutionStatus.BLOCKED, fault


FAULTS = {
    "500": ("engine", "HTTP 500: The server had an error"),
    "html": ("bad_output", "the answer is not JSON"),
    "error_200": ("engine", "upstream is away"),
    "length": ("bad_output", "the answer was cut off after 77 tokens"),
    "empty": ("no_output", "the answer has no text (finish_reason stop)"),
    "null": ("no_output", "the answer has no text"),
    "no_choices": ("no_output", "the answer has no choices"),
    "truncated": ("engine", "the answer of words ended in the middle"),
    "no_answer": ("engine", "did not answer"),
    "too_long": ("bad_output", "3 answers were not as they have to be"),
}


def test_each_failure_has_words_of_its_own(words: Project, chat: ChatServer) -> None:
    before = street(words)
    for fault, (cause, said) in FAULTS.items():
        chat.be.fault = fault
        once = ("--option", "attempts=1")
        done = words.cosmos("enhance", before, "--again", *once, code=6)
        assert f"FAILED ({cause})" in done.stdout, f"{fault}: {done.stdout}{done.stderr}"
        assert said in " ".join(done.stderr.split()), f"{fault}: {done.stderr}"
    assert not list((words.root / "inputs").rglob("*enhanced*")), "no PromptSpec of a failure"


def test_an_answer_has_its_time(words: Project, chat: ChatServer) -> None:
    chat.be.fault = "hang"
    done = words.cosmos("enhance", street(words), "--option", "timeout=1", code=6)
    assert "FAILED (timeout)" in done.stdout
    assert chat.gone.wait(20)


# -- structured captions --------------------------------------------------------------------------


def test_a_structured_caption(words: Project, chat: ChatServer) -> None:
    before = street(words)
    made = words.json("enhance", before, "--structured")[-1]
    told = json.loads(made["prompt"])
    assert told == caption() | {
        "resolution": {"H": 720, "W": 1280}, "aspect_ratio": "16,9", "duration": "1s", "fps": 24,
    }  # fmt: skip
    assert (made["name"], made["parent"]) == ("street caption", before)
    (body,) = chat.asked
    assert body["response_format"] == {"type": "json_object"}
    assert '"temporal_caption"' in body["messages"][0]["content"]
    done = words.cosmos("enhance", before, "--structured")
    assert "a structured caption" in done.stdout


def test_a_caption_with_faults_is_asked_again(words: Project, chat: ChatServer) -> None:
    chat.be.once = "half_caption"
    made = words.json("enhance", street(words), "--structured")[-1]
    assert json.loads(made["prompt"])["lighting"]["direction"] == "From both sides"
    assert len(chat.asked) == 2
    *_, answer, correction = chat.asked[1]["messages"]
    assert answer["role"] == "assistant"
    assert "lighting: it is missing" in correction["content"]
    assert "temporal_caption: it is empty" in correction["content"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("half_caption", "lighting: it is missing"), ("not_json", "the answer: it is no JSON")],
)
def test_it_is_not_asked_for_ever(words: Project, chat: ChatServer, fault: str, said: str) -> None:
    chat.be.fault = fault
    done = words.cosmos("enhance", street(words), "--structured", code=6)
    assert "FAILED (bad_output)" in done.stdout
    assert said in " ".join(done.stderr.split())
    assert len(chat.asked) == 3


def test_what_is_missing_is_named(project: Project) -> None:
    before = street(project)
    done = project.cosmos("enhance", before, "--structured", code=2)
    assert 'dialect = "chat"' in done.stderr
    done = project.cosmos("enhance", before, "--engine", "preview", code=3)
    assert "its result is no prompt" in done.stderr
    done = project.cosmos("enhance", before, "--structured", "--engine", "enhance", code=3)
    assert "only a chat model" in done.stderr


def test_a_dry_run_asks_nothing(words: Project, chat: ChatServer) -> None:
    done = words.cosmos("enhance", street(words), "--dry-run")
    assert f"POST {chat.url}/v1/chat/completions" in done.stdout
    assert chat.asked == []
    assert not list((words.root / "inputs").rglob("runs/**/*.json"))
