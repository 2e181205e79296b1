"""Luma's Dream Machine: a service that its ways as data say all of."""

from __future__ import annotations

from typing import ClassVar

from cosmos_workflow.execution.dialects.http_job import HttpJob, Ways


class Luma(HttpJob):
    """``POST /generations/video``, look, fetch what ``assets.video`` names.

    It cannot end what it began: deleting a generation only hides it.
    """

    name: ClassVar[str] = "luma"
    token: ClassVar[str] = "LUMAAI_API_KEY"
    url: ClassVar[str] = "https://api.lumalabs.ai/dream-machine/v1"
    WAYS: ClassVar[Ways] = Ways(
        create="/generations/video",
        look="/generations/{id}",
        phases={
            "queued": "queued",
            "dreaming": "running",
            "completed": "succeeded",
            "failed": "failed",
        },
        status="state",
        output="assets.video",
        error="failure_reason",
        kept=("model", "created_at"),
        probe="/credits",
    )
