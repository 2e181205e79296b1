"""Words from what models say: captions merged, labels cleaned and counted, names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cosmos_workflow.local_ai import labels, stills
from cosmos_workflow.local_ai.captions import merged, tidy
from cosmos_workflow.local_ai.names import smart_name, telling


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ([], ""),
        (["", " . ", "[DEC]"], ""),
        (["a modern architectural interior with stairs"] * 3,
         "a modern architectural interior with stairs"),
        (["A Room.", "a room", "a room ."], "a room"),
        (["a room with a table and chairs", "a room with a table and two chairs", "a table"],
         "a room with a table and two chairs"),
        (["a chair in a room", "chairs in a room", "two chairs in the room"],
         "a chair in a room"),
        (["a kitchen with a sink", "a kitchen with a sink", "a man walking a dog on a beach"],
         "a kitchen with a sink; a man walking a dog on a beach"),
        (["a red car on a road", "a forest with tall trees", "a lake below mountains"],
         "a red car on a road; a forest with tall trees; a lake below mountains"),
        (["a lake", "a small forest with tall trees", "a red car on a long road"],
         "a red car on a long road; a small forest with tall trees"),
        (["two men on a hill", "a valley with a river", "a valley with a river and sky"],
         "a valley with a river and sky; two men on a hill"),
        (["a view of a city", "a city at night", "a city"], "a city at night"),
    ],
)  # fmt: skip
def test_captions_are_merged(captions: list[str], expected: str) -> None:
    assert merged(captions) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("arafed view of a room", "view of a room"),
        ("a cat and a cat and a cat .", "a cat"),
        ("a man next to each other next to each other", "a man next to each other"),
        ("stairs stairs stairs", "stairs"),
        ("the man ' s hat", "the man's hat"),
        ("[DEC] a black and white photo", "a black and white photo"),
        ("new york, new jersey", "new york, new jersey"),
        ("Eine Straße; 夜の 街", "eine straße; 夜の 街"),
    ],
)
def test_a_caption_is_tidied(said: str, expected: str) -> None:
    assert tidy(said) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("studio couch, day bed", "studio couch"),
        ("Egyptian_cat", "egyptian cat"),
        ("N/A", ""),
        ("LABEL_17", ""),
        ("background", ""),
        ("tv", "tv"),
        ("", ""),
    ],
)
def test_labels_are_cleaned(label: str, expected: str) -> None:
    assert labels.clean(label) == expected


def test_tags_are_the_mean_of_the_frames() -> None:
    frames = [
        {"library": 0.9, "sliding door": 0.04, "LABEL_3": 0.06},
        {"library": 0.5, "couch, day bed": 0.3, "couch, sofa": 0.2},
    ]
    assert labels.tags(frames, least=0.1, most=5) == ("library", "couch")
    assert labels.tags(frames, least=0.01, most=2) == ("library", "couch")
    assert labels.tags(frames, least=0.01, most=5) == ("library", "couch", "sliding door")
    assert labels.tags([], least=0.1, most=5) == ()


def test_objects_are_counted_as_a_person_would() -> None:
    frames = [["chair", "chair", "person"], ["chair", "N/A"], ["person", "person", "bench"]]
    assert labels.objects(frames) == ("2 chairs", "2 people", "1 bench")
    assert labels.objects([["wine_glass"] * 3]) == ("3 wine glasses",)
    assert labels.objects([[], []]) == ()


@pytest.mark.parametrize(
    ("thing", "many"),
    [
        ("dining table", "dining tables"), ("person", "people"), ("bench", "benches"),
        ("bus", "buses"), ("box", "boxes"), ("teddy bear", "teddy bears"), ("toy", "toys"),
        ("berry", "berries"), ("sheep", "sheep"), ("knife", "knives"), ("mouse", "mice"),
    ],
)  # fmt: skip
def test_plurals(thing: str, many: str) -> None:
    assert labels.plural(thing) == many


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("a modern architectural interior with stairs", "modern_architectural"),
        ("there is a view of a room with two chairs", "room_chairs"),
        ("a close up of a picture", "a_close"),
        ("", ""),
    ],
)
def test_smart_names(description: str, name: str) -> None:
    assert smart_name(description) == name


def test_a_text_of_little_words_still_says_something() -> None:
    assert telling("the of") == ["the", "of"]
    assert telling("The City, at night") == ["city", "night"]


@pytest.mark.parametrize(
    ("count", "numbers"),
    [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (121, [0, 30, 60, 90, 120])],
)
def test_frames_are_spread_from_the_first_to_the_last(count: int, numbers: list[int]) -> None:
    assert stills.spread(count) == numbers


def test_a_frame_is_looked_at_no_larger_than_models_see() -> None:
    assert stills.fitting(640, 360) == (640, 360)
    assert stills.fitting(1920, 1080) == (1333, 750)
    assert stills.fitting(1000, 4000) == (333, 1333)
    assert stills.fitting(10000, 2) == (1333, 1)


HEAVY = ("torch", "transformers", "huggingface_hub", "cv2", "numpy", "pydantic", "PIL")


def test_the_room_is_imported_without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # this test starts a program: Python, to look what it loads
    code = (
        "import sys, cosmos_workflow.local_ai\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
