"""The PromptSpecs of a sweep: that of the source, or new ones with other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.workflows.sweep_words import Row, filled, places

_NAME = 60
"""Characters of a name that is made from words."""

Words = tuple[str, str, str, str]
"""Id of the source, prompt, negative prompt, name."""


@dataclass(frozen=True)
class Source:
    """A PromptSpec that a sweep begins with, and where it is stored."""

    prompt: PromptSpec
    stored: str


def template_places(
    sources: Sequence[Source], rows: Sequence[Row], texts: Sequence[str]
) -> list[str]:
    """The names of all places in any of the words, each once."""
    words = [one for row in rows for one in (row.prompt, row.negative_prompt)]
    words += [text for one in sources for text in (one.prompt.prompt, one.prompt.negative_prompt)]
    return list(dict.fromkeys(place for text in [*words, *texts] for place in places(text)))


def write_words(
    source: Source,
    row: Row,
    texts: Mapping[str, str],
    values: Mapping[str, object],
    known: dict[Words, PromptSpec],
) -> PromptSpec:
    """The PromptSpec for one line of a file and one point.

    ``texts``: "prompt" and "negative_prompt" where they are varied; ``values``: by place.  The
    source's own where its words stay; ``known`` keeps the new ones.  Raises SpecError for a place
    that nothing fills, and for no words at all.
    """
    before = source.prompt
    every = {**row.places, **values}
    template = texts.get("prompt") or row.prompt or before.prompt
    other = texts.get("negative_prompt") or row.negative_prompt or before.negative_prompt
    prompt, negative = filled(template, every, before.name), filled(other, every, before.name)
    if (prompt, negative) == (before.prompt, before.negative_prompt):
        return before
    if not prompt.strip():
        raise SpecError(f"the prompt of {before.name} has no words left", hint="fill it with some")
    told = row.name or _name(before.name, template, prompt, other, every, before)
    key = (before.id, prompt, negative, told)
    if key not in known:
        known[key] = _new(before, prompt, negative, told)
    return known[key]


def _new(before: PromptSpec, prompt: str, negative: str, name: str) -> PromptSpec:
    return PromptSpec.made(
        name=name,
        prompt=prompt,
        negative_prompt=negative,
        input_video_path=before.input_video_path,
        control_inputs={str(key): path for key, path in before.control_inputs.items()},
        metadata=before.metadata,
        parent=before.id,
    )


def _name(
    name: str,
    template: str,
    prompt: str,
    negative: str,
    values: Mapping[str, object],
    before: PromptSpec,
) -> str:
    """The source's name and what is new: its own first words, or what was filled in."""
    used = [str(values[place]) for place in dict.fromkeys([*places(template), *places(negative)])]
    first = prompt.split()[:4] if template != before.prompt else []
    rest = " ".join([*first, *used]) or "without " + " ".join(negative.split()[:4])
    return f"{name} {rest}"[:_NAME].rstrip()
