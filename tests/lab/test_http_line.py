"""The line to a service: certificates, proxies, a machine in between."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from films import TOKEN, Films
from servers import faults
from servers.faults import FaultsServer, faults_server
from test_http_faults import fetched, job_of, submitted

from cosmos_workflow.errors import AuthenticationFailed, ConfigError, HostError, HostUnreachable
from cosmos_workflow.execution.on_http import OnHttp
from cosmos_workflow.execution.on_http_client import Address, Client

NAME = "service.example"


def certificate(folder: Path) -> Path:
    """A PEM file with the key and a certificate of its own for NAME."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def proxy() -> Iterator[FaultsServer]:
    """A proxy that finds every name on this machine."""
    with faults_server() as one:
        yield one


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def secure(pem: Path) -> Iterator[FaultsServer]:
    """A service with a certificate of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with faults_server() as one:
        one.tls = context
        one.elsewhere = f"https://{NAME}:{one.server_address[1]}"
        yield one


def driver(url: str, **more: object) -> OnHttp:
    address = Address("lab", url, silence=5.0, connect=5.0, **more)  # type: ignore[arg-type]
    return OnHttp("lab", Client(address, lambda: Films().headers(TOKEN)), Films())


def test_an_authority_of_ones_own_through_a_proxy(
    secure: FaultsServer, proxy: FaultsServer, pem: Path, tmp_path: Path
) -> None:
    target = driver(secure.elsewhere, ca_file=str(pem), proxy=proxy.url)
    handle = submitted(target, job_of(tmp_path))
    assert fetched(target, handle, tmp_path) == secure.film
    assert set(proxy.tunnels) == {f"{NAME}:{secure.server_address[1]}"}
    assert proxy.requests == [], "it sees nothing of what is said"


def test_a_certificate_of_nobody(secure: FaultsServer, proxy: FaultsServer) -> None:
    with pytest.raises(AuthenticationFailed, match="a certificate that nobody vouches for") as told:
        driver(secure.elsewhere, proxy=proxy.url).facts()
    assert "ca_file" in told.value.hint


def test_a_certificate_of_another(secure: FaultsServer, pem: Path) -> None:
    with pytest.raises(AuthenticationFailed, match="mismatch"):
        driver(secure.url, ca_file=str(pem)).facts()


def test_no_certificate_at_all(proxy: FaultsServer) -> None:
    with pytest.raises(AuthenticationFailed, match="does not speak https"):
        driver(proxy.url.replace("http", "https")).facts()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_that_is_no_authority(proxy: FaultsServer, tmp_path: Path, content: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ConfigError, match="ca_file of lab cannot be read"):
        driver("https://127.0.0.1:9", ca_file=str(tmp_path / "ca.pem")).facts()


def test_https_never_becomes_http(
    secure: FaultsServer, proxy: FaultsServer, pem: Path, tmp_path: Path
) -> None:
    target = driver(secure.elsewhere, ca_file=str(pem), proxy=proxy.url)
    handle = submitted(target, job_of(tmp_path))
    secure.on("look", faults.moved(f"http://{NAME}/x"))
    with pytest.raises(HostError, match="from https to http"):
        list(target.follow(handle, 0))
    secure.elsewhere = f"http://{NAME}"
    with pytest.raises(HostError, match="names an address without https"):
        fetched(target, handle, tmp_path)
    assert proxy.requests == []


def test_a_proxy_for_http_sees_the_whole_address(proxy: FaultsServer, tmp_path: Path) -> None:
    target = driver(f"http://{NAME}", proxy=proxy.url)
    proxy.elsewhere = f"http://{NAME}"
    handle = submitted(target, job_of(tmp_path))
    assert fetched(target, handle, tmp_path) == proxy.film
    assert {call.headers["host"] for call in proxy.requests} == {NAME}


def test_a_proxy_of_the_environment_is_not_for_this_machine(
    proxy: FaultsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    facts = driver(proxy.url).facts()
    assert facts.service is not None and facts.service.ready
    way = r"no connection to lab \(.*\) through the proxy http://127.0.0.1:9: Connection refused"
    for address in (f"http://{NAME}", f"https://{NAME}"):
        with pytest.raises(HostUnreachable, match=way) as refused:
            driver(address).facts()
        assert "NO_PROXY" in refused.value.hint
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cr3t@127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://me:s3cr3t@127.0.0.1:9")
    with pytest.raises(HostUnreachable) as refused:
        driver(f"http://{NAME}").facts()
    assert "s3cr3t" not in f"{refused.value.message} {refused.value.hint}"


def test_a_proxy_that_refuses(proxy: FaultsServer) -> None:
    with pytest.raises(ConfigError, match="the proxy on the way to lab cannot be used"):
        driver(f"http://{NAME}", proxy="gopher://h").facts()
    proxy.on("tunnel", faults.refuse(407))
    with pytest.raises(HostUnreachable, match="the proxy on the way to lab says: 407"):
        driver(f"https://{NAME}", proxy=proxy.url).facts()


def test_by_way_of_a_machine_names_stay_as_they_are(
    secure: FaultsServer, pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address, the certificate and the results are as seen from there; no proxy is asked."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    secure.elsewhere = f"https://{NAME}:8443"
    target = driver(secure.elsewhere, ca_file=str(pem))
    asked: list[int] = []

    def reach(port: int) -> int:
        asked.append(port)
        return int(secure.server_address[1])

    target._client.reach = reach
    handle = submitted(target, job_of(tmp_path))
    assert fetched(target, handle, tmp_path) == secure.film
    assert set(asked) == {8443}
    assert {call.headers["host"] for call in secure.requests} == {f"{NAME}:8443"}
    assert {call.headers.get("authorization") for call in secure.requests} == {f"Bearer {TOKEN}"}
