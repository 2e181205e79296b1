"""Any chat model behind OpenAI's API: better words for a prompt, or a structured caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cosmos_workflow.engines import chat_options, chat_words, cosmos3_media, enhance_result
from cosmos_workflow.engines.chat_options import ChatOptions, options_of
from cosmos_workflow.engines.engine import Limit, Options, RunRequest
from cosmos_workflow.engines.request import RequestEngine, answer, words
from cosmos_workflow.engines.rules import settle
from cosmos_workflow.engines.transfer25_media import ratio_of
from cosmos_workflow.errors import SpecError
from cosmos_workflow.events import Blocked, Failed, JobEnded, Progress, Verdict
from cosmos_workflow.execution.dialects.chat import CUT_OFF, REFUSED
from cosmos_workflow.execution.job import Attached, Derived, Input, RequestJob
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.captions import Medium
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media

LONGEST_SIDE = 768
"""Pixels of a picture that a model is shown: enough to see a scene, small enough to send."""

LETTERS = 9
"""Characters of a word, with what stands between words; more than most languages need."""

_SAID = "held: "
_HINTS: Mapping[str, str] = {
    "max_completion_tokens": '--option \'extras={"max_tokens": null, '
    '"max_completion_tokens": 4000}\'',
    "temperature": "--option 'extras={\"temperature\": null}'",
    "response_format": "--option 'extras={\"response_format\": null}'",
    "seed": "--option 'extras={\"seed\": null}'",
    "image": "--option frames=0 sends the words alone, frames=1 one picture",
    "vision": "--option frames=0 sends the words alone",
    "multimodal": "--option frames=0 sends the words alone",
    "context length": "--option frames=0 sends the words alone; a shorter prompt",
    "model": "--option model=NAME; cosmos status lists the names that the service tells",
}
"""What to do about a request that a model refuses, by a word of its refusal."""


class Chat(RequestEngine):
    """One request with the prompt and some frames; the answer is the prompt of a new PromptSpec."""

    name: ClassVar[str] = "chat"
    dialect: ClassVar[str] = "chat"
    summary: ClassVar[str] = "Any chat model: a richer prompt, or Cosmos 3's structured caption"
    Options: ClassVar[type[Options]] = ChatOptions
    limits: ClassVar[Mapping[str, Limit]] = {
        "seed": Limit(
            1, 0, 2**32 - 1, help="another number, other words; not every server heeds it"
        )
    }

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        """Raise SpecError for options that contradict each other."""
        chat_options.check(run)

    def asks_service(self, run: RunSpec) -> bool:
        """Unless the model is named."""
        return not options_of(run).model

    def facts(self, request: RunRequest) -> Sequence[str]:
        """What is asked, with which pictures."""
        options, medium = options_of(request.run), _medium(request)
        lines = [f"prose of at most {options.words} words"]
        if medium is not None:
            size = f"{medium.width}x{medium.height}, {medium.seconds} s at {medium.fps} fps"
            lines = [f"a structured caption for {size}"]
        stills = _stills(request)
        if stills:
            lines.append(f"it is shown {len(stills)} frame(s) of the input video")
        return [*lines, f"it may take {options.timeout} s for its answer (--option timeout)"]

    def plan(self, requests: Sequence[RunRequest]) -> RequestJob:
        """The request of one run.  Raises SpecError before anything is sent."""
        if len(requests) != 1:
            raise SpecError(
                f"chat takes one run a request, not {len(requests)}",
                hint="run them one after another",
            )
        request = replace(requests[0], run=settle(self, requests[0].run, requests[0].prompt))
        options, medium, stills = options_of(request.run), _medium(request), _stills(request)
        attached = [Attached(still.key, "data_uri", "image/png") for still in stills]
        body: dict[str, Any] = {
            "messages": chat_words.messages(request.prompt.prompt, options, attached, medium),
            "temperature": options.temperature,
            "max_tokens": options.max_tokens or (8192 if options.structured else 1000),
            "seed": request.run.parameters.seed,
            "stream": False,
        }
        if options.structured:
            body["response_format"] = {"type": "json_object"}
        model = _model(request, options)
        named = {"model": model} if model else {}
        return RequestJob(
            name=request.job_name,
            engine=self.name,
            dialect=self.dialect,
            body={**named, **chat_options.merged(body, options.extras)},
            inputs=stills,
            outputs={request.run_id: (enhance_result.RESULT,)},
            time_limit=request.time_limit,
            parameters={request.run_id: {"seed": request.run.parameters.seed}},
            patience=options.timeout,
            attempts=options.attempts,
            expects=_expects(options, medium),
        )

    def progress(self, line: str) -> Progress | None:
        """What the process that holds the request says it is doing."""
        said = line.removeprefix(_SAID).strip()
        if not line.startswith(_SAID) or not said or said.startswith("the answer also has"):
            return None
        return Progress(said[:80])

    def refusal(self, told: Mapping[str, Any], message: str) -> Blocked | None:
        """The model does not want to, as the dialect has found."""
        if not message.startswith(REFUSED):
            return None
        hint = "say it in other words, or ask another model: --option model=NAME"
        return Blocked("prompt", "the chat model", message.removeprefix(REFUSED), hint)

    def verdict(self, run_id: str, ended: JobEnded, log: Sequence[str]) -> Verdict:
        """A text, a refusal, or the fault in the words of who told it."""
        good = enhance_result.succeeded(ended)
        if good is not None:
            return good
        if ended.exit_code == 0:
            hint = f"cosmos logs {run_id} has its last answer"
            return Failed("no_output", "the service answered, and there is no text of it", hint)
        told, found = answer(log), super().verdict(run_id, ended, log)
        if not isinstance(found, Failed):
            return found
        cause = told.get("cause")
        cause = cause if cause in ("timeout", "bad_output", "no_output") else "engine"
        hint = words(told.get("hint")) or _advice(told, found)
        if found.message.startswith(CUT_OFF):
            cause, hint = "bad_output", "--option max_tokens=4000 lets it say more"
        return Failed(cause, found.message, hint)


def _advice(told: Mapping[str, Any], found: Failed) -> str:
    """What to do about a request that was not understood."""
    if told.get("http_status") not in (400, 404, 422):
        return found.hint
    low = found.message.lower()
    return next((hint for word, hint in _HINTS.items() if word in low), found.hint)


def _model(request: RunRequest, options: ChatOptions) -> str:
    """The model by name: the one of the options, or the only one there is.  Raises SpecError."""
    known = request.service.models if request.service else ()
    if options.model or request.service is None or len(known) == 1:
        return options.model or (known[0] if known else "")
    if not known:
        raise SpecError(
            "the service does not say which models it has", hint="name one: --option model=NAME"
        )
    raise SpecError(
        f"the service has {len(known)} models, and none is named",
        hint=f"--option model=NAME, one of: {', '.join(known[:20])}",
    )


def _expects(options: ChatOptions, medium: Medium | None) -> dict[str, Any]:
    if options.structured:
        return captions.schema(medium)
    return {"type": "string", "minLength": 1, "maxLength": options.words * LETTERS}


def _medium(request: RunRequest) -> Medium | None:
    """The video that a caption is for; None where it is to be prose."""
    options = options_of(request.run)
    if not options.structured:
        return None
    media = _first(request)
    ratio: str = options.aspect_ratio
    if ratio == "auto":
        ratio = ratio_of(media) if media else "16,9"
    width, height = cosmos3_media.shape(ratio, options.resolution)
    moves = media if media and media.frames > 1 else None
    seconds = options.seconds or (max(1, int(moves.seconds)) if moves else 5)
    rate = options.fps or (max(1, round(moves.fps)) if moves else 24)
    return Medium(width, height, ratio, seconds, rate)


def _first(request: RunRequest) -> Media | None:
    """The facts of the input video, or of the first control."""
    paths = [path for path in (request.input_video, *request.controls.values()) if path]
    return request.media[paths[0]] if paths else None


def _stills(request: RunRequest) -> tuple[Input, ...]:
    """Frames of the input video, spread over it, made small."""
    video, count = request.input_video, options_of(request.run).frames
    if video is None or count == 0:
        return ()
    media = request.media[video]
    count = max(1, min(count, media.frames))
    numbers = [round(index * (media.frames - 1) / max(1, count - 1)) for index in range(count)]
    factor = min(1.0, LONGEST_SIDE / max(media.width, media.height))
    width, height = enhance_result.scaled(media, factor)
    shape = {"width": width, "height": height}
    return tuple(
        Input(f"still_{number}", f"still_{number}.png",
              Derived("still", video, {"frame": number, **shape}))
        for number in dict.fromkeys(numbers)
    )  # fmt: skip
