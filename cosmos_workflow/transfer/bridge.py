"""What rsync starts instead of ssh: hands rsync's pipes to the process that holds the connection.

It copies nothing.  The two file descriptors go over an inherited socket, rsync's bytes are then
moved by the other side itself, and the one byte that comes back is the exit code.  It runs as
``python -I -S bridge.py FD there rsync --server ...`` and imports only what is compiled in, for it
is started anew by every rsync.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Pass stdin, stdout and the arguments on, let go of both, and wait for the end."""
    import _socket
    import posix

    link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, int(sys.argv[1]))
    words = b"\0".join(word.encode("utf-8", "surrogateescape") for word in sys.argv[4:])
    pipes = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pipes)]
    link.sendmsg([len(words).to_bytes(4, "big") + words], rights)
    # rsync sees an end of file only when nobody holds the pipes any more.
    nothing = posix.open("/dev/null", posix.O_RDWR)
    posix.dup2(nothing, 0)
    posix.dup2(nothing, 1)
    code = link.recv(1)
    posix._exit(code[0] if code else 255)


if __name__ == "__main__":
    main()
