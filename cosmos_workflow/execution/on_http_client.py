"""Calls to one service: time-outs, harmless repeats, streams, and nothing secret said."""

from __future__ import annotations

import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from cosmos_workflow.errors import (
    AuthenticationFailed,
    ConfigError,
    CosmosError,
    HostError,
    HostUnreachable,
)
from cosmos_workflow.events import Exchanged
from cosmos_workflow.execution.dialect import Answer, Call
from cosmos_workflow.execution.on_http_body import Body
from cosmos_workflow.execution.on_http_wire import Address, LostAnswer, Watch, faults, opened
from cosmos_workflow.execution.on_http_words import asked_to_wait, masked, plain, read_answer

if TYPE_CHECKING:
    import httpx

__all__ = ["LARGEST", "PAUSES", "Address", "Client", "LostAnswer", "Phase", "plain", "read_answer"]

LARGEST = 8 * 2**20
"""Bytes of an answer that is no download; more is refused, also when it is packed small."""

PAUSES = (0.5, 1.0, 2.0, 4.0)
_BUSY = (429, 502, 503, 504)
_UNSURE = (408, 502, 504, 520, 522, 524)
"""What a gateway answers whose service did not: that may be at work on the request."""

_REDIRECTS = 5
_SECRET = re.compile("auth|token|key|cookie", re.IGNORECASE)

