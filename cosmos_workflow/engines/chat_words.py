"""What a chat model is told: our instructions, by version, and a person's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosmos_workflow.engines.chat_options import ChatOptions
from cosmos_workflow.execution.job import Attached
from cosmos_workflow.prompts import captions
from cosmos_workflow.prompts.captions import Medium

_PROSE_1 = """\
You write prompts for the Cosmos video models. You get a short prompt, and sometimes pictures of \
the video whose shapes and movement the result will follow.
Write one paragraph that describes the finished video: the subjects and how they look, what \
happens and in which order, the place, materials, light, weather, the camera and how it moves, the \
style.
Keep everything that the prompt asks for. Where prompt and pictures disagree, the prompt is right \
about the look, the pictures about shapes, positions and movement. Add only what fits both.
Tell what is seen, in the present tense, in plain whole sentences. No lists, no headings, no \
mention of prompts, pictures, renders or this task.
At most {words} words. Answer with the paragraph alone."""

_CAPTION_1 = """\
You write structured captions for the Cosmos 3 video model. You get a short prompt, and sometimes \
pictures of the video whose shapes and movement the result will follow.
Answer with one JSON object that describes the finished video, and with nothing else. It has every \
key of the outline below, at every level, and no others. The outline says what belongs in each.
Keep everything that the prompt asks for, and fill in the rest so that it is rich, plausible and \
of one piece. Where prompt and pictures disagree, the prompt is right about the look, the pictures \
about shapes, positions and movement.
Lists hold as many items as there are, also none. Text is empty only where the outline allows it. \
Times are within the video's length. Numbers are numbers, not text.

{outline}"""

INSTRUCTIONS: Mapping[str, str] = {"prose-1": _PROSE_1, "caption-1": _CAPTION_1}
"""Never changed, only followed by a next version: what a run was told can be told again."""

NEWEST: Mapping[bool, str] = {False: "prose-1", True: "caption-1"}
"""By whether a caption is wanted."""


def messages(
    prompt: str, options: ChatOptions, stills: Sequence[Attached], medium: Medium | None
) -> list[dict[str, Any]]:
    """Our instructions, then a person's words with the pictures."""
    version = options.instructions
    text = INSTRUCTIONS[NEWEST[options.structured] if version == "auto" else version]
    system = text.replace("{words}", str(options.words))
    system = system.replace("{outline}", captions.outline() if options.structured else "")
    words = f"The prompt:\n{prompt}"
    if medium is not None:
        words += (
            f"\n\nThe video is {medium.width}x{medium.height} and {medium.seconds} s long, at "
            f"{medium.fps} frames a second."
        )
    if not stills:
        return [{"role": "system", "content": system}, {"role": "user", "content": words}]
    several = "a picture" if len(stills) == 1 else f"{len(stills)} pictures, in order,"
    words += f"\n\nWith it {several} of the video that it has to follow."
    parts: list[dict[str, Any]] = [{"type": "text", "text": words}]
    parts += [{"type": "image_url", "image_url": {"url": still}} for still in stills]
    return [{"role": "system", "content": system}, {"role": "user", "content": parts}]
