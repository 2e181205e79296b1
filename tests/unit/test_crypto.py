"""Ids: who wins a pixel, and colours that are the same everywhere."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from cosmos_workflow.houdini.crypto_colours import moved, palette, places
from cosmos_workflow.houdini.crypto_ids import id_of, strongest, whole_numbers
from cosmos_workflow.houdini.crypto_legend import Legend
from cosmos_workflow.houdini.crypto_manifest import Manifest

A, B, C = (id_of(name) for name in ("/scene/a", "/scene/b", "/scene/c"))


def rank(ids: list[int], shares: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([ids], np.uint32).view(np.float32), np.array([shares], np.float32)


def test_ids_are_those_that_renderers_give() -> None:
    # Known values of MurmurHash3 in 32 bits.
    assert [id_of(name) for name in ("hello", "hello, world")] == [0x248BFA47, 0x149BBB7F]
    assert id_of("The quick brown fox jumps over the lazy dog") == 0x2E4FF723
    for number in range(2000):
        assert np.isfinite(np.uint32(id_of(f"/scene/{number}")).view(np.float32))


def test_the_greatest_share_wins() -> None:
    ranks = [
        rank([A, A, 0, A, A], [1, 0.45, 0, 0.4, 0.3]),
        rank([0, B, 0, B, B], [0, 0.55, 0, 0.4, 0.2]),
    ]
    assert strongest(ranks).tolist() == [[A, B, 0, A, 0]]


def test_all_ranks_count() -> None:
    ranks = [rank([A], [0.2]), rank([B], [0.2]), rank([C], [0.5])]
    assert strongest(ranks).tolist() == [[C]]


def test_whole_numbers_of_every_kind() -> None:
    values = np.array([[0.0, 1.0, 41.999, -1.0, np.nan, np.inf]], np.float32)
    assert whole_numbers(values).tolist() == [[0, 1, 42, 0, 0, 0]]
    assert whole_numbers(np.array([[3, 7]], np.uint32)).tolist() == [[3, 7]]
    assert whole_numbers(np.array([[3, 2000]], np.float16)).tolist() == [[3, 2000]]


def test_colours_never_change() -> None:
    # These are in videos that people have: a change here recolours their shots.
    ids = np.array([1, 2, 3, A, B], np.uint32)
    colours = [bytes(one).hex() for one in Legend().colours(ids)]
    assert colours == ["aa8033", "004099", "aa8033", "2a6066", "aa0099"]


def test_colours_stay_apart_in_video() -> None:
    well_apart = palette()[:80].astype(float)
    to_video = np.array([[0.183, 0.614, 0.062], [-0.101, -0.339, 0.439], [0.439, -0.399, -0.040]])
    coded = np.round(well_apart @ to_video.T)
    apart = np.abs(coded[:, None] - coded).max(axis=2) + np.eye(80) * 999
    assert apart.min() >= 12
    assert len(np.unique(palette(), axis=0)) == len(palette()) > 300
    assert palette().max(axis=1).min() >= 96


def test_no_two_objects_of_a_shot_share_a_colour() -> None:
    known = [id_of(f"/scene/object{number}") for number in range(60)]
    colours = Legend(known).colours(np.array(known, np.uint32))
    assert len(np.unique(colours, axis=0)) == 60
    backwards = Legend(reversed(known)).colours(np.array(known, np.uint32))
    assert (colours == backwards).all()
    assert len(moved(known)) < 40
    many = list(range(1, 301))
    assert len(np.unique(Legend(many).colours(np.array(many, np.uint32)), axis=0)) > 290


def test_more_objects_than_colours_is_no_fault() -> None:
    known = range(1, 20_000)
    assert len(moved(known)) <= len(palette())
    assert places(np.arange(1, 20_000, dtype=np.uint32)).max() < len(palette())


def test_painting_and_its_account() -> None:
    legend = Legend([A, B], {A: "/scene/a"})
    ids = np.array([[A, A, 0], [B, A, 0]], np.uint32)
    picture = legend.paint(ids, 0, lambda: {B: "/scene/b"})
    assert picture.shape == (2, 3, 3) and picture.dtype == np.uint8
    assert picture[0, 2].tolist() == [0, 0, 0]
    assert (picture[0, 0] == picture[1, 1]).all() and (picture[0, 0] != picture[1, 0]).any()
    legend.paint(ids, 0)  # the same frame a second time does not count
    legend.paint(np.array([[A]], np.uint32), 1)
    rows = legend.as_json()["colors"]
    assert [(one["name"], one["pixels"], one["frames"]) for one in rows] == [
        ("/scene/a", 4, 2),
        ("/scene/b", 1, 1),
    ]
    assert rows[0]["id"] == f"{A:08x}"
    assert rows[0]["color"] == f"#{bytes(picture[0, 0]).hex()}"


def test_threads_count_the_same() -> None:
    legend = Legend()
    ids = np.random.default_rng(3).integers(0, 9, (40, 40)).astype(np.uint32)
    threads = [threading.Thread(target=legend.paint, args=(ids, n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one["pixels"] for one in legend.as_json()["colors"]) == 8 * int((ids > 0).sum())


def test_manifests_in_the_header_and_beside(tmp_path: Path) -> None:
    text = f'{{"/scene/a": "{A:08x}", "odd": "not hex"}}'
    assert Manifest(text).names(tmp_path) == {A: "/scene/a"}
    (tmp_path / "names.json").write_text(text)
    assert Manifest(beside="names.json").names(tmp_path) == {A: "/scene/a"}


@pytest.mark.parametrize(
    "manifest",
    [
        Manifest(),
        Manifest("{torn"),
        Manifest("[1, 2]"),
        Manifest(beside="gone.json"),
        Manifest(beside="../names.json"),
        Manifest(beside="/etc/hostname"),
    ],
)
def test_manifests_without_sense_have_no_names(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "names.json").write_text(f'{{"x": "{A:08x}"}}')
    (tmp_path / "shot").mkdir()
    assert manifest.names(tmp_path / "shot") == {}
