"""Secrets: values only from the environment, and masked at equal length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_workflow.config import secrets
from cosmos_workflow.errors import ConfigError


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_é")
    assert secrets.values(["HF_TOKEN"]) == {"HF_TOKEN": "hf_é"}


@pytest.mark.parametrize("value", [None, "", "two\nlines"])
def test_an_unusable_secret_is_named_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("HF_TOKEN", value)
    with pytest.raises(ConfigError, match="HF_TOKEN") as caught:
        secrets.values(["HF_TOKEN"])
    assert "two" not in caught.value.message + caught.value.hint


def test_a_secret_within_a_secret_leaves_nothing() -> None:
    assert secrets.mask("x abcdef abc", ["abc", "abcdef"]) == "x ****** ***"


@given(st.text(), st.lists(st.text(min_size=1, alphabet=st.characters(exclude_characters="*"))))
def test_the_length_in_bytes_stays(text: str, values: list[str]) -> None:
    whole = text + "".join(values)
    try:
        expected = len(whole.encode())
    except UnicodeEncodeError:
        return
    masked = secrets.mask(whole, values)
    assert len(masked.encode()) == expected
    assert not any(value in masked for value in values)
