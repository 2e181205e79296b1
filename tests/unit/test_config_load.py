"""config.toml and the variables over it: what holds, and what each fault says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.config import template
from cosmos_workflow.config.load import load
from cosmos_workflow.config.settings import (
    ModelSettings,
    ServiceSettings,
    Settings,
    SlurmSettings,
    TargetSettings,
)
from cosmos_workflow.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("COSMOS_"):
            monkeypatch.delenv(name)


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def fault(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return f"{caught.value.message}\n{caught.value.hint}"


def test_without_a_file_the_defaults_hold_here(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.root == tmp_path and settings.config_file is None
    assert settings.default_target == "local" and settings.default_engine == "preview"
    assert settings.prompts_dir == tmp_path / "inputs/prompts"


def test_this_machine_is_changed_only_where_it_says_so(tmp_path: Path) -> None:
    write(tmp_path, "[targets.local]\nprice_per_hour = 2.5\n")
    here = load(tmp_path).machines()["local"]
    assert (here.kind, here.launcher, here.price_per_hour) == ("local", "shell", 2.5)
    write(tmp_path, '[targets.local]\nhost = "h"\n')
    assert load(tmp_path).machines()["local"].kind == "ssh"


def test_the_nearest_file_upward_is_read(tmp_path: Path) -> None:
    write(tmp_path, '[remote]\nhost = "far"\n')
    (tmp_path / "a/b").mkdir(parents=True)
    write(tmp_path / "a", '[remote]\nhost = "near"\n')
    settings = load(tmp_path / "a/b")
    assert settings.root == tmp_path / "a" and settings.remote.host == "near"
    assert settings.default_target == "remote" and settings.default_engine == "transfer1"


def test_a_named_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x y").mkdir()
    file = write(tmp_path / "x y", '[remote]\nhost = "named"\n')
    monkeypatch.setenv("COSMOS_CONFIG", str(file))
    assert load(tmp_path).remote.host == "named"
    monkeypatch.setenv("COSMOS_CONFIG", str(tmp_path / "none.toml"))
    assert "COSMOS_CONFIG names" in fault(tmp_path)


def test_an_ocio_config_is_relative_to_the_project(tmp_path: Path) -> None:
    below = tmp_path / "renders"
    below.mkdir()
    file = tmp_path / "config.toml"
    for written, meant in (
        ("show/config.ocio", f"{tmp_path}/show/config.ocio"),
        ("/shows/config.ocio", "/shows/config.ocio"),
        ("$SHOW/config.ocio", "$SHOW/config.ocio"),
        ("srgb", "srgb"),
    ):
        file.write_text(f'[colour]\nconfig = "{written}"\n')
        assert load(below).colour.config == meant


def test_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[remote]\nhost = "file"\n[targets.my-lab]\nhost = "h"\n')
    for name, value in {
        "COSMOS_REMOTE_HOST": "variable",
        "COSMOS_REMOTE_PORT": "2222",
        "COSMOS_DOCKER_GPU_ENABLED": "off",
        "COSMOS_PATHS_REMOTE_DIR": "/data/my work",
        "COSMOS_TARGETS_MY_LAB_PORT": "23",
        "COSMOS_TARGETS_MY_LAB_SECRETS": "HF_TOKEN, OTHER",
        "COSMOS_TARGETS_MY_LAB_IMAGES": "transfer1=a:1,upscale=b",
        "COSMOS_TARGETS_NEW_ONE_SSH_KEY": "~/.ssh/new",
        "COSMOS_TARGETS_NEW_ONE_HOST": "n",
        "COSMOS_DEFAULTS_TARGET": "my-lab",
        "COSMOS_DEPTH_NEAR": "0.25",
        "COSMOS_AI_DEVICE": "cpu",
        "COSMOS_PASSES_DEPTH": "Pz, my depth",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(tmp_path)
    assert (settings.remote.host, settings.remote.port) == ("variable", 2222)
    assert settings.docker.gpu_enabled is False
    lab = settings.targets["my-lab"]
    assert (lab.host, lab.port, lab.secrets) == ("h", 23, ("HF_TOKEN", "OTHER"))
    assert lab.images == {"transfer1": "a:1", "upscale": "b"}
    assert settings.targets["new_one"].ssh_key == "~/.ssh/new"
    assert settings.default_target == "my-lab"
    assert (settings.depth.near, settings.ai.device) == (0.25, "cpu")
    assert settings.passes.depth == ("Pz", "my depth")
    assert settings.all_targets()["remote"].remote_dir == "/data/my work"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[remote]\nhost = "a"\nprot = 22\n', ["line 3: remote.prot", "did you mean 'port'?"]),
        (
            '[remote]\nport = "22"\n',
            ['line 2: remote.port = "22"', "a whole number, without quotes"],
        ),
        ("[remote]\nport = 70000\n", ["line 2: remote.port = 70000", "65535"]),
        ('# x\n[remot]\nhost = "a"\n', ["line 2: remot:", "did you mean 'remote'?"]),
        ("[remote]\nhost = a\n", ["not valid TOML", "line 2, column 8"]),
        ("remote = 3\n", ["line 1: remote must be a table"]),
        ('remote.prot = "x"\n', ["line 1: remote.prot"]),
        ("[remote]\nhost = 2020-01-01\n", ["line 2: remote.host", "text in quotes"]),
        ('[targets.lab]\nhost = "h"\nkind = "shh"\n', ["line 3", "'local' or 'ssh'"]),
        ('[targets."my lab"]\nkind = "ssh"\n', ["line 1: targets.my lab has no host"]),
        ('[defaults]\ntarget = "lcal"\n', ["line 2: defaults.target", "did you mean 'local'?"]),
        ('[remote]\nhost = "me@box"\n', ["line 2: remote.host", "not a host name"]),
        ('[remote]\nhost = "-oProxyCommand=x"\n', ["not a host name"]),
        ("[docker]\ngpu_enabled = 1\n", ["line 2: docker.gpu_enabled = 1", "true or false"]),
        ("[docker]\n[paths]\n[docker]\n", ["not valid TOML", "each [table] stands once"]),
        ('root = "/"\n', ["line 1: root: unknown"]),
    ],
)
def test_a_fault_names_line_key_and_what_is_allowed(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    write(tmp_path, text)
    said = fault(tmp_path)
    assert str(tmp_path / "config.toml") in said
    for part in expected:
        assert part in said


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, '[remote]\nprot = 1\n[docker]\nimge = "x"\n')
    said = fault(tmp_path)
    assert "line 2: remote.prot" in said and "line 4: docker.imge" in said


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("COSMOS_REMOTE_PROT", "1", "did you mean 'COSMOS_REMOTE_PORT'?"),
        ("COSMOS_REMOTE_PORT", "abc", "'abc', not a whole number"),
        ("COSMOS_DEPTH_NEAR", "close", "'close', not a number"),
        ("COSMOS_DEPTH_MODE", "lin", "'inverse', 'linear' or 'log'"),
        ("COSMOS_REMOTE_PORT", "99999", "COSMOS_REMOTE_PORT (remote.port) = 99999"),
        ("COSMOS_DOCKER_GPU_ENABLED", "maybe", "allowed: 1, true"),
        ("COSMOS_TARGETS_LAB_HOTS", "x", "did you mean 'host'?"),
        ("COSMOS_TARGETS_LAB_LAUNCHER", "slrum", "'docker', 'shell' or 'slurm'"),
        ("COSMOS_DEFAULTS_TARGET", "lcal", "COSMOS_DEFAULTS_TARGET (defaults.target)"),
        ("COSMOS_TARGETS_LAB_IMAGES", "a", "write name=value,name=value"),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    said = fault(tmp_path)
    assert name in said and expected in said


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'[remote]\nhost = "\xff"\n')
    assert "UTF-8" in fault(tmp_path)


def test_the_example_is_the_template_and_changes_nothing(tmp_path: Path) -> None:
    assert (ROOT / "config.toml.example").read_text(encoding="utf-8") == template.TEXT
    write(tmp_path, template.TEXT)
    plain = Settings(root=tmp_path)
    assert load(tmp_path).model_dump(exclude={"config_file"}) == plain.model_dump(
        exclude={"config_file"}
    )


def test_the_template_names_every_key(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in template.TEXT.splitlines()]
    start = lines.index("[targets.lab]")
    service = lines[lines.index("[services.omni]") : start - 2]
    service = [line for line in service if not line.startswith("A further model")]
    machines = [line for line in lines[start:] if not line.startswith("A cluster")]
    write(tmp_path, "\n".join([*service, *machines]))
    lab = load(tmp_path).targets["lab"]
    assert lab.model_fields_set == set(TargetSettings.model_fields) - {"slurm"}
    cluster = load(tmp_path).targets["cluster"].slurm
    assert cluster.model_fields_set == set(SlurmSettings.model_fields)
    omni = load(tmp_path).services["omni"]
    assert omni.model_fields_set == set(ServiceSettings.model_fields)
    assert load(tmp_path).models["mochi"].model_fields_set == set(ModelSettings.model_fields)
    for name in ("remote", "paths", "docker", "passes", "colour", "depth", "ai", "defaults"):
        table = getattr(Settings(root=tmp_path), name)
        for key in type(table).model_fields:
            assert f"\n{key} = " in template.TEXT


def test_a_login_is_set_and_the_rest_stays() -> None:
    text = '# mine\n[remote]\nhost = "old" # why\n\n[docker]\nimage = "x"  # pinned\n'
    changed = template.with_login(text, template.login("me@gpu:2222"))
    assert "# mine" in changed and "# pinned" in changed and "# why" in changed
    assert 'host = "gpu"' in changed and 'user = "me"' in changed and "port = 2222" in changed


@pytest.mark.parametrize("text", ["", "@h", "a b", "me@", "h:99999", "-o@x", "me@-x", "h:p"])
def test_what_is_no_login(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a host"):
        template.login(text)


def test_remote_is_a_target_like_any_other(tmp_path: Path) -> None:
    """Whatever a target of one's own can be told, ``remote`` can be told, under the same key."""
    write(
        tmp_path,
        '[remote]\nhost = "gpu"\nrepo = "/m/repo"\ncheckpoints = "/m/repo/checkpoints"\n'
        'hf_cache = "/m/hf"\nsecrets = ["HF_TOKEN"]\nknown_hosts = "/k"\nssh_config = "/c"\n'
        '[docker]\nimages = { transfer1 = "t1" }\ncontainer_user = "1000:1000"\n',
    )
    remote = load(tmp_path).all_targets()["remote"]
    assert (remote.repo, remote.checkpoints, remote.hf_cache) == (
        "/m/repo", "/m/repo/checkpoints", "/m/hf"
    )  # fmt: skip
    assert remote.secrets == ("HF_TOKEN",) and remote.images == {"transfer1": "t1"}
    assert remote.known_hosts == "/k" and remote.container_user == "1000:1000"
    assert remote.model_fields_set == set(TargetSettings.model_fields) - {"slurm"}
