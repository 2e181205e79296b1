"""The rehearsal's table of words, its looks, and its painting of single frames."""

from __future__ import annotations

import re
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.enums import BlurStrength, CannyThreshold
from cosmos_workflow.rehearsal import tone, weather, words
from cosmos_workflow.rehearsal.look import PLAIN, Look, combine, toward_plain
from cosmos_workflow.rehearsal.painter import Frame, Painter, Scale
from cosmos_workflow.rehearsal.request import Parameters, read
from cosmos_workflow.rehearsal.slate import make_slate

W, H = 320, 176
FULL = Scale(vis=0.5, edge=0.5, depth=0.5, segmentation=0.5, grade=1.0)


def settings(seed: int = 1) -> Parameters:
    return Parameters(
        seed=seed,
        num_steps=35,
        guidance=7.0,
        sigma_max=70.0,
        fps=24,
        blur_strength=BlurStrength.MEDIUM,
        canny_threshold=CannyThreshold.MEDIUM,
    )


def scene() -> dict[str, Frame]:
    """A sky, a ground, a house, with all passes in the sizes that the painter takes."""
    base = np.zeros((H, W, 3), np.uint8)
    base[: H // 2] = (150, 180, 220)
    base[H // 2 :] = (110, 100, 90)
    base[40:140, 60:140] = (170, 120, 100)
    base[60:80, 80:100] = (250, 230, 170)
    depth = np.zeros((H // 2, W // 2), np.uint8)
    depth[H // 4 :] = np.linspace(20, 255, H // 4).astype(np.uint8)[:, None]
    depth[20:70, 30:70] = 120
    segments = np.zeros((H // 2, W // 2, 3), np.uint8)
    segments[20:70, 30:70] = (240, 30, 60)
    edge = np.zeros((H, W), np.uint8)
    edge[40:140, 60] = edge[40:140, 139] = 255
    return {"base": base, "depth": depth, "segmentation": segments, "edge": edge}


def paint(prompt: str, scale: Scale = FULL, *, seed: int = 1, number: int = 5) -> Frame:
    look = words.look_of(words.hits(prompt))
    return Painter(look, scale, settings(seed), W, H, 48).paint(number, scene())


# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("A rainy NEON night", ["rainy", "neon", "night"]),
        ("golden\n  hour in a desert", ["golden hour", "desert"]),
        ("nightly warmth, snowboard, filmmaker", []),
        ("rain, raining, rainy", ["rain"]),
        ("a post-apocalyptic street", ["post-apocalyptic"]),
        ("$(rain); 'fog'", ["rain", "fog"]),
        ("夜の雨", []),
    ],
)
def test_hits(prompt: str, found: list[str]) -> None:
    assert words.hits(prompt) == found


def test_negative_words_are_left_out() -> None:
    assert words.hits("rainy night", "raining, snow") == ["night"]


def test_every_word_is_found_and_does_something() -> None:
    for row, look in words.TABLE.items():
        assert combine([PLAIN, look]) != PLAIN, row
        for word in row:
            assert word == word.lower()
            (found,) = words.hits(f"a {word} street")
            assert words.look_of([found]) == words.look_of([row[0]])


def test_no_word_is_in_two_rows() -> None:
    every = [word for row in words.TABLE for word in row]
    assert len(every) == len(set(every))


# -- looks ----------------------------------------------------------------------------------------


def test_order_of_words_does_not_matter() -> None:
    found = ["neon", "rain", "night", "vintage", "snow"]
    assert words.look_of(found) == words.look_of(found[::-1])


def test_many_words_stay_within_what_can_be_seen() -> None:
    look = words.look_of([row[0] for row in words.TABLE])
    for name, value in asdict(look).items():
        assert np.all(np.isfinite(value)), name
    assert 0.3 <= look.exposure <= 1.3 and look.contrast <= 1.42
    assert all(0.4 < gain < 1.6 for gain in look.gain)


def test_strength() -> None:
    night = words.look_of(["night"])
    assert toward_plain(night, 0.0) == PLAIN
    for name, value in asdict(toward_plain(night, 1.0)).items():
        assert value == pytest.approx(getattr(night, name)), name
    half = toward_plain(night, 0.5)
    assert night.exposure < half.exposure < PLAIN.exposure
    assert toward_plain(night, 1.5).sky == 1.0
    assert toward_plain(night, 1.5).lights == 1.0


def test_no_grade_changes_nothing() -> None:
    table = tone.curve(words.look_of(["night"]), 0.0)
    assert np.array_equal(table[0], np.repeat(np.arange(256)[:, None], 3, axis=1))
    assert np.array_equal(tone.saturation_matrix(0.2, 0.0), np.eye(3, dtype=np.float32))


@pytest.mark.parametrize("row", words.TABLE, ids=lambda row: row[0])
def test_curves_never_fall(row: tuple[str, ...]) -> None:
    table = tone.curve(words.look_of([row[0]]), 1.0)[0].astype(int)
    assert (np.diff(table, axis=0) >= 0).all()


# -- frames ---------------------------------------------------------------------------------------


def test_same_seed_same_pixels() -> None:
    assert np.array_equal(paint("rainy neon night"), paint("rainy neon night"))
    assert not np.array_equal(paint("rainy neon night"), paint("rainy neon night", seed=2))
    assert not np.array_equal(paint("rainy neon night"), paint("rainy neon night", number=6))


def test_prompts_look_different() -> None:
    prompts = ("a street", "rainy neon night", "golden desert", "snowy winter", "film noir")
    means = [paint(prompt).reshape(-1, 3).mean(axis=0) for prompt in prompts]
    for one, other in pairwise(means):
        assert np.abs(one - other).max() > 12
    plain, night, desert, winter, _ = means
    assert night.sum() < plain.sum() * 0.6
    assert desert[0] - desert[2] > 30
    assert winter[2] > winter[0]


def test_noir_is_black_and_white() -> None:
    picture = paint("film noir")[: H // 2].astype(int)
    assert np.abs(picture[..., 0] - picture[..., 2]).max() <= 2


@pytest.mark.parametrize("control", ["vis", "edge", "depth", "segmentation"])
def test_every_control_shows(control: str) -> None:
    off = Scale(0.0, 0.0, 0.0, 0.0, 1.0)
    on = Scale(**{**asdict(off), control: 1.0})
    inputs = scene()
    if control == "vis":
        inputs["vis"] = np.full((H // 2, W // 2, 3), 90, np.uint8)
    every = {
        name: Painter(PLAIN, scale, settings(), W, H, 9).paint(0, _given(inputs, scale))
        for name, scale in (("off", off), ("on", on))
    }
    change = np.abs(every["on"].astype(int) - every["off"].astype(int))
    assert (change > 8).any(axis=2).mean() > 0.005


def test_vis_and_edge_are_made_when_there_is_no_video() -> None:
    base = {"base": scene()["base"]}
    off = Painter(PLAIN, Scale(0, 0, 0, 0, 1.0), settings(), W, H, 9).paint(0, base)
    for scale in (Scale(1.0, 0, 0, 0, 1.0), Scale(0, 1.0, 0, 0, 1.0)):
        made = Painter(PLAIN, scale, settings(), W, H, 9).paint(0, base)
        assert np.abs(made.astype(int) - off.astype(int)).max() > 20


def test_sigma_zero_keeps_the_picture() -> None:
    scale = Scale(0, 0, 0, 0, grade=0.0)
    base = scene()["base"]
    out = Painter(Look(), scale, settings(), W, H, 9).paint(0, {"base": base})
    part = out[: H // 2].astype(int) - base[: H // 2]
    assert np.abs(part).mean() < 3  # only the finest grain


def test_frames_handed_in_are_left_alone() -> None:
    inputs = scene()
    copies = {name: frame.copy() for name, frame in inputs.items()}
    Painter(words.look_of(["rain"]), FULL, settings(), W, H, 9).paint(0, inputs)
    assert all(np.array_equal(inputs[name], copies[name]) for name in inputs)


def test_weather_moves_without_a_seam() -> None:
    (far, _) = weather.make_layers(words.look_of(["rain"]), W, H, 1)
    period = far.period
    assert np.array_equal(far.tile[:H, :W], far.tile[period : period + H, period : period + W])
    assert far.at(0, W, H).max() > 10
    assert not np.array_equal(far.at(0, W, H), far.at(1, W, H))
    assert weather.make_layers(PLAIN, W, H, 1) == []


def test_slate_is_there_and_counts() -> None:
    slate = make_slate(42, 48, 1280, 704)
    assert slate
    first, second = (np.full((704, 1280, 3), 128, np.uint8) for _ in range(2))
    slate.draw(first, 1)
    slate.draw(second, 2)
    changed = (first != 128).any(axis=2)
    assert 0.002 < changed.mean() < 0.02
    assert changed[:600].sum() == 0 and changed[:, 640:].sum() == 0
    assert not np.array_equal(first, second)


def test_no_slate_where_it_would_be_cut() -> None:
    assert make_slate(42, 48, 64, 36) is None


def _given(inputs: dict[str, Frame], scale: Scale) -> dict[str, Frame]:
    return {"base": inputs["base"]} | {
        name: frame for name, frame in inputs.items() if getattr(scale, name, 0.0)
    }


# -- the request ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a rehearsal"),
        ('{"engine": "transfer1"}', "engine"),
        ('{"colour": 1}', "colour"),
    ],
)
def test_faulty_requests(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=re.escape(said)):
        read(path)


def test_missing_request(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        read(tmp_path / "none.json")


def test_the_page_lists_every_word() -> None:
    page = Path(__file__).parents[2] / "docs" / "engines" / "preview.md"
    _, _, text = page.read_text(encoding="utf-8").partition("## Words")
    listed = set(re.findall(r"[\w-]+(?: [\w-]+)*", text)) | set(re.findall(r"[\w-]+", text))
    for word in (word for row in words.TABLE for word in row):
        assert word in listed or f" {word}," in text or f" {word} " in text, word
