"""``[services.*]``: what holds, and what each fault says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import ServiceSettings, Settings
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.execution.places_http import http


def fault(folder: Path, text: str) -> str:
    (folder / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return f"{caught.value.message}\n{caught.value.hint}"


SERVICE = '[services.a]\ndialect = "videos"\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('url = "localhost:8000"', 'line 3: services.a.url = "localhost:8000" is no address'),
        ('url = "http://"', "is no address"),
        ('url = "http://h:99999"', "is no address: Port out of range"),
        ('url = "http://[::1"', "is no address"),
        ('url = "ftp://h"', "is no address"),
        ('url = "http://h/a b"', "has a space"),
        ('url = "http://me:s3cret@h"', "has a name, a password or a query in it"),
        ('url = "http://h/?key=s3cret"', "has a name, a password or a query in it"),
        ('proxy = "http://me:s3cret@proxy:3128"', "HTTPS_PROXY for a proxy"),
        ('proxy = "proxy:3128"', "is no address"),
        ('token = "sk-s3cret/x"', "is not the name of a variable"),
        ('url = "http://10.0.0.5:8000"\nvia = "gpu"', "not an address of the machine itself"),
        ("silence = 1", "must be at least 5"),
        ('urll = "x"', "did you mean 'url'?"),
    ],
)
def test_a_fault(tmp_path: Path, more: str, said: str) -> None:
    text = fault(tmp_path, f"{SERVICE}{more}\n")
    assert said in text and "s3cret" not in text


def test_names(tmp_path: Path) -> None:
    assert "a machine named local too" in fault(tmp_path, '[services.local]\ndialect = "nim"\n')
    assert "has no dialect" in fault(tmp_path, '[services.a]\nurl = "http://h"\n')


def test_variables_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_SERVICES_OMNI_URL", "https://gpu.example.com:8000/v1")
    with pytest.raises(ConfigError, match=r"COSMOS_SERVICES_OMNI_URL|services\.omni"):
        load(tmp_path)
    monkeypatch.setenv("COSMOS_SERVICES_OMNI_DIALECT", "videos")
    monkeypatch.setenv("COSMOS_SERVICES_OMNI_SILENCE", "90")
    monkeypatch.setenv("COSMOS_SERVICES_OMNI_CA_FILE", "/ca.pem")
    omni = load(tmp_path).services["omni"]
    assert (omni.url, omni.silence) == ("https://gpu.example.com:8000/v1", 90)
    assert omni.ca_file == "/ca.pem"


def of(**more: object) -> Settings:
    values = {"dialect": "videos", "url": "http://h", **more}
    return Settings(root=Path("/"), services={"a": ServiceSettings(**values)})  # type: ignore[arg-type]


def test_a_dialect_that_nobody_knows_is_named_with_the_closest() -> None:
    with pytest.raises(ConfigError) as caught:
        http(of(dialect="vidoes"), "a")
    assert "'a' speaks 'vidoes'" in caught.value.message
    assert "did you mean 'videos'?" in caught.value.hint


def test_no_address() -> None:
    with pytest.raises(ConfigError, match="has no url"):
        http(of(url=""), "a")


def test_a_token_that_is_named_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNI_TOKEN", raising=False)
    target = http(of(token="OMNI_TOKEN"), "a")
    with pytest.raises(ConfigError, match="in OMNI_TOKEN, which is not set"):
        target.facts()
