"""What is said of an engine before there is a shot."""

from __future__ import annotations

from typing import ClassVar

import pytest

from cosmos_workflow.engines import ENGINES
from cosmos_workflow.engines.engine import Fit, RunRequest
from cosmos_workflow.engines.preview import Preview
from cosmos_workflow.engines.transfer1 import Transfer1
from cosmos_workflow.engines.transfer25 import Transfer25
from cosmos_workflow.engines.usual import LENGTHS, usual
from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.prompts.run_spec import RunSpec
from cosmos_workflow.video.media import Media


class Between(Preview):
    """An engine that takes 9 to 1234 frames, and says how long 121 take."""

    name: ClassVar[str] = "between"

    def fit(self, media: Media) -> Fit:
        faults = () if 9 <= media.frames <= 1234 else ("too short or too long",)
        return Fit(media.width, media.height, (), faults)

    def seconds(self, request: RunRequest) -> float | None:
        (media,) = set(request.media.values())
        return media.frames / 11


class Other(Between):
    """An engine for other videos than shots, which no run of ours suits."""

    name: ClassVar[str] = "other"

    def fit(self, media: Media) -> Fit:
        return Fit(media.width, media.height, (), ("no shot",))

    def check(self, run: RunSpec, prompt: PromptSpec) -> None:
        raise SpecError("not this one")


def test_ends_are_found_where_the_engine_has_them() -> None:
    found = usual(Between())
    assert (found.least, found.most) == (9, 1234) and found.sizes == {}
    assert found.seconds == 11.0 and found.notes == {}
    found = usual(Other())
    assert (found.least, found.most) == (0, 0) and found.faults == ("no shot",)
    assert found.seconds is None


def test_models_say_sizes_and_what_becomes_of_frames() -> None:
    found = usual(Transfer1())
    assert found.sizes["4:3"] == (960, 704) and (found.least, found.most) == (1, 5000)
    assert set(found.notes) == set(LENGTHS) and "3 chunks" in found.notes[250][0]
    assert found.seconds is None
    seconds = usual(Transfer25()).seconds
    assert seconds is not None and 300 < seconds < 3600


@pytest.mark.parametrize("name", ENGINES.rows)
def test_something_can_be_said_of_every_engine(name: str) -> None:
    found = usual(ENGINES.load(name)())
    assert found.faults or found.least >= 1


def test_what_a_services_model_decides_is_not_ours_to_say() -> None:
    known = {name: usual(ENGINES.load(name)()).known for name in ("replicate", "vllm_omni")}
    assert known == {"replicate": False, "vllm_omni": True} and usual(Preview()).known
