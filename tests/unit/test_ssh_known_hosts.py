"""known_hosts is read the way OpenSSH reads it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from paramiko.hostkeys import HostKeys

from cosmos_workflow.connection.ssh_known_hosts import check, fingerprint, known_keys
from cosmos_workflow.errors import AuthenticationFailed

MINE, OTHER = b"\0\0\0\x0bssh-ed25519mine", b"\0\0\0\x0bssh-ed25519other"


def b64(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def line(names: str, blob: bytes = MINE, mark: str = "") -> str:
    return f"{mark} {names} ssh-ed25519 {b64(blob)} a comment\n".lstrip()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.mark.parametrize(
    "names",
    [
        "gpu.lab", "GPU.lab", "other,gpu.lab", "*.lab", "gpu.l?b", "*,!evil.lab",
        HostKeys.hash_host("gpu.lab"),
    ],
    ids=["plain", "case", "list", "star", "question", "negated", "hashed"],
)  # fmt: skip
def test_names_that_match(file: Path, names: str) -> None:
    file.write_text("# comment\n\nnonsense\n" + line(names))
    check("gpu.lab", 22, (file,), "ssh-ed25519", MINE)


@pytest.mark.parametrize("names", ["gpu", "gpu.labs", "*,!gpu.lab", "[gpu.lab]:2222", "|1|x|y"])
def test_names_that_do_not(file: Path, names: str) -> None:
    file.write_text(line(names))
    assert known_keys("gpu.lab", 22, (file,)) == ()


def test_another_port_is_another_machine(file: Path) -> None:
    file.write_text(line("[gpu.lab]:2222") + line(HostKeys.hash_host("[gpu.lab]:2200")))
    check("gpu.lab", 2222, (file,), "ssh-ed25519", MINE)
    check("gpu.lab", 2200, (file,), "ssh-ed25519", MINE)
    assert known_keys("gpu.lab", 22, (file,)) == ()


def test_unknown_says_what_to_compare_and_type(file: Path) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        check("gpu.lab", 2222, (file,), "ssh-ed25519", MINE)
    assert "[gpu.lab]:2222" in caught.value.message and "ssh-ed25519" in caught.value.message
    assert fingerprint(MINE) in caught.value.message
    assert f"ssh-keyscan -p 2222 gpu.lab >> {file}" in caught.value.hint
    assert "ompare" in caught.value.hint


def test_changed_is_loud(file: Path) -> None:
    file.write_text("\n" + line("gpu.lab", OTHER))
    with pytest.raises(AuthenticationFailed) as caught:
        check("gpu.lab", 22, (file,), "ssh-ed25519", MINE)
    assert "HAS CHANGED" in caught.value.message and "line 2" in caught.value.message
    assert fingerprint(OTHER) in caught.value.message and fingerprint(MINE) in caught.value.message
    assert "ssh-keygen -R 'gpu.lab'" in caught.value.hint


def test_revoked_is_refused_even_when_also_trusted(file: Path) -> None:
    file.write_text(line("gpu.lab") + line("gpu.lab", mark="@revoked"))
    with pytest.raises(AuthenticationFailed, match="revoked"):
        check("gpu.lab", 22, (file,), "ssh-ed25519", MINE)


def test_an_authority_is_no_host_key(file: Path) -> None:
    file.write_text(line("gpu.lab", mark="@cert-authority"))
    assert known_keys("gpu.lab", 22, (file,)) == ()


def test_any_of_several_files_and_keys_is_enough(file: Path, tmp_path: Path) -> None:
    file.write_text(line("gpu.lab", OTHER))
    second = tmp_path / "second"
    second.write_text(line("gpu.lab"))
    check("gpu.lab", 22, (file, tmp_path / "missing", second), "ssh-ed25519", MINE)
