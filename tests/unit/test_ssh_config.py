"""From settings and ``~/.ssh/config`` to the machines on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_workflow.connection.ssh_config import SshAddress, route
from cosmos_workflow.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


def test_an_alias(config: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("")
    config.write_text(
        f"Host gpu\n HostName 10.0.0.7\n User ada\n Port 2201\n IdentityFile {tmp_path}/one\n"
        f" IdentityFile {tmp_path}/two\n IdentityFile {tmp_path}/missing\n IdentitiesOnly yes\n"
        f" UserKnownHostsFile {tmp_path}/known\n"
    )
    (hop,) = route(SshAddress("gpu", ssh_config=config, known_hosts=None))
    assert (hop.host, hop.user, hop.port) == ("10.0.0.7", "ada", 2201)
    assert hop.identities == (tmp_path / "one", tmp_path / "two")
    assert hop.identities_only and hop.known_hosts[0] == tmp_path / "known"
    assert hop.shown == "ada@10.0.0.7:2201"


def test_settings_win_over_the_file(config: Path, tmp_path: Path) -> None:
    config.write_text("Host *\n User ada\n Port 2201\n")
    address = SshAddress("h", user="bob", port=7, ssh_key=tmp_path / "k", ssh_config=config)
    (hop,) = route(address)
    assert (hop.user, hop.port, hop.identities) == ("bob", 7, (tmp_path / "k",))


def test_no_file_at_all(tmp_path: Path) -> None:
    (hop,) = route(SshAddress("h", user="u", ssh_config=tmp_path / "none"))
    assert (hop.host, hop.port, hop.proxy_command) == ("h", 22, "")


def test_include_and_proxy_command(config: Path, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host gpu\n ProxyCommand nc %h %p\n HostKeyAlias box\n")
    config.write_text(f"Include {tmp_path}/mor*\nHost gpu\n Port 5\n")
    (hop,) = route(SshAddress("gpu", user="u", ssh_config=config))
    assert (hop.proxy_command, hop.port, hop.known_as) == ("nc gpu 5", 5, ("box", 22))


def test_a_chain_of_jumps(config: Path) -> None:
    config.write_text(
        "Host gpu\n ProxyJump bob@mid:2200,inner\nHost inner\n HostName 10.1.1.1\n User carl\n"
        "Host mid\n ProxyJump outer\nHost outer\n User eve\n"
    )
    hops = route(SshAddress("gpu", user="u", ssh_config=config))
    assert [hop.shown for hop in hops] == ["eve@outer", "bob@mid:2200", "carl@10.1.1.1", "u@gpu"]


def test_no_jump_when_it_says_none(config: Path) -> None:
    config.write_text("Host gpu\n ProxyJump none\n")
    assert len(route(SshAddress("gpu", ssh_config=config))) == 1


def test_circles_are_noticed(config: Path) -> None:
    config.write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(ConfigError, match="circles"):
        route(SshAddress("a", ssh_config=config))
    config.write_text(f"Include {config}\n")
    with pytest.raises(ConfigError, match="circles"):
        route(SshAddress("a", ssh_config=config))


def test_a_line_that_is_no_setting(config: Path) -> None:
    config.write_text("Host gpu\n Nonsense\n")
    with pytest.raises(ConfigError):
        route(SshAddress("gpu", ssh_config=config))
