"""The server of a service that runs on a machine of ours: the job that it is, and whether it is."""

from __future__ import annotations

import hashlib

from cosmos_workflow.errors import HostUnreachable
from cosmos_workflow.execution.on_host import OnHost


def job_of(service: str, root: str) -> str:
    """The job's name, which is a lock for all who share the folder ``root`` on the machine."""
    return f"serve-{service}-{hashlib.sha256(root.encode()).hexdigest()[:6]}"


def found(machine: OnHost | None, service: str) -> str:
    """The job that the service is at this moment; empty where it is none that we started."""
    if machine is None:
        return ""
    job = job_of(service, machine.root)
    return job if machine.runs(job) else ""


def is_gone(machine: OnHost | None, job: str) -> bool:
    """Whether that job surely runs no more: a machine that does not answer has said nothing."""
    if machine is None or not job:
        return False
    try:
        return not machine.runs(job)
    except HostUnreachable:
        return False
