"""Words of a sweep: files of prompts, templates, and the PromptSpecs that come of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.prompt_spec import PromptSpec
from cosmos_workflow.workflows.sweep_prompts import Source, write_words
from cosmos_workflow.workflows.sweep_words import Row, filled, places, rows

NOTHING = Row("", "", "", {})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a {sky} sky", "a red sky"),
        ("{sky} {sky}{n}", "red red7"),
        ("{{sky}} is {sky}", "{sky} is red"),
        ('{"a": {"b": "{sky}"}}', '{"a": {"b": "red"}}'),
        ("{} { sky } {1} {{ }}", "{} { sky } {1} {{ }}"),
        ("no places", "no places"),
    ],
)
def test_places_are_filled(template: str, expected: str) -> None:
    assert filled(template, {"sky": "red", "n": 7}, "n") == expected


def test_what_is_filled_in_is_not_read_again() -> None:
    assert filled("{a}", {"a": "{b} {{a}}", "b": "x"}, "n") == "{b} {{a}}"


@given(st.text())
def test_words_without_places_stay_as_they_are(text: str) -> None:
    text = text.replace("{", "").replace("}", "")
    assert filled(text, {}, "n") == text and places(text) == []


def test_a_place_that_nothing_fills_is_named() -> None:
    with pytest.raises(
        SpecError, match=r"nothing fills \{sky\}, \{時\} in the words of atrium"
    ) as one:
        filled("{sky} {sea} {時} {{land}}", {"sea": 1}, "atrium")
    assert "--vary sky=" in one.value.hint and "{{sky}}" in one.value.hint


def test_a_caption_stays_json() -> None:
    caption = {"subjects": [], "lighting": {}, "aesthetics": {}, "context": 'a {sky} "day"'}
    text = filled(json.dumps(caption), {"sky": 'so-called "red"\n'}, "n")
    assert json.loads(text)["context"] == 'a so-called "red"\n "day"'


def put(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_prompt_a_line(tmp_path: Path) -> None:
    path = put(tmp_path, "p.TXT", "\ufeffrain, neon\r\n\r\n  snow {sky} \u2028on \n")
    assert rows(path, 9) == [Row("rain, neon", "", "", {}), Row("snow {sky} \u2028on", "", "", {})]


def test_columns(tmp_path: Path) -> None:
    text = 'prompt,name, sky,negative_prompt\n"rain, ""neon""\nbelow",n1,red,people\n\n,,blue,\n'
    assert rows(put(tmp_path, "p.csv", text), 9) == [
        Row('rain, "neon"\nbelow', "people", "n1", {"sky": "red"}),
        Row("", "", "", {"sky": "blue"}),
    ]


def test_an_object_a_line(tmp_path: Path) -> None:
    text = '{"prompt": "rain", "year": 1990, "x": 0.5}\n\n{"name": "夜"}\n'
    assert rows(put(tmp_path, "p.jsonl", text), 9) == [
        Row("rain", "", "", {"year": "1990", "x": "0.5"}),
        Row("", "", "夜", {}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("p.doc", "x", "a .txt, a .csv or a .jsonl"),
        ("p.txt", "\n \n", "has no prompts"),
        ("p.txt", b"\xff\xfe\x00", "is not text in UTF-8"),
        ("p.txt", "a\nb\nc\nd\n", "more than 3 prompts"),
        ("p.csv", "", "has no prompts"),
        ("p.csv", "a,a\n1,2\n", "does not name each column once"),
        ("p.csv", "a,\n1,2\n", "does not name each column once"),
        ("p.csv", "a,b\n1,2\n1,2,3\n", "line 3: 3 cells for 2 columns"),
        ("p.csv", 'a,b\n1,"2\n', "line 2"),
        ("p.jsonl", '{"a": 1}\n[1]\n', "line 2 is not an object"),
        ("p.jsonl", '{"a": {"b": 1}}\n', "line 1 is not an object"),
        ("p.jsonl", '{"a": true}\n', "line 1 is not an object"),
        ("p.jsonl", "[" * 100_000, "line 1 is not an object"),
    ],
)
def test_what_no_file_of_prompts_is(
    tmp_path: Path, name: str, text: str | bytes, expected: str
) -> None:
    with pytest.raises(SpecError) as caught:
        rows(put(tmp_path, name, text), 3)
    assert expected in f"{caught.value.message}\n{caught.value.hint}"


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path / "a\0b.txt"):
        with pytest.raises(SpecError, match="prompts"):
            rows(path, 3)
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(SpecError, match="more than 64 MiB"):
        rows(tmp_path / "big.txt", 3)


@pytest.fixture
def source() -> Source:
    prompt = PromptSpec.made(
        name="atrium", prompt="a {sky} atrium", negative_prompt="people",
        input_video_path="in/c.mp4", control_inputs={"depth": "in/d.mp4"}, metadata={"a": 1},
    )  # fmt: skip
    return Source(prompt, "x.json")


def test_new_words_keep_everything_else(source: Source) -> None:
    before = source.prompt
    made = write_words(source, NOTHING, {}, {"sky": "red"}, {})
    assert made.prompt == "a red atrium" and made.name == "atrium red"
    assert made.parent == before.id and made.metadata == before.metadata
    assert made.input_video_path == before.input_video_path
    assert made.control_inputs == before.control_inputs
    assert made.id == made.with_id().id != before.id


def test_whose_words_go_first(source: Source) -> None:
    row = Row("rain on {sky} glass, at night", "cars", "", {"sky": "blue"})
    made = write_words(source, row, {}, {}, {})
    assert (made.prompt, made.negative_prompt) == ("rain on blue glass, at night", "cars")
    assert made.name == "atrium rain on blue glass, blue"
    texts = {"prompt": "snow", "negative_prompt": "{sky} cars"}
    made = write_words(source, NOTHING, texts, {"sky": "red"}, {})
    assert (made.prompt, made.negative_prompt) == ("snow", "red cars")
    assert write_words(source, Row("x", "", "mine", {}), {}, {}, {}).name == "mine"


def test_the_same_words_are_the_same_prompt(source: Source) -> None:
    known: dict[tuple[str, str, str, str], PromptSpec] = {}
    one = write_words(source, NOTHING, {}, {"sky": "red", "unused": 1}, known)
    assert write_words(source, NOTHING, {}, {"sky": "red", "unused": 2}, known) is one
    same = write_words(source, NOTHING, {"prompt": "a {{sky}} atrium"}, {}, known)
    assert same is source.prompt


def test_a_prompt_needs_words(source: Source) -> None:
    with pytest.raises(SpecError, match="no words left"):
        write_words(source, NOTHING, {"prompt": "{sky}"}, {"sky": " "}, {})
