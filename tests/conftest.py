"""What holds for every test."""

from __future__ import annotations

import signal

# Who starts the tests in the background has them ignore Ctrl-C, and the programs they start inherit
# that; a user's programs do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
