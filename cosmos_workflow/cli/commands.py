"""Every command: its name, where its function is, and its line in ``cosmos --help``.

A table of strings, so that ``cosmos --help`` imports none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """``where`` is "module:function" below ``cosmos_workflow.cli``; the function is typer's."""

    where: str
    help: str


SECTIONS: dict[str, dict[str, Command]] = {
    "Start": {
        "init": Command("init:init", "Write a commented config.toml and the folders."),
        "doctor": Command("status:doctor", "Check everything a run needs, with the fix for each."),
        "houdini": Command("houdini:houdini", "Install the shelf and the PDG job into Houdini."),
    },
    "Make": {
        "sample": Command("sample:sample", "Render a small sample shot, as Houdini would."),
        "prepare-inference": Command(
            "prepare:prepare_inference", "Turn a folder of render passes into videos."
        ),
        "describe": Command("describe:describe", "Say what a shot shows, by local models."),
        "watch": Command("watch:watch", "Take every shot rendered below a folder, once."),
        "create-spec": Command("specs:create_spec", "Write a PromptSpec: words, video, controls."),
        "enhance": Command("enhance:enhance", "Have a model write richer words for a prompt."),
        "create-run": Command("specs:create_run", "Write RunSpecs: engine, weights, parameters."),
        "sweep": Command("sweep:sweep", "Write many RunSpecs: a grid of values, or draws."),
    },
    "Run": {
        "plan": Command("plan:plan", "Say what a run would do, send, take and cost."),
        "run": Command("run:run", "Run RunSpecs and bring the videos home."),
        "batch": Command("batch:batch", "Run many RunSpecs, on all GPUs there are."),
        "follow": Command("run:follow", "Go on watching a run, and fetch its result."),
        "logs": Command("run:logs", "Print what the job of a run has written."),
        "cancel": Command("run:cancel", "End a run on its target."),
        "upscale": Command("upscale:upscale", "Make a 4K video of a run's result or any video."),
        "clean": Command("clean:clean", "Remove what old jobs have left on a target."),
        "webhook": Command("webhook:webhook", "Bring runs home as their service says so."),
        "serve": Command("serve:serve", "Start or stop a model's server on an SSH host."),
    },
    "Queue": {
        "queue add": Command("queue_add:add", "Put RunSpecs into the queue."),
        "queue work": Command("queue_work:work", "Work through the queue, on all GPUs there are."),
        "queue list": Command("queue_items:list_", "List what is in the queue."),
        "queue watch": Command("queue_watch:watch", "Watch GPUs, queue and money, live."),
        "queue pause": Command("queue_items:pause", "Hold the queue, or some items, back."),
        "queue resume": Command("queue_items:resume", "Let held items, or the queue, go on."),
        "queue move": Command("queue_items:move", "Change the order."),
        "queue retry": Command("queue_items:retry", "Let items that are over wait once more."),
        "queue cancel": Command("queue_items:cancel", "Take items back, ending those that run."),
        "queue clear": Command("queue_items:clear", "Forget items that are over; runs stay."),
    },
    "Look": {
        "inspect": Command(
            "inspect_pictures:inspect", "Show what renders hold, and what is wrong with them."
        ),
        "list": Command("show:list_", "List prompts, runs or sweeps."),
        "show": Command("show:show", "Show all about a prompt, a sweep or a run."),
        "report": Command("report:report", "What runs came to, what GPUs did, what it cost."),
        "sheet": Command("sheet:sheet", "Make a contact sheet: a run's inputs beside its output."),
        "status": Command("status:status", "How a target is doing: GPUs, disk, containers."),
        "engines": Command("inspect_engines:engines", "List the engines, or show one of them."),
        "targets": Command("targets:targets", "List the places that run jobs."),
        "smoke": Command("smoke:smoke", "Try a service for real, and keep a record of it."),
    },
}

GROUPS = {"queue": "Many runs, in order, kept across restarts, for any number of workers."}
"""First words of commands of two, and what they are about."""

COMMANDS = {name: row for rows in SECTIONS.values() for name, row in rows.items()}


def command_of(args: Sequence[str]) -> str:
    """The command that a line begins with, of one word or two; else its first word."""
    pair = " ".join(args[:2])
    return pair if pair in COMMANDS else (args[0] if args else "")
