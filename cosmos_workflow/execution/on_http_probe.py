"""What a service says of itself, and answers in a shape that nobody promised."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from cosmos_workflow.errors import HostError, HostUnreachable
from cosmos_workflow.execution.dialect import Answer, Call
from cosmos_workflow.execution.facts import ServiceFacts
from cosmos_workflow.execution.on_http_client import Client, plain


class Probing(Protocol):
    """A dialect, as far as it is needed here."""

    def probe(self) -> Sequence[Call]:
        """Calls that say how the service is."""

    def service(self, answers: Sequence[Answer | None]) -> ServiceFacts:
        """What their answers say."""


def probed(client: Client, dialect: Probing, token: str = "") -> ServiceFacts:
    """What the service says of itself; asked once, since a person waits for it.

    ``token``: the variable that may hold one.

    Raises HostUnreachable when it does not answer at all, AuthenticationFailed, and HostError
    when what answers is a web page.
    """
    calls, answers = dialect.probe(), list[Answer | None]()
    for call in calls:
        try:
            answers.append(_no_page(client, client.ask("probe", call, hasty=True)))
        except HostUnreachable:
            if not answers:
                raise
            answers.append(None)
    with understood(client.address.name, "probe"):
        told = dialect.service(answers)
    return replace(told, token=token if os.environ.get(token) else "")


def _no_page(client: Client, answer: Answer) -> Answer:
    media = answer.headers.get("content-type", "").lower()
    if answer.ok and answer.body is None and media.startswith("text/html"):
        name = client.address.name
        raise HostError(
            f"{name} ({plain(client.address.url)}) answers with a web page, not as a service does",
            hint="is its url right (cosmos targets)? or something in between wants a login",
        )
    return answer


@contextmanager
def understood(name: str, what: str) -> Iterator[None]:
    """An answer of another shape than its service promised is an error that says so."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise HostError(
            f"{name} answers in a way that is not understood ({what}): "
            f"{type(error).__name__}: {error}",
            hint="is it the service, and the version of it, that its dialect is for?",
        ) from error
