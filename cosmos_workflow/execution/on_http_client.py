"""Calls to one service: time-outs, harmless repeats, streams, and nothing secret said."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    HostError,
    HostUnreachable,
    TransferError,
)
from cosmos_workflow.events import Exchanged
from cosmos_workflow.execution.dialect import Answer, Call
from cosmos_workflow.execution.on_http_body import Body

if TYPE_CHECKING:
    import httpx

LARGEST = 8 * 2**20
"""Bytes of an answer that is no download; more is refused, also when it is packed small."""

PAUSES = (0.5, 1.0, 2.0, 4.0)
_BUSY = (429, 502, 503, 504)
_LONGEST_WAIT = 120.0


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
class Client:
    """One service.  ``headers`` is asked before each call, so that a token is held nowhere.

    ``tell`` gets what is worth keeping of each call.  ``reach``: where the address is one as seen
    from another machine, from a port there to a port here that leads to it.
    """

    address: Address
    headers: Callable[[], Mapping[str, str]] = dict
    tell: Callable[[Exchanged], None] = lambda event: None
    reach: Callable[[int], int] | None = None
    _http: httpx.Client | None = field(default=None, repr=False)
    _said: set[str] = field(default_factory=set, repr=False)

    def ask(self, operation: str, call: Call, body: Body | None = None) -> Answer:
        """Make a call and read its answer, whatever its status.

        A call that may be repeated is, after a fault of the line or a busy answer.  One that may
        not is repeated only when it surely did not arrive, or was refused for being one too many.
        Raises HostUnreachable, LostAnswer, AuthenticationFailed, HostError.
        """
        for attempt, pause in enumerate((*PAUSES, None), start=1):
            began = time.monotonic()
            try:
                answer = self._once(call, body)
            except HostUnreachable as error:
                again = pause is not None and (call.repeat or not isinstance(error, LostAnswer))
                self._note(operation, call, attempt, began, 0, again, error.message)
                if not again:
                    raise
            else:
                refused = answer.status == 429 or (call.repeat and answer.status in _BUSY)
                again = pause is not None and refused
                self._note(operation, call, attempt, began, answer.status, again, "")
                if not again:
                    return self._allowed(answer)
                asked = _asked_to_wait(answer)
                if pause is not None and asked >= pause:
                    pause = asked / 0.8  # never sooner than the service asks for
            assert pause is not None
            time.sleep(pause * random.uniform(0.8, 1.2))
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(
        self, call: Call, body: Body | None = None, *, more: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """The answer before its body was read, with faults as our own errors.

        A redirect is followed for GET only.  Another host, be it named by the service or led to,
        never gets our headers.
        """
        url = self._url(call.path)
        ours = _origin(url) == _origin(self._root())
        for _ in range(6):
            headers = {**call.headers, **(more or {}), **(self.headers() if ours else {})}
            request = self._client().build_request(
                call.method,
                url,
                headers={**headers, **(body.headers() if body else {})},
                content=body.pieces() if body else None,
                timeout=self._timeout(call),
            )
            with self._faults(request.url.host):
                response = self._client().send(request, stream=True)
            try:
                if response.next_request is None or call.method != "GET":
                    with self._faults(request.url.host):
                        yield response
                    return
                following = response.next_request.url
            finally:
                response.close()
            ours = ours and _origin(str(following)) == _origin(url)
            if request.url.scheme == "https" and following.scheme != "https":
                raise HostError(f"{self.address.name} sends us from https to {following.scheme}")
            url = str(following)
        raise HostError(f"{self.address.name} sends us in circles: {plain(url)}")

    def close(self) -> None:
        """Let go of connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    # -- one call ------------------------------------------------------------------------------

    def _once(self, call: Call, body: Body | None) -> Answer:
        with self.stream(call, body) as response:
            data = bytearray()
            for piece in response.iter_bytes(65536):
                data += piece
                if len(data) > LARGEST:
                    raise HostError(
                        f"{self.address.name} answers with more than {LARGEST >> 20} MiB where a "
                        "short text is due",
                        hint=f"is {plain(self.address.url)} the right address?",
                    )
            headers = {key.lower(): value for key, value in response.headers.items()}
            return read_answer(response.status_code, headers, bytes(data))

    def _allowed(self, answer: Answer) -> Answer:
        if answer.status in (401, 403):
            raise AuthenticationFailed(
                f"{self.address.name} refuses us (HTTP {answer.status}): {answer.reason()}",
                hint="is the token set, of this service, and not expired? cosmos doctor",
            )
        if answer.status == 402:
            raise AuthenticationFailed(
                f"{self.address.name} wants to be paid first: {answer.reason()}",
                hint="see the account's billing page; nothing was started",
            )
        return answer

    def _note(
        self, operation: str, call: Call, attempt: int, began: float, status: int, again: bool,
        reason: str,
    ) -> None:  # fmt: skip
        fine = 200 <= status < 300
        if fine and attempt == 1 and operation in self._said:
            return
        self._said.add(operation)
        phase = "repeated" if again else "answered" if status else "failed"
        took = round(time.monotonic() - began, 3)
        self.tell(
            Exchanged(operation, phase, status, attempt, plain(self._url(call.path)), took, reason)  # type: ignore[arg-type]
        )

    # -- the connection ------------------------------------------------------------------------

    def _client(self) -> httpx.Client:
        if self._http is None:
            import ssl

            import httpx

            context = ssl.create_default_context()
            if self.address.ca_file:
                try:
                    context.load_verify_locations(Path(self.address.ca_file).expanduser())
                except (OSError, ssl.SSLError) as error:
                    raise ConfigError(
                        f"ca_file of {self.address.name} cannot be read: {error}",
                        hint="it is a PEM file of certificate authorities",
                    ) from error
            self._http = httpx.Client(
                verify=context,
                proxy=self.address.proxy or None,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
                headers={"User-Agent": "cosmos-workflow", "Accept": "*/*"},
            )
        return self._http

    def _timeout(self, call: Call) -> httpx.Timeout:
        import httpx

        silence = call.seconds or self.address.silence
        return httpx.Timeout(silence, connect=self.address.connect, pool=silence)

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        return f"{self._root().rstrip('/')}/{path.lstrip('/')}"

    def _root(self) -> str:
        if self.reach is None:
            return self.address.url
        parts = urlsplit(self.address.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return parts._replace(netloc=f"127.0.0.1:{self.reach(port)}").geturl()

    @contextmanager
    def _faults(self, host: str) -> Iterator[None]:
        """httpx's errors as ours: the one place where they are translated."""
        import httpx

        name = self.address.name
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise HostUnreachable(
                f"no connection to {name} ({host}): {_short(error)}",
                hint="does the service run, and is its url right? cosmos status --target NAME",
            ) from error
        except httpx.ProxyError as error:
            raise HostUnreachable(f"the proxy on the way to {name}: {_short(error)}") from error
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise LostAnswer(f"{name} did not answer: {_short(error)}") from error
        except httpx.DecodingError as error:
            raise TransferError(f"{name} sent what cannot be unpacked: {_short(error)}") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ConfigError(
                f"the url of {name} is not one: {_short(error)}", hint="like http://localhost:8000"
            ) from error


def read_answer(status: int, headers: Mapping[str, str], data: bytes) -> Answer:
    text = data.decode("utf-8", "replace")
    try:
        body: Any = json.loads(text) if text.strip() else None
    except ValueError:
        return Answer(status, headers, None, text[:4000])
    return Answer(status, headers, body, text[:4000])


def _asked_to_wait(answer: Answer) -> float:
    """Seconds the service asks us to wait: ``Retry-After``, or "resets in ~30s" in its words."""
    import re

    said = answer.headers.get("retry-after", "")
    found = re.search(r"resets? in ~?(\d+(?:\.\d+)?)\s*s", answer.text)
    seconds = float(said) if said.replace(".", "", 1).isdigit() else float(found[1]) if found else 0
    return min(seconds, _LONGEST_WAIT)


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: who may see what one service was told."""
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname or "", parts.port or usual


def plain(url: str) -> str:
    """An address without user, query and fragment: they may hold a token."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