Phase = Literal["asked", "answered", "repeated", "failed", "lost"]


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
    _http: dict[bool, httpx.Client] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _said: set[str] = field(default_factory=set, repr=False)

    def ask(
        self, operation: str, call: Call, body: Body | None = None, *, hasty: bool = False
    ) -> Answer:
        """Make a call and read its answer, whatever its status.

        A call that may be repeated is, after a fault of the line or a busy answer, unless we are
        ``hasty``.  One that may not is repeated only when it surely did not arrive, or was refused
        for being one too many.
        Raises HostUnreachable, LostAnswer, AuthenticationFailed, HostError.
        """
        started = time.monotonic()
        for attempt, pause in enumerate((*PAUSES, None), start=1):
            began, last = time.monotonic(), pause is None or hasty
            try:
                answer = self._once(call, body)
            except HostUnreachable as error:
                lost = isinstance(error, LostAnswer) and not call.repeat
                spent = time.monotonic() - started > self.address.silence
                again = not (last or lost or spent)
                phase: Phase = "repeated" if again else "lost" if lost else "failed"
                self.note(operation, call, phase, 0, attempt, began, error.message)
                if not again:
                    raise
                wait = pause or 0.0
            except CosmosError as error:
                unread = type(error) is HostError and not call.repeat
                phase = "lost" if unread else "failed"
                self.note(operation, call, phase, 0, attempt, began, error.message)
                if unread:  # what it answered to may have been done
                    raise LostAnswer(error.message, hint=error.hint) from error
                raise
            else:
                refused = answer.status == 429 or (call.repeat and answer.status in _BUSY)
                again = refused and not last
                unsure = answer.status in _UNSURE and not call.repeat
                phase = "repeated" if again else "lost" if unsure else "answered"
                said = "" if answer.ok else answer.reason()
                self.note(operation, call, phase, answer.status, attempt, began, said)
                if unsure:
                    raise LostAnswer(f"{self.address.name} did not answer, its gateway did: {said}")
                if not again:
                    return self._allowed(answer)
                # never sooner than the service asks for
                wait = max(pause or 0.0, asked_to_wait(answer.headers, answer.text) / 0.8)
            time.sleep(wait * random.uniform(0.8, 1.2))
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(
        self,
        call: Call,
        body: Body | None = None,
        *,
        more: Mapping[str, str] | None = None,
        brief: bool = False,
    ) -> Iterator[httpx.Response]:
        """The answer before its body was read, with faults as our own errors.

        A redirect is followed for GET only.  Another host, be it named by the service or led to,
        never gets our headers, and https never becomes http.  ``brief``: the whole answer has to
        be there within twice the silence that is allowed, not only its head.
        """
        url = self._whole(call.path)
        for _ in range(_REDIRECTS + 1):
            watch = Watch(2 * (call.seconds or self.address.silence))
            ours = call.ours or self._is_ours(url)
            clean = self.masked
            host = urlsplit(url).hostname or url
            try:
                with faults(self.address, host, watch, clean):
                    response = self._sent(call, body, url, watch, self._headers(call, more, ours))
            except BaseException:
                watch.stop()
                raise
            try:
                if not brief:
                    watch.stop()
                following = response.headers.get("location", "")
                if call.method != "GET" or not (response.is_redirect and following):
                    _check_packing(self.address.name, response)
                    with faults(self.address, host, watch, clean):
                        yield response
                    return
            finally:
                watch.stop()
                response.close()
            url = self._led(url, following)
        raise HostError(f"{self.address.name} sends us in circles: {plain(url)}")

    def note(
        self, operation: str, call: Call, phase: Phase, status: int, attempt: int, began: float,
        reason: str = "",
    ) -> None:  # fmt: skip
        """Tell of a call, unless it is one more of its kind that went well."""
        fine = 200 <= status < 300 and phase == "answered"
        if fine and attempt == 1 and operation in self._said:
            return
        self._said.add(operation)
        took = round(time.monotonic() - began, 3)
        target = plain(self._whole(call.path))
        self.tell(Exchanged(operation, phase, status, attempt, target, took, self.masked(reason)))

    def masked(self, text: str) -> str:
        """``text`` without our secrets."""
        return masked(text, self._secrets())

    def _secrets(self) -> Sequence[str]:
        """What must not be told again, should the service say it."""
        try:
            headers = self.headers()
        except ConfigError:
            return ()  # there is no token
        return [value.split()[-1] for name, value in headers.items()
                if value.strip() and _SECRET.search(name)]  # fmt: skip

    def is_ours(self, call: Call) -> bool:
        """Whether the call goes to the service itself, not to a store of somebody else."""
        return call.ours or self._is_ours(self._whole(call.path))

    def close(self) -> None:
        """Let go of connections."""
        while self._http:
            self._http.popitem()[1].close()

    # -- one call ------------------------------------------------------------------------------

    def _once(self, call: Call, body: Body | None) -> Answer:
        with self.stream(call, body, more={"Accept-Encoding": "gzip"}, brief=True) as response:
            told = response.headers.get("content-length", "")
            if told.isdigit() and int(told) > LARGEST:
                raise self._too_large()
            data = bytearray()
            for piece in response.iter_raw():
                data += piece
                if len(data) > LARGEST:
                    raise self._too_large()
            headers = {key.lower(): value for key, value in response.headers.items()}
        whole = self._unpacked(bytes(data), headers.get("content-encoding", ""))
        return read_answer(response.status_code, headers, whole, self._secrets())

    def _unpacked(self, data: bytes, packing: str) -> bytes:
        if packing.lower() not in ("gzip", "x-gzip"):
            return data
        unpack = zlib.decompressobj(31)
        try:
            whole = unpack.decompress(data, LARGEST + 1)
        except zlib.error as error:
            raise HostError(f"{self.address.name} sent what cannot be unpacked: {error}") from error
        if len(whole) > LARGEST:
            raise self._too_large()
        return whole

    def _too_large(self) -> HostError:
        return HostError(
            f"{self.address.name} answers with more than {LARGEST >> 20} MiB where a short text "
            "is due",
            hint=f"is {plain(self.address.url)} the right address?",
        )

    def _allowed(self, answer: Answer) -> Answer:
        if answer.status in (401, 403):
            raise AuthenticationFailed(
                f"{self.address.name} refuses us (HTTP {answer.status}): {answer.reason()}",
                hint="is the token set, of this service, and not expired? cosmos doctor "
                f"--target {self.address.name}",
            )
        if answer.status == 402:
            raise AuthenticationFailed(
                f"{self.address.name} wants to be paid first: {answer.reason()}",
                hint="see the account's billing page",
            )
        return answer

    def _sent(
        self, call: Call, body: Body | None, url: str, watch: Watch, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The head of the answer to one request."""
        import httpx

        http = self._opened(secure=_scheme(url) == "https")
        silence = call.seconds or self.address.silence
        to, name = self._reached(url)
        request = http.build_request(
            call.method,
            to,
            headers={
                **headers,
                **(body.headers() if body else {}),
                **({"Host": name} if name else {}),
            },
            content=body.pieces() if body else None,
            timeout=httpx.Timeout(silence, connect=self.address.connect, pool=silence),
            extensions={"trace": watch.trace, **_named(name)},
        )
        try:
            return http.send(request, stream=True)
        finally:
            http.cookies.clear()

    def _opened(self, *, secure: bool) -> httpx.Client:
        with self._lock:
            if secure not in self._http:
                direct = self.reach is not None
                self._http[secure] = opened(self.address, direct=direct, secure=secure)
            return self._http[secure]

    def _headers(self, call: Call, more: Mapping[str, str] | None, ours: bool) -> Mapping[str, str]:
        if not ours:
            return dict(more or {})
        headers = {**call.headers, **(more or {}), **self.headers()}
        for name, value in headers.items():
            if not value.isascii() or not value.isprintable():
                # The library would name the value in its own error.
                raise ConfigError(
                    f"the {name} for {self.address.name} has characters that no header may have",
                    hint="is there a line break in the token's variable?",
                )
        return headers

    # -- addresses -----------------------------------------------------------------------------

    def _whole(self, path: str) -> str:
        """The address of a call, as the service's own machine would write it."""
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
            return f"{self.address.url.rstrip('/')}/{path.lstrip('/')}"
        if not path.lower().startswith(("http://", "https://")):
            raise HostError(f"{self.address.name} names an address of another kind: {plain(path)}")
        if _scheme(self.address.url) == "https" and _scheme(path) == "http":
            raise HostError(
                f"{self.address.name} names an address without https: {plain(path)}",
                hint="what came from there could be anybody's; nothing was fetched",
            )
        return path

    def _is_ours(self, url: str) -> bool:
        return _origin(url) == _origin(self.address.url)

    def _led(self, url: str, location: str) -> str:
        """Where a redirect leads.  Raises HostError where it is no way to go."""
        following = urljoin(url, location)
        if _scheme(following) not in ("http", "https") or not urlsplit(following).hostname:
            raise HostError(f"{self.address.name} sends us to {plain(following)}")
        if _scheme(url) == "https" and _scheme(following) == "http":
            raise HostError(f"{self.address.name} sends us from https to http")
        return following

    def _reached(self, url: str) -> tuple[str, str]:
        """The same address by way of our tunnel, and its name there; where there is one."""
        if self.reach is None or not self._is_ours(url):
            return url, ""
        parts = urlsplit(url)
        port = self.reach(_origin(url)[2])
        return parts._replace(netloc=f"127.0.0.1:{port}").geturl(), parts.netloc


def _named(netloc: str) -> dict[str, str]:
    """The name that the certificate of a service behind a tunnel has to have."""
    name = urlsplit(f"//{netloc}").hostname
    return {"sni_hostname": name} if name else {}


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: who may see what one service was told."""
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname or "", parts.port or usual


def _scheme(url: str) -> str:
    return urlsplit(url).scheme


def _check_packing(name: str, response: httpx.Response) -> None:
    """Refuse what is packed more than once: a few bytes of that can be any number of bytes."""
    packing = response.headers.get("content-encoding", "").lower()
    if packing not in ("", "identity", "gzip", "x-gzip"):
        raise HostError(f"{name} packs its answer in a way that was not asked for: {packing[:40]}")
