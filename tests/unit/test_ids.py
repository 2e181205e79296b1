"""Names: content ids, slugs, stamps."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow import ids

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_an_id_is_what_it_was_on_every_machine() -> None:
    assert ids.content_id("ps", {"a": [1, "é"], "b": None}) == "ps_1e02bc81"


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_keys_does_not_matter(content: dict[str, int]) -> None:
    turned = dict(reversed(content.items()))
    assert ids.content_id("x", content) == ids.content_id("x", turned)


@given(st.text())
def test_a_slug_is_a_safe_file_name(text: str) -> None:
    slug = ids.slug(text)
    assert slug and len(slug) <= 48
    assert not re.search(r"[\W]", slug) and not slug.startswith("_")
    assert ids.slug(slug) == slug


def test_a_slug_keeps_words_of_any_script() -> None:
    assert ids.slug("Straße $(rm -rf /); 夜の街 'q' Été\n") == "straße_rm_rf_夜の街_q_été"
    assert ids.slug("../..") == "untitled"
    assert ids.slug("word " * 20).endswith("_word")


def test_a_run_id_is_told_from_others() -> None:
    assert ids.RUN_ID.fullmatch("rs_1f2e3d4c.12")
    for other in ("rs_1f2e3d4c", "rs_1f2e3d4c.0", "ps_1f2e3d4c.1", "rs_1F2E3D4C.1"):
        assert not ids.RUN_ID.fullmatch(other)


def test_stamps() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5)
    assert ids.timestamp(now) == "20260102_030405"
    assert ids.date_folder(now) == "2026-01-02"


def test_the_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert ids.sha256_file(tmp_path / "x").startswith("ba7816bf")
