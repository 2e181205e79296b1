"""The one tree of errors: what went wrong, what to do next, which exit code, and whether to retry.

    CosmosError 1
     +- ConfigError 2              a setting is wrong: file or variable, key, allowed values
     +- SpecError 3                a PromptSpec or RunSpec is wrong, missing or ambiguous
     +- HostError 4                a machine did not do what it was asked
     |   +- HostUnreachable *      no connection, or it went away
     |   +- AuthenticationFailed   the key, the passphrase or the host's own key
     |   +- CommandFailed          a command exited non-zero
     +- TransferError 5            bytes did not arrive as they left
     |   +- TransferInterrupted *  the link went away on the way: a repeat goes on where it stopped
     +- JobError 6
     |   +- SubmissionRejected     the target would not start the job
     |   +- JobFailed              the job ran and did not succeed
     |   +- JobBlocked             a guardrail refused the prompt or the result
     |   +- JobCancelled           somebody cancelled it
     |   +- JobLost *              the target no longer knows the job
     +- MediaError 7               a picture or a video is missing, broken or of the wrong kind
     +- MissingExtra 8             an optional part is not installed

``*`` marks the transient ones: trying again may help, and nothing was done twice.
Ctrl-C exits with 130.  The command line prints message and hint; a traceback never reaches a user.
"""

from __future__ import annotations

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class CosmosError(Exception):
    """Something a person can act on: a message (what), a hint (what next), an exit code."""

    exit_code = 1
    transient = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(CosmosError):
    """A setting is wrong: the message names file or variable, key and allowed values."""

    exit_code = 2


class SpecError(CosmosError):
    """A PromptSpec or RunSpec is wrong, missing or ambiguous."""

    exit_code = 3


class HostError(CosmosError):
    """A machine did not do what it was asked."""

    exit_code = 4


class HostUnreachable(HostError):
    """No connection to the machine, or it went away."""

    transient = True


class AuthenticationFailed(HostError):
    """The machine refused us, or is not the machine we know."""


class CommandFailed(HostError):
    """A command on a machine exited non-zero."""

    def __init__(
        self, message: str, *, exit_code_of_command: int, stderr: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code_of_command = exit_code_of_command
        self.stderr = stderr


class TransferError(CosmosError):
    """Bytes did not arrive as they left."""

    exit_code = 5


class TransferInterrupted(TransferError):
    """The link went away on the way; a repeat goes on where it stopped."""

    transient = True


class JobError(CosmosError):
    """A job could not be started, or did not succeed."""

    exit_code = 6


class SubmissionRejected(JobError):
    """The target would not start the job."""


class JobFailed(JobError):
    """The job ran and did not succeed."""


class JobBlocked(JobError):
    """A guardrail refused the prompt or the result; repeating it unchanged will not help."""


class JobCancelled(JobError):
    """Somebody cancelled the job."""


class JobLost(JobError):
    """The target no longer knows the job."""

    transient = True


class MediaError(CosmosError):
    """A picture or a video is missing, broken or of the wrong kind."""

    exit_code = 7


class MissingExtra(CosmosError):
    """An optional part is not installed."""

    exit_code = 8


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """``"did you mean 'depth'? "`` when a known word is close, else an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'? " if close else ""
