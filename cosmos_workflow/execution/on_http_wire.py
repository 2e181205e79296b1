"""The wire to a service: how it is reached, what can break on it, and answers that never end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    HostUnreachable,
    TransferError,
)
from cosmos_workflow.execution.on_http_words import one_line, plain

if TYPE_CHECKING:
    import ssl

    import httpx

_HERE = ("all://localhost", "all://127.0.0.1", "all://[::1]")
"""Our own machine, and tunnels that begin on it: no proxy of the environment leads there."""


_NO_NAME = ("Name or service not known", "name resolution", "nodename nor servname", "No address")
"""What systems say of a name that leads nowhere."""


class LostAnswer(HostUnreachable):
    """The request went out and no answer came: whether the service took it is not known."""


@dataclass(frozen=True)
class Address:
    """Where a service is and how it is reached.

    ``url``: its root, ``https://api.example.com/v1``.  ``ca_file``: PEM of further authorities.
    ``proxy``: empty for what the environment says.  ``connect``, ``silence``: seconds to a
    connection, and without a byte on one.
    """

    name: str
    url: str
    ca_file: str = ""
    proxy: str = ""
    connect: float = 10.0
    silence: float = 60.0


@dataclass
class Watch:
    """One exchange.  ``sent``: the whole request is out.  ``late``: it was ended, for its answer
    had not come ``seconds`` after that: a server may let a byte drip now and then, for ever."""

    seconds: float
    sent: bool = False
    late: bool = False
    _tunnel: bool = False
    _socket: socket.socket | None = None
    _timer: threading.Timer | None = field(default=None, repr=False)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What the library does; each exchange has a connection of its own."""
        match event.rpartition(".")[0].rpartition(".")[2], event.rpartition(".")[2]:
            case ("connect_tcp" | "start_tls", "complete"):
                self._socket = info["return_value"].get_extra_info("socket")
            case ("send_request_headers", "started"):
                self._tunnel, self.sent = info["request"].method == b"CONNECT", False
            case ("send_request_body", "complete"):
                self.sent = not self._tunnel
            case ("receive_response_headers", "started"):
                self.stop()
                self._timer = threading.Timer(self.seconds, self._cut)
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        """The answer is here, as far as it is watched."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        self.late = True
        if self._socket is not None:
            with suppress(OSError):
                # not through the TLS layer, which another thread is reading from
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def trusted(address: Address) -> ssl.SSLContext:
    """The authorities of this machine, and those of ``ca_file``.  Raises ConfigError."""
    import ssl

    context = ssl.create_default_context()
    if address.ca_file:
        try:
            context.load_verify_locations(Path(address.ca_file).expanduser())
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"ca_file of {address.name} cannot be read: {one_line(error)}",
                hint=f"{address.ca_file} has to be a PEM file of certificate authorities",
            ) from error
    return context


def opened(address: Address, *, direct: bool, secure: bool) -> httpx.Client:
    """The library, set up.  ``direct``: by a tunnel of ours, where no proxy can be in between.
    ``secure``: for https; else it trusts nobody, which takes no time.

    No connection is kept for the next call: one that the server closes just then would leave us
    not knowing whether the call arrived.
    """
    import ssl

    import httpx

    context = trusted(address) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.Client(
            verify=context,
            proxy=None if direct else address.proxy or None,
            mounts=None if address.proxy else dict.fromkeys(_HERE),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"User-Agent": "cosmos-workflow", "Accept": "*/*"},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"the proxy on the way to {address.name} cannot be used: {one_line(error)}",
            hint="proxy (or HTTPS_PROXY) is like http://proxy.example.com:3128",
        ) from error


@contextmanager
def faults(
    address: Address, host: str, watch: Watch, clean: Callable[[str], str]
) -> Iterator[None]:
    """The library's errors as ours: the one place where they are translated."""
    import httpx

    name = address.name
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _unreached(address, host, error) from error
    except httpx.ProxyError as error:
        said = clean(one_line(error))
        raise HostUnreachable(f"the proxy on the way to {name} says: {said}") from error
    except httpx.DecodingError as error:
        raise TransferError(f"{name} sent what cannot be unpacked: {one_line(error)}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise ConfigError(
            f"the url of {name} is not one: {clean(one_line(error))}",
            hint="like http://localhost:8000",
        ) from error
    except httpx.LocalProtocolError as error:
        raise ConfigError(f"{name} cannot be asked so: {clean(one_line(error))}") from error
    except httpx.HTTPError as error:
        raise _unanswered(name, watch, clean(one_line(error)), error) from error


def _proxy(address: Address, host: str) -> str:
    """The proxy that calls go through, without its password; empty for none."""
    from urllib.request import getproxies, proxy_bypass

    if address.proxy:
        return plain(address.proxy)
    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return ""
    told = getproxies()
    found = told.get(urlsplit(address.url).scheme) or told.get("all")
    return plain(found) if found else ""


def _unreached(address: Address, host: str, error: Exception) -> Exception:
    name, said = address.name, one_line(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return AuthenticationFailed(
            f"{name} ({host}) shows a certificate that nobody vouches for: {said}",
            hint=f"is it your own authority's? name its file: ca_file, below [services.{name}]",
        )
    if "WRONG_VERSION_NUMBER" in said or "record layer" in said.lower():
        return AuthenticationFailed(
            f"{name} ({host}) does not speak https there",
            hint=f'url = "http://...", below [services.{name}], if the network is your own',
        )
    if "handshake" in said.lower():
        return HostUnreachable(
            f"{name} ({host}) does not answer in TLS: {said}",
            hint="does it speak https there? else url begins with http://",
        )
    if proxy := _proxy(address, host):
        return HostUnreachable(
            f"no connection to {name} ({host}) through the proxy {proxy}: {said}",
            hint="is the proxy up, and is it the right one? proxy of the service, HTTPS_PROXY and "
            "NO_PROXY say which",
        )
    if any(words in said for words in _NO_NAME):
        return HostUnreachable(
            f"no connection to {name} ({host}): {said}",
            hint="is this machine on the network, and is the name right? cosmos targets shows the "
            f"url of {name}",
        )
    return HostUnreachable(
        f"no connection to {name} ({host}): {said}",
        hint=f"does it run, and is its url right? cosmos targets shows the url of {name}",
    )


def _unanswered(name: str, watch: Watch, said: str, error: Exception) -> HostUnreachable:
    import httpx

    if watch.late:
        return LostAnswer(f"{name} did not finish its answer within {watch.seconds:.0f} s")
    if not watch.sent:
        # Its length was told before, so that the service knows that it did not get all of it.
        return HostUnreachable(f"{name} hung up before the request was sent whole: {said}")
    if isinstance(error, httpx.TimeoutException):
        return LostAnswer(f"{name} did not answer in time: {said}")
    if isinstance(error, httpx.RemoteProtocolError) and not said.startswith(
        ("Server disconnected", "peer closed")
    ):
        return LostAnswer(f"{name} answers with what is no HTTP: {said}")
    if said.startswith("peer closed"):
        return LostAnswer(f"the answer of {name} ended in the middle: {said}")
    return LostAnswer(f"{name} did not answer: {said}")
