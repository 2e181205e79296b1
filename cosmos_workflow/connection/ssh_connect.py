"""Making one SSH connection: the socket or the jumps, the handshake, the host's key, ours."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cosmos_workflow.connection.ssh_config import Hop
from cosmos_workflow.connection.ssh_errors import translated
from cosmos_workflow.connection.ssh_keys import Ask, candidates
from cosmos_workflow.connection.ssh_known_hosts import check, known_keys
from cosmos_workflow.errors import AuthenticationFailed

if TYPE_CHECKING:
    from paramiko.transport import Transport

WINDOW = 16 * 1024 * 1024
"""Bytes in flight towards us on one channel: 100 ms round trip at 160 MB/s."""

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""First choice: they encrypt and authenticate in one pass, half the time of CTR and HMAC."""


def connect(hops: Sequence[Hop], ask: Ask | None) -> list[Transport]:
    """Connect through every hop; the last transport is the wanted machine's.

    Raises HostUnreachable, AuthenticationFailed, or HostError.  Close them last to first.
    """
    # The library logs every refusal with a traceback; ours is the error that is raised.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    opened: list[Transport] = []
    try:
        for hop in hops:
            with translated(hop.shown):
                opened.append(_login(_socket(hop, opened), hop, ask))
    except BaseException:
        for transport in reversed(opened):
            transport.close()
        raise
    return opened


def _socket(hop: Hop, before: list[Transport]) -> Any:
    """What the SSH protocol is spoken over: TCP, a program, or a channel of the hop before."""
    if before:
        return before[-1].open_channel(
            "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=hop.timeout
        )
    if hop.proxy_command:
        return _proxy(hop.proxy_command)
    plain = socket.create_connection((hop.host, hop.port), timeout=hop.timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def _proxy(command: str) -> Any:
    """A socket whose other end is the user's ProxyCommand, run by a shell as ssh runs it."""
    if os.name != "posix":
        from paramiko.proxy import ProxyCommand

        return ProxyCommand(command)
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return ours


def _login(sock: Any, hop: Hop, ask: Ask | None) -> Transport:
    transport = _quick_transport()(sock, default_window_size=WINDOW)
    try:
        transport.banner_timeout = transport.handshake_timeout = hop.timeout
        transport.auth_timeout = hop.timeout
        host, port = hop.known_as
        options = transport.get_security_options()
        options.ciphers = (*CIPHERS, *(each for each in options.ciphers if each not in CIPHERS))
        options.key_types = _host_key_order(hop, options.key_types)
        transport.start_client(timeout=hop.timeout)
        key = transport.get_remote_server_key()
        check(host, port, hop.known_hosts, key.get_name(), key.asbytes())
        _authenticate(transport, hop, ask)
    except BaseException:
        transport.close()
        sock.close()
        raise
    return transport


def _host_key_order(hop: Hop, offered: Sequence[str]) -> tuple[str, ...]:
    """Ask for a kind of host key that we can check, as ssh does, before any other."""
    known = {key.kind for key in known_keys(*hop.known_as, hop.known_hosts) if not key.revoked}
    if "ssh-rsa" in known:
        known |= {"rsa-sha2-512", "rsa-sha2-256"}
    return tuple(sorted(offered, key=lambda kind: kind not in known))


def _authenticate(transport: Transport, hop: Hop, ask: Ask | None) -> None:
    from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

    offered = 0
    for key in candidates(hop, ask):
        offered += 1
        try:
            rest = transport.auth_publickey(hop.user, key)
        except BadAuthenticationType:
            raise
        except AuthenticationException:
            if not transport.is_active():
                raise
            continue
        if rest:
            raise AuthenticationFailed(
                f"{hop.shown} took the key and wants more: {', '.join(rest)}.",
                hint="Use an account for which the key alone is enough.",
            )
        return
    said = f"refused {offered} key(s)" if offered else "cannot let us in: there is no key to offer"
    raise AuthenticationFailed(
        f"{hop.shown} {said}.",
        hint=(
            "Set ssh_key to the private key whose public half is in the host's authorized_keys, "
            f"or put it there: ssh-copy-id -p {hop.port} {hop.user}@{hop.host}"
        ),
    )


def _quick_transport() -> type[Transport]:
    """A transport that asks for the login service and logs in with one round trip.

    The library waits for the service to be granted before it sends the key; the protocol lets a
    client send both at once, and a server answers them in order.
    """
    from paramiko.auth_handler import AuthHandler
    from paramiko.message import Message
    from paramiko.transport import Transport

    class OneTrip(AuthHandler):  # type: ignore[misc]
        def _request_auth(self) -> None:
            super()._request_auth()
            granted = Message()
            granted.add_string("ssh-userauth")
            granted.rewind()
            super()._parse_service_accept(granted)

        def _parse_service_accept(self, message: Message) -> None:
            """The grant itself says nothing new: the key is on its way."""

    class QuickTransport(Transport):  # type: ignore[misc]
        def auth_publickey(self, username: str, key: Any, event: Any = None) -> list[str]:
            mine = threading.Event()
            self.auth_handler = OneTrip(self)
            self.auth_handler.auth_publickey(username, key, mine)
            return list(self.auth_handler.wait_for_response(mine))

    return QuickTransport
