"""Sweep: how many RunSpecs were made from few words, and which they are, in order."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, JsonValue

from cosmos_workflow.prompts.spec import Spec


class Sweep(Spec):
    """The definition of a sweep, and the ids of its RunSpecs in order.

    ``sources``: ids of PromptSpecs.  ``axes``: text by name, ``=1..20`` or ``~uniform(3,7)``, as
    --vary has it.  ``prompts`` is the file of prompts, as specs store paths.  ``fixed``: what all
    of them have in common, by the words of create-run.
    """

    prefix: ClassVar[str] = "sw"
    kind: ClassVar[str] = "sweep"

    engine: str
    sources: list[str]
    axes: dict[str, str] = Field(default_factory=dict)
    prompts: str = ""
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    sample: int = 0
    seed: int = 0
    runs: list[str]
