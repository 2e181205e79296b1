"""Our requests and tables against the models that services publish in their own packages."""

from __future__ import annotations

import typing
from typing import Any

import lumaai.types
import openai.types
import openai.types.chat
import pytest
import replicate.prediction
from pydantic import TypeAdapter

from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.luma import LumaOptions
from cosmos_workflow.execution.dialect import Answer
from cosmos_workflow.execution.dialects.luma import Luma
from cosmos_workflow.execution.dialects.replicate import Replicate
from cosmos_workflow.execution.dialects.videos import Videos
from cosmos_workflow.execution.job import RequestJob, fill_attached
from tests.golden import cases_enhance, cases_hosted, cases_videos

Case = typing.Callable[[], Any]


def body(case: Case, engine: Any) -> dict[str, Any]:
    """What is sent, with addresses where files go."""
    job = engine.plan([case()])
    assert isinstance(job, RequestJob)
    filled = fill_attached(job.body, lambda attached: f"data:{attached.media_type};base64,AA==")
    assert isinstance(filled, dict)
    return filled


def literals(annotation: Any) -> set[str]:
    """The words in a type, however deep."""
    if typing.get_origin(annotation) is typing.Literal:
        return set(typing.get_args(annotation))
    return {word for part in typing.get_args(annotation) for word in literals(part)}


def test_a_generation_of_luma() -> None:
    sent = body(cases_hosted.CASES["luma"], cases_hosted.L)
    params = lumaai.types.GenerationCreateParams
    TypeAdapter(params).validate_python(sent, strict=True)
    assert set(sent) <= set(params.__annotations__)


@pytest.mark.parametrize("field", ["model", "resolution", "duration", "aspect_ratio"])
def test_every_choice_for_luma_is_one_of_theirs(field: str) -> None:
    hints = typing.get_type_hints(lumaai.types.GenerationCreateParams)
    ours = literals(LumaOptions.model_fields[field].annotation)
    assert ours and ours <= literals(hints[field])


def test_every_state_of_theirs_is_known() -> None:
    luma = literals(lumaai.types.Generation.model_fields["state"].annotation)
    videos = literals(openai.types.Video.model_fields["status"].annotation)
    predictions = literals(replicate.prediction.Prediction.__annotations__["status"])
    assert luma and luma <= set(Luma.WAYS.phases)
    assert videos and videos <= set(Videos.WAYS.phases)
    assert predictions and predictions <= set(Replicate.WAYS.phases)


@pytest.mark.parametrize("status", ["queued", "in_progress", "completed", "failed"])
def test_a_video_of_theirs_is_understood(status: str) -> None:
    video = openai.types.Video.model_validate(
        {
            "id": "video_1", "object": "video", "model": "sora-2", "status": status, "progress": 40,
            "created_at": 1, "seconds": "4", "size": "1280x720", "prompt": "rain",
        }
    )  # fmt: skip
    seen = Videos().seen("video_1", Answer(200, {}, video.model_dump(mode="json")))
    assert seen.stage == status
    assert seen.over == (status in ("completed", "failed"))
    assert bool(seen.downloads) == (status == "completed")


@pytest.mark.parametrize("name", [name for name in cases_videos.CASES if "words" in name])
def test_a_request_for_words_alone_has_their_fields(name: str) -> None:
    """The servers take more fields than the API they follow; what it requires is there."""
    asked = cases_videos.CASES[name]()
    job = ENGINES.load(asked.run.engine)().plan([asked])
    assert openai.types.VideoCreateParams.__required_keys__ <= set(job.body)


@pytest.mark.parametrize("name", [name for name in cases_enhance.CASES if "chat" in name])
def test_a_chat_request(name: str) -> None:
    sent = body(cases_enhance.CASES[name], cases_enhance.CHAT)
    sent.setdefault("model", "as the service has it")
    params = openai.types.chat.completion_create_params.CompletionCreateParamsNonStreaming
    TypeAdapter(params).validate_python(sent)
    assert set(sent) <= set(typing.get_type_hints(params))
