"""An engine and a target of another kind: who is told, when, and what would fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Cosmos

SERVICES = """
[services.here]
dialect = "videos"
url = "http://127.0.0.1:1"

[services.luma]
dialect = "luma"
"""


def made(cosmos: Cosmos, engine: str) -> tuple[str, str]:
    """A RunSpec's id, and the command that is told next."""
    words = cosmos("create-spec", "street", "a street", "--json").objects[0]["id"]
    run = cosmos("create-run", words, "--engine", engine, "--json").objects[0]["id"]
    said = cosmos("create-run", words, "--engine", engine).out
    return run, said.rpartition("next: ")[2].strip()


@pytest.mark.parametrize(
    ("engine", "config", "target", "hint"),
    [
        ("sglang", SERVICES, " --target here", "--target here"),
        ("luma", SERVICES, " --target luma", "--target luma"),
        ("sglang", "", " --target NAME", 'add [services.NAME] with dialect = "videos" and its url'),
        ("luma", "", " --target NAME", "export LUMAAI_API_KEY, and --target luma"),
        ("nim", "", " --target NAME", "export COSMOS_BASE_URL=http://localhost:8000 and --target"),
        ("luma", f"{SERVICES}[services.two]\ndialect = 'luma'", " --target NAME", "luma, two"),
        ("luma", f"{SERVICES}[defaults]\ntarget = 'luma'", "", ""),
    ],
)
def test_the_target_that_fits_is_named(
    cosmos: Cosmos, project: Path, engine: str, config: str, target: str, hint: str
) -> None:
    (project / "config.toml").write_text(config)
    run, following = made(cosmos, engine)
    assert following == f"cosmos run {run}{target}"
    if hint:
        for command in ("run", "plan"):
            refused = cosmos(command, run)
            assert refused.code == 2
            assert "local is a machine that runs commands" in refused.err
            assert hint in " ".join(refused.err.split())


def test_doctor_finds_an_engine_of_another_kind(cosmos: Cosmos, project: Path) -> None:
    (project / "config.toml").write_text(SERVICES)
    said = cosmos("doctor", "--target", "luma", "--engine", "preview", "--json")
    check = next(one for one in said.objects[0]["checks"] if one["name"] == "engine")
    assert said.code == 4 and check["level"] == "fail"
    assert check["fix"] == "--target local"


def test_a_service_is_looked_at_for_no_engine(
    cosmos: Cosmos, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LUMAAI_API_KEY", raising=False)
    (project / "config.toml").write_text(SERVICES)
    for command in ("status", "doctor"):
        said = cosmos(command, "--target", "luma")
        assert said.code == 4 and said.out.splitlines()[0] == "luma"
        assert "luma is not ready: reachable" in said.err
        assert "LUMAAI_API_KEY" in said.out
        assert cosmos(command, "--target", "luma", "--json").objects[0]["engine"] == ""


def test_a_server_wants_an_ssh_target(cosmos: Cosmos, project: Path) -> None:
    said = cosmos("serve", "start")
    assert said.code == 2 and "no --target, and local is the usual one" in said.err
    assert "--target here: a server is started" in cosmos("serve", "start", "-t", "here").err
    assert "letters, digits" in cosmos("serve", "status", "--name", "../x").err
    assert cosmos("serve").err.startswith("error: missing argument ACTION\n")


def test_a_spec_that_never_ran_is_shown_without_what_it_has_not(
    cosmos: Cosmos, project: Path
) -> None:
    run, _ = made(cosmos, "sglang")
    assert "None" not in cosmos("show", run).out
    assert "sigma_max" not in cosmos("show", run, "--json").objects[0]["parameters"]


def test_words_are_not_asked_of_a_service_of_videos(cosmos: Cosmos, project: Path) -> None:
    (project / "config.toml").write_text(SERVICES)
    words = cosmos("create-spec", "street", "a street", "--json").objects[0]["id"]
    said = cosmos("enhance", words, "--target", "luma")
    assert said.code == 2 and "luma is a service that speaks luma; the engine chat" in said.err


def test_targets_stand_below_each_other(cosmos: Cosmos, project: Path) -> None:
    long = "replicate"
    (project / "config.toml").write_text(
        f"{SERVICES}[services.{long}]\ndialect = 'videos'\nurl = 'http://a.example.com:8000'\n"
        f"[targets.gpu]\nhost = 'h'\nuser = 'me'\nimage = '{'an-image/' * 5}'\n"
    )
    head, *rows = cosmos("targets").out.splitlines()
    at = head.index("target")
    assert [row[at:].split()[0] for row in rows if row[at:at + 1].strip()] == [
        "local", "gpu", "here", "luma", long,
    ]  # fmt: skip
    assert [row[0] for row in rows].count("*") == 1
